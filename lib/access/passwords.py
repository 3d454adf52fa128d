"""Password hashes (argon2id), for the command line and for the sign-in alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from lib.access.tokens import new_token
from lib.errors import UsageError

MIN_LENGTH = 10
MAX_LENGTH = 1000
LONGEST_PATTERN = 4
LEAST_WORD = 3
LEAST_BESIDE = 6
COMMON = (
    "123456", "987654321", "147258369", "qwertyuiop", "qwerty", "azerty", "asdfghjkl", "zxcvbnm", "qazwsx", "1qaz2wsx",
    "1q2w3e4r5t", "q1w2e3r4t5", "abc123", "password", "passw0rd", "p@ssw0rd", "iloveyou", "welcome", "letmein",
    "changeme", "administrator", "football", "baseball", "basketball", "princess", "sunshine", "butterfly", "chocolate",
    "liverpool", "superman", "computer", "dragon", "monkey",
)  # fmt: skip
"""What the commonest passwords of ten characters or more are made of.

After the 100,000 most used ones that the United Kingdom's National Cyber Security Centre took from Have I Been Pwned.
"""
HASHER = PasswordHash((Argon2Hasher(),))
_REMEDY = "Nothing was stored. Choose another password."


def hash_password(password: str, email: str) -> str:
    """The argon2id hash of the password of whoever has this address.

    UsageError where it is too short or too long, or one of those that are guessed first.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise UsageError(
            f"The password has {len(password)} characters; it needs {MIN_LENGTH} or more, {MAX_LENGTH} at most.",
            _REMEDY,
        )
    if weakness := _weakness(password.casefold(), email.casefold()):
        raise UsageError(f"{weakness} It would be guessed soon.", _REMEDY)
    return HASHER.hash(password)


def _weakness(password: str, email: str) -> str:
    """What makes it easy to guess, in a sentence; empty where nothing does."""
    if _repeats(password) or _goes_on(password):
        return "The password is a short pattern."
    local, _, domain = email.partition("@")
    if _is_little_beside(password, [email, local, domain, domain.partition(".")[0]]):
        return "The password is little more than the address of its owner."
    if any(_is_little_beside(password, [word]) for word in COMMON):
        return "The password is little more than one of the commonest."
    return ""


def _repeats(text: str) -> bool:
    """Whether it is up to ``LONGEST_PATTERN`` characters again and again."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, LONGEST_PATTERN + 1))


def _goes_on(text: str) -> bool:
    """Whether each character is the next one, or the one before, of the last: abcdef, 98765, 67890."""
    rows = ("abcdefghijklmnopqrstuvwxyz" * 2, "0123456789" * MAX_LENGTH)
    return any(text in row or text in row[::-1] for row in rows)


def _is_little_beside(password: str, words: Sequence[str]) -> bool:
    """Whether fewer than ``LEAST_BESIDE`` characters are left of it without these words, however often they come."""
    left = password
    for word in words:
        left = left.replace(word, "") if len(word) >= LEAST_WORD else left
    return left != password and len(left) < LEAST_BESIDE


@lru_cache
def nobodys_hash() -> str:
    """The hash that is tried for people without a password, so that the answer takes as long as for the others."""
    return HASHER.hash(new_token())
