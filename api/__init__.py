"""Accounts, sign-in, the API: what speaks HTTP."""
