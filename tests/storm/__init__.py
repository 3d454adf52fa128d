"""A storm: many accounts refreshed from an API in the worst of moods while their workers are killed."""
