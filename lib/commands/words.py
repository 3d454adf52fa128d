"""How the command line reads account ids, dates and secrets."""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys

from lib.errors import UsageError


def account_id(word: str) -> int:
    """The number of an account id, with or without ``act_``."""
    found = re.fullmatch(r"(?:act_)?([0-9]{1,18})", word.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{word!r} is not an account id; write digits, with or without act_")
    return int(found[1])


def date(word: str) -> dt.date:
    """A date written as YYYY-MM-DD."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
            raise ValueError(word)
        return dt.date.fromisoformat(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{word!r} is not a date; write it as YYYY-MM-DD") from error


def secret_from_stdin(what: str) -> str:
    """One secret from standard input, never from the command line, where others could read it."""
    if sys.stdin.isatty():
        sys.stderr.write(f"Paste {what} and press Enter, then Ctrl-D:\n")
    secret = sys.stdin.read().strip()
    if not secret or any(character.isspace() or not character.isprintable() for character in secret):
        raise UsageError(
            f"Standard input held no usable {what}; nothing was stored.", "Pipe it in as one line of text."
        )
    return secret
