"""Password hashes (argon2id), for the command line and for the sign-in alike."""

from __future__ import annotations

from functools import lru_cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from lib.access.tokens import new_token
from lib.errors import UsageError

MIN_LENGTH = 10
MAX_LENGTH = 1000
HASHER = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """The argon2id hash of a password; UsageError where it is too short or too long."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise UsageError(
            f"The password has {len(password)} characters; it needs {MIN_LENGTH} or more, {MAX_LENGTH} at most.",
            "Nothing was stored. Choose another password.",
        )
    return HASHER.hash(password)


@lru_cache
def nobodys_hash() -> str:
    """The hash that is tried for people without a password, so that the answer takes as long as for the others."""
    return HASHER.hash(new_token())
