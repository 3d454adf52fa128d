"""Numbers and changes as people read them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard import formats
from dashboard.formats import Delta


@pytest.mark.parametrize(
    ("value", "kind", "currency", "words"),
    [
        (Decimal("12431.2"), "money", "EUR", "€12.4K"),
        (Decimal("431.2"), "money", "JPY", "¥431"),
        (Decimal("1431.2"), "money", "CHF", "CHF 1,431.20"),
        (Decimal("-12431"), "money", "USD", "-$12.4K"),
        (9999, "count", None, "9,999"),
        (999_960, "count", None, "1.00M"),
        (99_960, "count", None, "100K"),
        (1_234_567_890, "count", None, "1.23B"),
        (0, "count", None, "0"),
        (Decimal("0.0123"), "percent", None, "1.23%"),
        (Decimal("2.1"), "multiple", None, "2.10x"),
        (None, "money", "EUR", "-"),
    ],
)
def test_cards_are_compact(value: int | Decimal | None, kind: str, currency: str | None, words: str) -> None:
    assert formats.compact(value, kind, currency) == words


@pytest.mark.parametrize(
    ("value", "kind", "currency", "words"),
    [
        (Decimal("1234567.8"), "money", "EUR", "€1,234,567.80"),
        (Decimal(1234), "money", "JPY", "¥1,234"),
        (1234567, "count", None, "1,234,567"),
        (None, "count", None, "-"),
    ],
)
def test_exact_numbers_are_whole(value: int | Decimal | None, kind: str, currency: str | None, words: str) -> None:
    assert formats.exact(value, kind, currency) == words


@pytest.mark.parametrize(
    ("current", "previous", "direction", "expected"),
    [
        (12, 10, "up", Delta("+20.0%", "up", "good")),
        (Decimal(12), Decimal(10), "down", Delta("+20.0%", "up", "bad")),
        (8, 10, "down", Delta("-20.0%", "down", "good")),
        (8, 10, "neutral", Delta("-20.0%", "down", "neutral")),
        (3, 0, "up", Delta("new", "up", "good")),
        (0, 0, "up", Delta("no change", "off", "neutral")),
        (100_001, 100_000, "up", Delta("0.0%", "off", "neutral")),
        (1_009, 1_000, "up", Delta("+0.9%", "up", "neutral")),
        (1_010, 1_000, "up", Delta("+1.0%", "up", "good")),
        (210, 10, "up", Delta("+2,000%", "up", "good")),
    ],
)
def test_a_change_has_a_sign_an_arrow_and_a_tone(
    current: int | Decimal, previous: int | Decimal, direction: str, expected: Delta
) -> None:
    assert formats.delta(current, previous, direction) == expected


def test_no_change_without_both_values_and_a_reason() -> None:
    assert "comparison period" in formats.delta(1, None, "up").reason
    assert "this period" in formats.delta(None, 1, "up").reason


def test_spans_and_ages() -> None:
    assert formats.span(dt.date(2026, 10, 24), dt.date(2026, 11, 20)) == "24 Oct to 20 Nov 2026"
    assert formats.span(dt.date(2025, 12, 30), dt.date(2026, 1, 2)) == "30 Dec 2025 to 2 Jan 2026"
    assert formats.span(dt.date(2026, 1, 2), dt.date(2026, 1, 2)) == "2 Jan 2026"
    now = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
    ages = {0: "just now", 5: "5 min ago", 180: "3 h ago", 60 * 72: "3 days ago"}
    assert {minutes: formats.ago(now - dt.timedelta(minutes=minutes), now) for minutes in ages} == ages


def test_lists_and_names() -> None:
    assert formats.listed(["a", "b", "c"]) == "a, b and c"
    assert formats.listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert formats.listed(["a"]) == "a"
    assert formats.listed([]) == ""
    assert formats.plain("[x](y) *z*") == r"\[x\]\(y\) \*z\*"


@pytest.mark.parametrize(
    ("words", "html"),
    [
        ("", ""),
        ("command line, 12.5 %", "command line, 12.5 %"),
        ("ana@example.com", "ana@<wbr>example.<wbr>com"),
        ("a.b-c+d@x.org as <b@y.org>.", "a.<wbr>b-<wbr>c+<wbr>d@<wbr>x.<wbr>org as &lt;b@<wbr>y.<wbr>org&gt;."),
        ("people: added a@x.org, b&c@y.org", "people: added a@<wbr>x.<wbr>org, b&amp;c@<wbr>y.<wbr>org"),
    ],
)
def test_an_address_may_be_broken_behind_its_signs(words: str, html: str) -> None:
    assert formats.breakable(words) == html
