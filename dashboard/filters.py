"""The filter bar: it shows what the address says, and what people change goes back into the address.

The address is the only state. Before each widget is drawn its value is set from the view, and each change writes a
new address in a guarded callback, so that a copied address, the back button and a click all lead through one door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import formats, gate, refreshing, views
from dashboard.selection import Selection
from dashboard.views import View
from lib.access.viewer import Viewer
from lib.insights.scope import ClientScope

_PREFIX = "filter:"
_LAST = "filters:last_change"
_WORDS = {
    "period": "period",
    "since": "first day",
    "until": "last day",
    "compare": "comparison",
    "client": "client",
    "account": "account",
    "currency": "currency",
    "metric": "metric",
    "sort": "sort order",
    "name": "campaign name",
    "limit": "number of rows",
    "page": "page",
}


def from_url() -> View:
    """The view that the address asks for; says in one sentence which parts could not be understood."""
    asked = _asked()
    last = st.session_state.get(_LAST)
    if last and asked == last[0]:
        # The browser is back where it was before the change: what comes next starts from here.
        del st.session_state[_LAST]
    view, odd = views.read(asked)
    if odd:
        words = list(dict.fromkeys(_WORDS[name] for name in odd))
        st.info(
            f"Part of this address could not be understood and was left out: {formats.listed(words, 12)}.",
            icon=":material/link_off:",
        )
    return view


def to_url(view: View) -> None:
    """Write ``view`` into the address; parameters of other pages' making are dropped."""
    before = _asked()
    st.query_params.from_dict(views.write(view))
    st.session_state[_LAST] = (before, _asked())


def bar(view: View, scope: Sequence[ClientScope], selection: Selection, viewer: Viewer) -> None:
    """Period, comparison, clients, accounts, Refresh; then what is filtered, the currency, and the days in words."""
    with st.container(key="filter_bar", horizontal=True, vertical_alignment="bottom", gap="small"):
        _choice("Period", "period", views.PERIODS, view.period, width=180)
        if view.period == "custom":
            _dates(selection)
        _choice("Compare with", "compare", views.COMPARISONS, view.compare, width=180)
        _clients(view, scope)
        _accounts(view, selection)
        refreshing.button(viewer, selection)
    _pills(view, scope)
    _currency(selection)
    _words(selection)


def choice(
    label: str,
    name: str,
    options: Iterable[Any],
    value: Any,
    *,
    words: Callable[[Any], str] = str,
    width: int,
    is_labelled: bool = True,
) -> None:
    """A select box whose value lives in the address under ``name``."""
    st.session_state[_PREFIX + name] = value
    st.selectbox(
        label,
        list(options),
        format_func=words,
        key=_PREFIX + name,
        width=width,
        label_visibility="visible" if is_labelled else "collapsed",
        on_change=_changed,
        args=(name,),
    )


def text(label: str, name: str, value: str, placeholder: str, width: int) -> None:
    """A search box whose value lives in the address under ``name``."""
    st.session_state[_PREFIX + name] = value
    st.text_input(
        label,
        key=_PREFIX + name,
        type="search",
        placeholder=placeholder,
        icon=":material/search:",
        max_chars=200,
        width=width,
        on_change=_changed,
        args=(name,),
    )


@gate.guarded_callback
def change(**changes: Any) -> None:
    """Change these parts of the view in the address; another page of rows is shown from its start."""
    view = _current()
    to_url(replace(view, **{"page": 1, **changes}))  # type: ignore[arg-type]


@gate.guarded_callback
def clear() -> None:
    """Take every filter out of the address; the period stays."""
    to_url(_current().cleared())


@gate.guarded_callback
def sort_by(slug: str | None = None) -> None:
    """Sort by ``slug`` in the direction that holds now; without one, turn the order round."""
    key, descending = views.sort_of(_current())
    falls = descending if slug else not descending
    change(sort=f"{'-' if falls else ''}{slug or key}")


def _asked() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _current() -> View:
    """The view that a change starts from.

    A click that was sent before the last change reached the browser still carries the address from before it; taken
    at its word, it would undo that change.
    """
    asked = _asked()
    last = st.session_state.get(_LAST)
    return views.read(last[1] if last and asked == last[0] else asked)[0]


def _changed(name: str) -> None:
    value = st.session_state[_PREFIX + name]
    if name == "sort":
        sort_by(value)
    elif name == "period":
        _change_period(value)
    else:
        change(**{name: tuple(value) if isinstance(value, list) else value})


def _change_period(period: str) -> None:
    if period != "custom":
        change(period=period, since=None, until=None)
        return
    since, until = st.session_state[_PREFIX + "span"]
    change(period="custom", since=since, until=until)


def _choice(label: str, name: str, options: Mapping[str, str], value: str, width: int) -> None:
    choice(label, name, options, value, words=lambda slug: options[slug], width=width)


