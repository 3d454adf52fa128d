"""What a client or a chat may be called, what a token may look like, and Meta's words for an account's status."""

from __future__ import annotations

from lib.errors import UsageError

MAX_NAME = 300
MAX_TOKEN = 1000
JOINERS = {0x200C: None, 0x200D: None}
"""Parts of Persian words and of emoji that show nothing by themselves."""

STATUSES = {
    1: "active",
    2: "disabled by Meta",
    3: "unsettled bill",
    7: "in Meta's risk review",
    8: "settlement pending",
    9: "in the grace period",
    100: "closing",
    101: "closed",
}
"""Meta's ``account_status``. Source: https://developers.facebook.com/docs/marketing-api/reference/ad-account"""


def checked_line(words: str, what: str, field: str = "name") -> str:
    """``words`` without blanks around them; UsageError where they are no line that one could read.

    It says ``what`` needs such a ``field``, which is called as the form calls it.
    """
    line = words.strip()
    letters = line.translate(JOINERS)
    if not letters.strip() or not letters.isprintable():
        raise UsageError(f"{what} needs a {field} of printable characters; nothing was stored.")
    if len(line) > MAX_NAME:
        raise UsageError(f"{what} has a {field} of at most {MAX_NAME} characters; nothing was stored.")
    return line


def checked_token(words: str) -> str:
    """A pasted token without blanks around it; UsageError, which never repeats it, where it cannot be one."""
    token = words.strip()
    if not token:
        raise UsageError("No token was pasted; nothing was stored.", "Paste the token, then try again.")
    is_one_word = token.isascii() and token.isprintable() and " " not in token
    if not is_one_word or len(token) > MAX_TOKEN:
        raise UsageError(
            "What was pasted is no token: a token is one line of letters and digits without blanks.",
            "Nothing was stored. Copy it again in Meta's Business settings.",
        )
    return token


def status_words(status: int | None) -> str:
    """Meta's status of an account in words; empty where Meta has not told."""
    return "" if status is None else STATUSES.get(status, f"status {status}")
