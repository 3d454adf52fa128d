"""What a bearer token is for. A person's role and grants hold besides: no scope opens what they do not."""

from __future__ import annotations

READ = "read"
WRITE = "write"
SCOPES = (READ, WRITE)
EVERYTHING = frozenset(SCOPES)
"""What a person who is signed in by themselves may do."""
