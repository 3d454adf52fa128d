"""Numbers, days and ages as people read them; nothing here draws."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import cycle
from typing import Literal

from lib.insights.currency import exponent, format_money

MISSING = "-"
_MARKDOWN = frozenset("\\`*_{}[]()<>#+-.!|~$:^&=")
_ADDRESS, _BEHIND_A_SIGN = re.compile(r"(\S+@\S+)"), re.compile(r"[@._+-](?=\w)")
_STEPS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"))
_ROUNDS_UP = Decimal("0.9995")
Number = int | Decimal | None
Tone = Literal["good", "bad", "neutral"]


@dataclass(frozen=True)
class Delta:
    """A change in words: ``text`` starts with its sign, ``reason`` says why there is none to show."""

    text: str
    arrow: Literal["up", "down", "off"]
    tone: Tone
    reason: str = ""


def with_currency(digits: str, currency: str | None) -> str:
    """``digits`` behind the currency's sign or code."""
    sign = format_money(Decimal(0), currency).rstrip("0.")
    return f"-{sign}{digits[1:]}" if digits.startswith("-") else f"{sign}{digits}"


def compact(value: Number, kind: str, currency: str | None = None) -> str:
    """A number for a card: 12.4K, €1.2M, 3.45%, 2.10x; ``-`` where there is none."""
    if value is None:
        return MISSING
    if kind == "percent":
        return f"{value * 100:.2f}%"
    if kind == "multiple":
        return f"{value:.2f}x"
    places = exponent(currency) if kind == "money" and currency else 0
    digits = _compact_digits(Decimal(value), places)
    return with_currency(digits, currency) if kind == "money" else digits


def _compact_digits(value: Decimal, places: int) -> str:
    for size, letter in _STEPS:
        least = size * 10 if letter == "K" else size * _ROUNDS_UP
        if abs(value) >= least:
            return f"{_three_figures(value / size)}{letter}"
    return f"{value:,.{places}f}"


def _three_figures(value: Decimal) -> str:
    figures = abs(value)
    places = 0 if figures >= 100 * _ROUNDS_UP else 1 if figures >= 10 * _ROUNDS_UP else 2
    return f"{value:.{places}f}"


def exact(value: Number, kind: str, currency: str | None = None) -> str:
    """The whole number: 12,431, €1,234.56, 3.45%, 2.10x; ``-`` where there is none."""
    if value is None:
        return MISSING
    if kind in ("percent", "multiple"):
        return compact(value, kind)
    return format_money(Decimal(value), currency) if kind == "money" else f"{value:,}"


def delta(current: Number, previous: Number, direction: str, rule: str = "") -> Delta:
    """The relative change from ``previous`` to ``current``; ``direction`` is which way is good (up, down, neutral).

    Less than one percent is neither good nor bad. ``rule`` is why ``previous`` may have no value, where that is known.
    """
    if current is None or previous is None:
        lacking = "this period" if current is None else "the comparison period"
        why = f" ({rule})" if rule and current is not None else ""
        return Delta("", "off", "neutral", f"No change to show: {lacking} has no value{why}.")
    if previous == 0:
        return Delta("no change", "off", "neutral") if current == 0 else Delta("new", "up", _tone(True, direction))
    change = (Decimal(current) - Decimal(previous)) / abs(Decimal(previous)) * 100
    text = _percent(change)
    if text in ("+0.0%", "-0.0%"):
        return Delta("0.0%", "off", "neutral")
    tone = _tone(change > 0, direction) if abs(change) >= 1 else "neutral"
    return Delta(text, "up" if change > 0 else "down", tone)


def _percent(change: Decimal) -> str:
    return f"{change:+,.0f}%" if abs(change) >= 1000 else f"{change:+.1f}%"


def _tone(rising: bool, direction: str) -> Tone:
    if direction == "neutral":
        return "neutral"
    return "good" if rising == (direction == "up") else "bad"


def day(date: dt.date) -> str:
    """20 Nov 2025."""
    return f"{date.day} {date:%b %Y}"


def span(since: dt.date, until: dt.date) -> str:
    """24 Oct to 20 Nov 2025; the year of the first day only where it differs."""
    if since == until:
        return day(since)
    first = day(since) if since.year != until.year else f"{since.day} {since:%b}"
    return f"{first} to {day(until)}"


def ago(moment: dt.datetime, now: dt.datetime) -> str:
    """How long ago, in the largest unit that fits: just now, 5 min ago, 3 h ago, 2 days ago."""
    minutes = max(0, int((now - moment).total_seconds() // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // (24 * 60)} days ago"


def lasting(seconds: float) -> str:
    """About how long: 40 s, 3 min, 2 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def counted(number: int, one: str, many: str | None = None) -> str:
    """1 campaign, 1,234 campaigns."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 3) -> str:
    """Acme, Bolt and 4 more."""
    if len(names) <= most:
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def plain(words: str) -> str:
    """Words from outside, with every sign that Markdown would read escaped."""
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in words)


def breakable(words: str) -> str:
    """Words from outside as HTML, in which an e-mail address goes on in another line behind its signs alone."""
    return "".join(
        _BEHIND_A_SIGN.sub(r"\g<0><wbr>", escape(part)) if is_address else escape(part)
        for part, is_address in zip(_ADDRESS.split(words), cycle((False, True)), strict=False)
    )


def short(words: str, most: int = 48) -> str:
    """At most ``most`` letters, with an ellipsis where some were cut."""
    return words if len(words) <= most else f"{words[: most - 1]}…"
