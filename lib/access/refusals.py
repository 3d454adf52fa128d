"""Why somebody was not let in: a sentence for them, and fewer but plainer words for the administrators' log."""

from __future__ import annotations

from enum import StrEnum

from lib.errors import AccessError


class Why(StrEnum):
    """What the log says; a stranger is told less."""

    WRONG_PASSWORD = "wrong password"  # noqa: S105 (words)
    UNKNOWN = "unknown address"
    NO_PASSWORD = "this person has no password"  # noqa: S105 (words)
    DISABLED = "this person is disabled"
    TOO_MANY = "too many attempts"
    LINK_OVER = "link used or expired"
    NOT_ALLOWED = "not allowed in"
    UNVERIFIED = "address not verified"
    UNUSABLE = "address cannot be used here"
    OTHER_ACCOUNT = "another account of the sign-in service"
    ENDED = "sign-in has ended"
    REPLAYED = "sign-in used before or over"
    REFUSED_THERE = "refused by the sign-in service"
    TOKEN_REVOKED = "personal token revoked"  # noqa: S105 (words)
    TOKEN_EXPIRED = "personal token expired"  # noqa: S105 (words)
    NOT_BEGUN = "not begun in this browser"
    NOT_ACCEPTED = "answer of the sign-in service not accepted"


class NotLetIn(AccessError):
    """Somebody whom a sign-in service knows may not come in."""

    def __init__(self, why: Why, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.why = why


def why_of(error: AccessError) -> Why:
    """What the log says of it."""
    return error.why if isinstance(error, NotLetIn) else Why.NOT_ALLOWED
