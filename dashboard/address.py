"""The address as the only state of a page: what is drawn is read from it, and every change is written back into it.

A copied address, the back button and a click all lead through this door. ``Page`` says how one page's view stands in
its address; period, comparison, clients, accounts and currency go along when people turn to another page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import formats, gate, views
from lib.insights.saved_views import MAX_ADDRESS

Address = dict[str, list[str]]
"""Parameters by name, as the browser sends them."""

_PAGE = "address:page"
_LAST = "address:last_change"
_SHARED = "address:shared"
_NOTICE = "address:notice"
_CLICK = "address:click"
HEARD_WITHIN_S = 10.0
"""Within this time a browser has heard of an address that was written, or its connection is lost."""


@dataclass(frozen=True)
class Page:
    """How a page's view is read from an address and written into one, and what its parameters are called."""

    name: str
    read: Callable[[views.Params], tuple[Any, tuple[str, ...]]]
    write: Callable[[Any], dict[str, str | list[str]]]
    words: Mapping[str, str]


@dataclass(frozen=True)
class _Change:
    """The address that was written last; those that the browser may send until it has heard of it; for each field
    changed since then the address that its click carried; and when that was, on this machine's own clock."""

    address: Address
    overtaken: tuple[Address, ...]
    sent_with: Mapping[str, Address]
    at: float

    def is_unheard(self, asked: Address) -> bool:
        """Whether what carries this address may have been sent before the browser heard of the last one.

        Later on it is somebody who goes there: by the page's name in the navigation, for example.
        """
        return asked in self.overtaken and time.monotonic() - self.at < HEARD_WITHIN_S


SHARED_WORDS = {
    "period": "period",
    "since": "first day",
    "until": "last day",
    "compare": "comparison",
    "client": "client",
    "account": "account",
    "currency": "currency",
    "limit": "number of rows",
    "page": "page",
    views.UNKNOWN: "something that this page does not have",
}
OVERVIEW = Page(
    "overview",
    views.read,
    views.write,
    {**SHARED_WORDS, "metric": "metric", "sort": "sort order", "name": "campaign name"},
)


def current(page: Page) -> Any:
    """The view of ``page`` that the address asks for; says in one sentence which parts could not be understood.

    What callbacks changed before is written into the address here: a write can end the run for a newer one, and in a
    callback it would take the other callbacks with it.
    """
    is_new = _turned_to(page)
    asked = _asked()
    last = _last_change()
    if last and last.is_unheard(asked) and not _went_through_history():
        asked = last.address
        st.query_params.from_dict(asked)
    elif last and asked != last.address:
        # The browser went back or elsewhere: what comes next starts from there.
        del st.session_state[_LAST]
    view, odd = page.read(asked)
    if is_new and not asked:
        view = _along(view)
    st.session_state[_SHARED] = views.shared_parts(view)
    _say(page, odd)
    return view


def change(**changes: Any) -> None:
    """Change these parts of the view in the address; another page of rows is shown from its start."""
    apply(lambda view: replace(view, **{**view.from_start, **changes}))


def clear() -> None:
    """Take every filter out of the address; the period stays."""
    apply(lambda view: view.cleared())


@gate.guarded_callback
def apply(make: Callable[[Any], Any]) -> None:
    """Put ``make(view)`` in the place of the view that holds now; a sentence where its address would be too long.

    A click that was sent before the last changes reached the browser still carries an address from before them; taken
    at its word, it would undo them.
    """
    asked, last, page = _asked(), _last_change(), _page()
    is_late = last is not None and last.is_unheard(asked)
    shown = page.read(asked)[0]
    before = page.read(last.address)[0] if last and is_late else shown
    run, earlier = _run(), _doubted()
    before = replace(before, **(earlier or {}))
    view, doubtful = make(before), {}
    if last and is_late:
        echoes = _echoed(view, before, shown, last.sent_with)
        is_alone = earlier is None
        doubtful = {name: value for name, value in echoes.items() if is_alone and last.sent_with[name] == asked}
        view = replace(view, **{name: value for name, value in echoes.items() if name not in doubtful})
    st.session_state[_CLICK] = run, doubtful
    after = page.write(view)
    if len(query_of(after)) > MAX_ADDRESS:
        notice("That is more than one address can hold, so nothing was changed. Take out another filter first.")
        return
    changed = {each.name: asked for each in fields(view) if getattr(view, each.name) != getattr(before, each.name)}
    _write(after, changed)


