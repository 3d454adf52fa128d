"""The sentence for a word that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """Names the word and the known ones that are nearest to it, or all where there are few."""
    names = list(known)
    near = get_close_matches(word.lower(), names, n=3, cutoff=0.5)
    if not near and len(names) > 12:
        near = [name for name in names if word.lower() and word.lower() in name][:3]
    if near:
        return f"There is no {kind} {shown(word)}. Did you mean {' or '.join(near)}?"
    if len(names) <= 12:
        return f"There is no {kind} {shown(word)}. There are {', '.join(names)}."
    return f"There is no {kind} {shown(word)}. Some that exist are {', '.join(names[:6])}."


def shown(word: str) -> str:
    """The word in quotes, printable and not longer than a line."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in word[:60])
    return f"“{printable}{'…' if len(word) > 60 else ''}”"