def _dates(selection: Selection) -> None:
    for label, name, value in (("First day", "since", selection.since), ("Last day", "until", selection.until)):
        st.session_state[_PREFIX + name] = value
        st.date_input(
            label,
            key=_PREFIX + name,
            format="DD/MM/YYYY",
            min_value=views.FIRST_DAY,
            max_value=max(selection.today, selection.until),
            width=140,
            on_change=_changed_date,
            args=(name,),
        )


def _changed_date(name: str) -> None:
    first, last = st.session_state[_PREFIX + "since"], st.session_state[_PREFIX + "until"]
    if first and last and first > last:
        first, last = (first, first) if name == "since" else (last, last)
    if first and last:
        change(period="custom", since=first, until=last)


def _clients(view: View, scope: Sequence[ClientScope]) -> None:
    names = {client.slug: client.name for client in scope}
    if len(names) < 2:
        return
    chosen = [slug for slug in view.clients if slug in names]
    label = formats.counted(len(chosen), "client") if len(chosen) > 1 else names[chosen[0]] if chosen else "All clients"
    _many("Clients", "clients", names, chosen, shown=label, icon=":material/apartment:")


def _accounts(view: View, selection: Selection) -> None:
    accounts = [account for client in selection.clients for account in client.accounts]
    names = {account.account_id: f"{account.name} ({account.account_id})" for account in accounts}
    if len(names) < 2:
        return
    chosen = [number for number in view.accounts if number in names]
    label = formats.counted(len(chosen), "account") if chosen else "All accounts"
    _many("Ad accounts", "accounts", names, chosen, shown=label, icon=":material/account_balance_wallet:")


def _many(label: str, name: str, names: Mapping[Any, str], chosen: list[Any], *, shown: str, icon: str) -> None:
    with st.popover(formats.plain(formats.short(shown)), icon=icon, key=f"{name}_menu"):
        st.session_state[_PREFIX + name] = chosen
        st.multiselect(
            label,
            list(names),
            format_func=lambda each: names[each],
            key=_PREFIX + name,
            placeholder="Type a name",
            width=320,
            on_change=_changed,
            args=(name,),
        )


def _pills(view: View, scope: Sequence[ClientScope]) -> None:
    if not view.is_filtered:
        return
    with st.container(key="pills", horizontal=True, gap="xsmall", vertical_alignment="center"):
        for index, (words, changes) in enumerate(_removals(view, scope)):
            st.button(
                formats.plain(formats.short(words)),
                key=f"pill_{index}",
                icon=":material/close:",
                icon_position="right",
                help="Remove this filter",
                on_click=change,
                kwargs=changes,
            )
        st.button("Clear filters", key="clear_filters", type="tertiary", on_click=clear)


def _removals(view: View, scope: Sequence[ClientScope]) -> list[tuple[str, dict[str, object]]]:
    clients = {client.slug: client.name for client in scope}
    accounts = {account.account_id: account.name for client in scope for account in client.accounts}
    found: list[tuple[str, dict[str, object]]] = []
    for slug in view.clients:
        left = tuple(each for each in view.clients if each != slug)
        found.append((f"Client: {clients.get(slug, slug)}", {"clients": left}))
    for number in view.accounts:
        rest = tuple(each for each in view.accounts if each != number)
        found.append((f"Account: {accounts.get(number, number)}", {"accounts": rest}))
    return found


def _currency(selection: Selection) -> None:
    if len(selection.currencies) < 2:
        return
    others = [f"{formats.counted(count, 'account')} in {code}" for code, count in selection.currencies]
    apart = formats.listed([words for words in others if not words.endswith(f" {selection.currency}")], 9)
    with st.container(key="currency_bar", horizontal=True, vertical_alignment="center", gap="small"):
        st.session_state[_PREFIX + "currency"] = selection.currency
        st.segmented_control(
            "Currency",
            sorted(code for code, _ in selection.currencies),
            key=_PREFIX + "currency",
            required=True,
            label_visibility="collapsed",
            on_change=_changed,
            args=("currency",),
        )
        st.caption(f"Accounts in {selection.currency} only; {apart} shown apart, never added.", width="content")


def _words(selection: Selection) -> None:
    st.session_state[_PREFIX + "span"] = (selection.since, selection.until)
    words = [formats.span(selection.since, selection.until)]
    if selection.compared:
        words.append(f"compared with {formats.span(*selection.compared)}")
    if selection.until >= selection.today:
        words.append("today is not over yet")
    if len({account.today for account in selection.accounts}) > 1:
        words.append("days of each account's own time zone, up to the earliest yesterday")
    else:
        words.append("days of each account's own time zone")
    st.caption(" · ".join(words))
    if selection.unknown and not selection.is_hidden:
        names = formats.listed([_WORDS[name] for name in selection.unknown], 4)
        st.info(
            f"This address names a {names} that is not among those you can see; it was left out.",
            icon=":material/link_off:",
        )
