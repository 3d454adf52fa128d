"""From the Marketing API into the store: plan, fetch, replace, and how far it is."""
