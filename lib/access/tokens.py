"""Random tokens for sessions and links; the store only ever holds their SHA-256."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """256 random bits that are safe in an address and in a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """The 32 bytes that the store knows a token by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
