"""Questions about stored insights, and their answers."""
