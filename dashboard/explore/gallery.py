"""Below a table by ad or creative: what those in its visible rows look like, and how Meta ranks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from dashboard import formats, refreshing, states
from dashboard.explore import cards
from dashboard.explore.asking import Answer
from dashboard.explore.view import ExploreView
from lib.access.viewer import Viewer
from lib.insights.cards import Card
from lib.insights.reach import Span

A_PAGE = 12
_PLURALS = {"ad": "Ads", "creative": "Creatives"}
_PLACE = "gallery:place"
Ids = tuple[int, ...]


def draw(viewer: Viewer, answer: Answer, rows: Sequence[Mapping[str, str]], offered: Sequence[Span]) -> None:
    """The cards of the visible ``rows``; ``offered`` are the periods that the page offers to fetch reach of already.

    Nothing where the rows tell no ads and no creatives apart.
    """
    level = level_of(answer.view)
    ids = ids_of(level, rows)
    if not ids:
        return
    with st.container(key="gallery"), states.errors("The pictures and texts of these rows could not be loaded"):
        st.subheader(f"{_PLURALS[level]} in these rows", anchor=False)
        first = _first(level, ids)
        shown = _cards(answer, level, ids[first : first + A_PAGE])
        if level == "ad":
            _about(viewer, answer, shown, offered)
        st.html(cards.grid(shown, ranked=level == "ad"))
        _pager(level, ids, first)


def level_of(view: ExploreView) -> str:
    """What each row is of: ad, creative, or nothing that has a picture."""
    return next((level for level in _PLURALS if level in view.rows), "")


def ids_of(level: str, rows: Iterable[Mapping[str, str]]) -> Ids:
    """The ads or creatives of the rows, each once, in their order; what the small ones became has no id."""
    return tuple(dict.fromkeys(int(row[level]) for row in rows if row.get(level, "").isdecimal()))


def _cards(answer: Answer, level: str, ids: Ids) -> list[Card]:
    selection, numbers = answer.selection, answer.numbers
    if level == "creative":
        found = numbers.creative_cards(ids)
    else:
        found = numbers.ad_cards(ids, selection.since, selection.until)
    return [found.get(number) or _undescribed(level, number) for number in ids]


def _undescribed(level: str, number: int) -> Card:
    """Rows may tell of what no list of Meta's has named yet."""
    why = f"Meta has not described this {level} yet"
    return Card(0, number, str(number), "", "", "", no_picture=why, no_ranking=why)


def _about(viewer: Viewer, answer: Answer, shown: Sequence[Card], offered: Sequence[Span]) -> None:
    """Which period the rankings are of, and the way to those that are not here."""
    span = (answer.selection.since, answer.selection.until)
    lacking = frozenset(card.account_id for card in shown if card.can_be_fetched)
    said = [f"Rankings are Meta's for {formats.span(*span)}, against ads that compete for the same people."]
    if why := why_none(shown):
        said.append(f"{formats.plain(cards.sentence(why))}.")
    if lacking and span in offered:
        said.append("The button above that fetches reach fetches them too.")
    st.caption(" ".join(said))
    if lacking and span not in offered and refreshing.may_refresh(viewer):
        refreshing.reach_button(viewer, lacking, [span], "rankings")


def why_none(shown: Iterable[Card]) -> str:
    """Why there is no ranking at all, where that is the same for all ads; who has no mouse reads it here."""
    reasons = {"" if card.rankings else card.no_ranking for card in shown}
    return reasons.pop() if len(reasons) == 1 else ""


def _first(level: str, ids: Ids) -> int:
    """Where the cards begin that are turned to; with the first where the rows are other ones."""
    of, first = st.session_state.get(_PLACE, (None, 0))
    return int(first) if of == (level, ids) and first < len(ids) else 0


def _pager(level: str, ids: Ids, first: int) -> None:
    if len(ids) <= A_PAGE:
        return
    last = min(first + A_PAGE, len(ids))
    with st.container(key="gallery_pager", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{_PLURALS[level]} {first + 1:,} to {last:,} of {len(ids):,}", width="content")
        _turn("Previous", "previous_cards", ":material/chevron_left:", (level, ids), first - A_PAGE, off=first == 0)
        _turn("Next", "next_cards", ":material/chevron_right:", (level, ids), last, off=last == len(ids))


def _turn(label: str, key: str, icon: str, of: tuple[str, Ids], first: int, *, off: bool) -> None:
    st.button(label, key=key, icon=icon, disabled=off, on_click=_go, args=(of, first))


def _go(of: tuple[str, Ids], first: int) -> None:
    st.session_state[_PLACE] = (of, first)