def _echoed(view: Any, before: Any, shown: Any, names: Iterable[str]) -> dict[str, Any]:
    """Of the fields ``names``, those that only seem changed back to what is ``shown``, with what they had ``before``.

    Where the browser drew an older answer after such a field was changed, its widget fell back to the old value, and
    sends that along with the next click as if it had been chosen. Where the change carried the same address as this
    click, somebody may have chosen the old value again; but who chooses does nothing else in the same click. That rows
    are shown from their start again is no widget's doing.
    """
    return {
        name: getattr(before, name)
        for name in set(names) - set(shown.from_start)
        if getattr(view, name) == getattr(shown, name) != getattr(before, name)
    }


def _doubted() -> dict[str, Any] | None:
    """What fields had before this click's earlier changes, where these may be echoes; None for its first change."""
    run, doubtful = st.session_state.get(_CLICK, (None, {}))
    return doubtful if run is not None and run is _run() else None


def _run() -> object:
    """What the callbacks of one click have in common, and no others: Streamlit makes it anew for each run."""
    context = get_script_run_ctx()
    return context and context.cursors


def open_query(query: str) -> None:
    """Show the view of this query string, as it was saved, on the page that is open."""
    _write(parse_qs(query, keep_blank_values=True), {})


def query_of(params: Mapping[str, str | list[str]]) -> str:
    """The parameters as a query string without the question mark."""
    return urlencode(params, doseq=True)


def notice(words: str) -> None:
    """Say this once, when the page is drawn next."""
    st.session_state[_NOTICE] = words


def _write(params: Mapping[str, str | list[str]], changed: Mapping[str, Address]) -> None:
    """Let the next drawing show these parameters; ``changed`` are the fields that differ, with the click's address."""
    asked, last = _asked(), _last_change()
    listed = {name: [value] if isinstance(value, str) else list(value) for name, value in params.items()}
    address = {name: values for name, values in listed.items() if values}
    if last and last.is_unheard(asked):
        overtaken = (*(each for each in last.overtaken if each != last.address), last.address)
        changed = {**last.sent_with, **changed}
    else:
        # A click that carries the last address shows that the browser has it, and no older one any more.
        overtaken = (asked,)
    st.session_state[_LAST] = _Change(address, overtaken, changed, time.monotonic())


def _last_change() -> _Change | None:
    found: _Change | None = st.session_state.get(_LAST)
    return found


def _went_through_history() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _asked() -> Address:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _page() -> Page:
    page: Page = st.session_state[_PAGE]
    return page


def _turned_to(page: Page) -> bool:
    """Whether this session showed another page before."""
    before: Page | None = st.session_state.get(_PAGE)
    st.session_state[_PAGE] = page
    if before is None or before.name == page.name:
        return False
    st.session_state.pop(_LAST, None)
    return True


def _along(view: Any) -> Any:
    """``view`` with what the page before had in common with it; the address follows."""
    taken = replace(view, **st.session_state.get(_SHARED, {}))
    if taken != view:
        st.query_params.from_dict(_page().write(taken))
    return taken


def _say(page: Page, odd: tuple[str, ...]) -> None:
    if odd:
        words = list(dict.fromkeys(page.words[name] for name in odd))
        st.info(
            f"Part of this address could not be understood and was left out: {formats.listed(words, 12)}.",
            icon=":material/link_off:",
        )
    words = st.session_state.pop(_NOTICE, None)
    if words:
        st.info(formats.plain(words), icon=":material/info:")
