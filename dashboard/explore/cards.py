"""Cards of ads and creatives as HTML: everything that comes from outside is escaped, and nothing is fetched."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from html import escape

from dashboard import formats
from dashboard.explore import words
from lib.insights.cards import Card, Picture
from lib.insights.reach import NOT_ENDED

LABELS: Mapping[str, str] = {
    "quality_ranking": "Quality",
    "engagement_rate_ranking": "Engagement rate",
    "conversion_rate_ranking": "Conversion rate",
}
"""Meta's rankings as people call them, in the order of Ads Manager's columns."""

GONE = ("DELETED", "ARCHIVED")
_BOTTOM = "BELOW_AVERAGE_"


def ranking(word: str) -> str:
    """ABOVE_AVERAGE as Above average, BELOW_AVERAGE_35 as Below average (bottom 35%), as Ads Manager has them."""
    share = word.removeprefix(_BOTTOM)
    if word != share and share.isdecimal():
        return f"Below average (bottom {share}%)"
    return words.word(word)


def grid(cards: Iterable[Card], *, ranked: bool) -> str:
    """The cards side by side, in their order; with Meta's rankings where they are of ads."""
    return f'<div class="cards">{"".join(_card(card, ranked=ranked) for card in cards)}</div>'


def _card(card: Card, *, ranked: bool) -> str:
    name = escape(card.name or words.NOTHING)
    return (
        f'<article class="card">{_picture(card, name)}<div class="card_words">'
        f'<div class="card_head"><strong dir="auto" title="{name}">{name}</strong>{_status(card.status)}</div>'
        f"{_text('card_title', card.title)}{_text('card_body', card.body)}"
        f"{_rankings(card) if ranked else ''}</div></article>"
    )


def _picture(card: Card, name: str) -> str:
    if card.picture is None:
        return f'<div class="card_picture card_blank"><span>{escape(card.no_picture)}</span></div>'
    return f'<div class="card_picture"><img src="{address(card.picture)}" alt="Picture of {name}"></div>'


def address(picture: Picture) -> str:
    """The picture itself as an address, so that it goes to whom the page goes to and to nobody else."""
    return f"data:{escape(picture.content_type)};base64,{base64.b64encode(picture.content).decode()}"


def _status(status: str) -> str:
    if not status:
        return ""
    kind = " card_gone" if status in GONE else ""
    return f'<span class="card_status{kind}">{escape(words.word(status))}</span>'


def _text(kind: str, said: str) -> str:
    return f'<p class="{kind}" dir="auto" title="{escape(said)}">{escape(said)}</p>' if said else ""


def _rankings(card: Card) -> str:
    lines = (f"<dt>{label}</dt>{_ranking(card, name)}" for name, label in LABELS.items())
    return f"<dl>{''.join(lines)}</dl>"


def _ranking(card: Card, name: str) -> str:
    word = card.rankings.get(name, "")
    why = f' title="{escape(sentence(card.no_ranking))}"' if not word or card.no_ranking == NOT_ENDED else ""
    kind = ' class="card_below"' if word.startswith(_BOTTOM) else ' class="card_above"' if "ABOVE" in word else ""
    return f"<dd{kind}{why}>{escape(ranking(word)) if word else formats.MISSING}</dd>"


def sentence(reason: str) -> str:
    """A reason as it stands alone: with a capital, without its full stop."""
    return f"{reason[:1].upper()}{reason[1:]}".removesuffix(".")
