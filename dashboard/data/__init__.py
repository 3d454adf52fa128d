"""How the stored numbers came here and how far to rely on them: accounts, refreshes, what is missing or differs."""
