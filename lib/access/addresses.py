"""When two spellings are one e-mail address: for people, invitations, sign-ins and counts alike.

PostgreSQL and Python fold some letters of other scripts into our own (the Turkish İ, the Kelvin sign, full-width
letters), each in its own way, and whoever owns such a spelling would be taken for someone else.
"""

from __future__ import annotations

import unicodedata

LONGEST_EMAIL = 320


def address_key(email: str) -> str:
    """The same for every spelling of one address: whatever the case, but no letter becomes one of ASCII by it."""
    return "".join(map(_small, email))


def is_same_address(one: str, other: str) -> bool:
    """Whether the two are one address."""
    return address_key(one) == address_key(other)


def is_disguised(email: str) -> bool:
    """Whether a letter of it is taken for another one by whoever folds or normalizes it."""
    return any(not letter.isascii() and _is_another(letter) for letter in email)


def _small(letter: str) -> str:
    small = letter.lower()
    return small if letter.isascii() or not _has_ascii(small) else letter


def _is_another(letter: str) -> bool:
    return unicodedata.normalize("NFKC", letter) != letter or _has_ascii(letter.lower())


def _has_ascii(text: str) -> bool:
    return any(letter.isascii() for letter in text)
