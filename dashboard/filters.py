"""The filter bar of every page: it shows what the address says, and what people change goes back into the address.

Before each widget is drawn its value is set from the view, and each change writes a new address in a guarded callback.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import address, formats, refreshing, views
from dashboard.selection import Selection
from dashboard.views import Shared
from lib.access.viewer import Viewer
from lib.insights.scope import ClientScope

_PREFIX = "filter:"


def bar(
    view: Shared, scope: Sequence[ClientScope], selection: Selection, viewer: Viewer, *, compares: bool = True
) -> None:
    """The controls; then what is filtered, the currency, and the days in words."""
    controls(view, scope, selection, viewer, compares=compares)
    if view.is_filtered:
        with st.container(key="pills", horizontal=True, gap="xsmall", vertical_alignment="center"):
            pills(view, scope)
            st.button("Clear filters", key="clear_filters", type="tertiary", on_click=address.clear)
    notes(selection, compares=compares)


def controls(
    view: Shared, scope: Sequence[ClientScope], selection: Selection, viewer: Viewer, *, compares: bool = True
) -> None:
    """Period, comparison (where the page ``compares``), clients, accounts, Refresh."""
    with st.container(key="filter_bar", horizontal=True, vertical_alignment="bottom", gap="small"):
        _choice("Period", "period", views.PERIODS, view.period, width=180)
        if view.period == "custom":
            dates(selection.since, selection.until, max(selection.today, selection.until))
        if compares:
            _choice("Compare with", "compare", views.COMPARISONS, view.compare, width=180)
        clients(view, {client.slug: client.name for client in scope})
        _accounts(view, selection)
        refreshing.button(viewer, selection)


def notes(selection: Selection, *, compares: bool = True) -> None:
    """The currency, where there are several, and the days in words."""
    _currency(selection)
    _words(selection, compares=compares)


def pills(view: Shared, scope: Sequence[ClientScope]) -> None:
    """A button for each client and account of the filters, which takes it out."""
    for index, (words, changes) in enumerate(_removals(view, scope)):
        st.button(
            formats.plain(formats.short(words)),
            key=f"pill_{index}",
            icon=":material/close:",
            icon_position="right",
            help="Remove this filter",
            on_click=address.change,
            kwargs=changes,
        )


def choice(
    label: str,
    name: str,
    options: Iterable[Any],
    value: Any,
    *,
    words: Callable[[Any], str] = str,
    width: int,
    is_labelled: bool = True,
    then: Callable[[Any], None] | None = None,
) -> None:
    """A select box whose value lives in the address under ``name``; ``then`` takes what was chosen, where given."""
    st.selectbox(
        label,
        list(options),
        format_func=words,
        key=shown(name, value),
        width=width,
        label_visibility="visible" if is_labelled else "collapsed",
        on_change=_changed,
        args=(name, then),
    )


def text(label: str, name: str, value: str, placeholder: str, width: int) -> None:
    """A search box whose value lives in the address under ``name``; it asks once the typing stops."""
    st.text_input(
        label,
        key=typed(name, value),
        type="search",
        placeholder=placeholder,
        icon=":material/search:",
        max_chars=200,
        live=True,
        width=width,
        on_change=_changed,
        args=(name,),
    )


def shown(name: str, value: Any) -> str:
    """The key of a widget that shows ``value`` in this rerun."""
    st.session_state[_PREFIX + name] = value
    return _PREFIX + name


def typed(name: str, value: Any) -> str:
    """The same for a box that is typed in: what was typed since the last rerun is not written over."""
    if st.session_state.get(_PREFIX + name) != value:
        st.session_state[_PREFIX + name] = value
    return _PREFIX + name


def value_of(name: str) -> Any:
    """What the widget of ``shown`` or ``typed`` holds."""
    return st.session_state[_PREFIX + name]


def _changed(name: str, then: Callable[[Any], None] | None = None) -> None:
    value = value_of(name)
    if then is not None:
        then(value)
    elif name == "period":
        _change_period(value)
    else:
        address.change(**{name: tuple(value) if isinstance(value, list) else value})


def _change_period(period: str) -> None:
    if period != "custom":
        address.change(period=period, since=None, until=None)
        return
    since, until = value_of("span")
    address.change(period="custom", since=since, until=until)


def _choice(label: str, name: str, options: Mapping[str, str], value: str, width: int) -> None:
    choice(label, name, options, value, words=lambda slug: options[slug], width=width)


def dates(since: dt.date, until: dt.date, latest: dt.date) -> None:
    """The first and the last day of custom dates; none may be after ``latest``."""
    for label, name, value in (("First day", "since", since), ("Last day", "until", until)):
        st.date_input(
            label,
            key=shown(name, value),
            format="DD/MM/YYYY",
            min_value=views.FIRST_DAY,
            max_value=latest,
            width=140,
            on_change=_changed_date,
            args=(name,),
        )


def _changed_date(name: str) -> None:
    first, last = value_of("since"), value_of("until")
    if first and last and first > last:
        first, last = (first, first) if name == "since" else (last, last)
    if first and last:
        address.change(period="custom", since=first, until=last)


def clients(view: Shared, names: Mapping[str, str]) -> None:
    """The clients of ``names`` (by slug) that narrow the page; nothing to choose where there is one."""
    if len(names) < 2:
        return
    chosen = [slug for slug in view.clients if slug in names]
    label = formats.counted(len(chosen), "client") if len(chosen) > 1 else names[chosen[0]] if chosen else "All clients"
    _many("Clients", "clients", names, chosen, button=label, icon=":material/apartment:")


def _accounts(view: Shared, selection: Selection) -> None:
    accounts = [account for client in selection.clients for account in client.accounts]
    names = {account.account_id: f"{account.name} ({account.account_id})" for account in accounts}
    if len(names) < 2:
        return
    chosen = [number for number in view.accounts if number in names]
    label = formats.counted(len(chosen), "account") if chosen else "All accounts"
    _many("Ad accounts", "accounts", names, chosen, button=label, icon=":material/account_balance_wallet:")


def _many(label: str, name: str, names: Mapping[Any, str], chosen: list[Any], *, button: str, icon: str) -> None:
    with st.popover(formats.plain(formats.short(button)), icon=icon, key=f"{name}_menu"):
        st.multiselect(
            label,
            list(names),
            format_func=lambda each: names[each],
            key=shown(name, chosen),
            placeholder="Type a name",
            width=320,
            on_change=_changed,
            args=(name,),
        )


def _removals(view: Shared, scope: Sequence[ClientScope]) -> list[tuple[str, dict[str, object]]]:
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
        st.segmented_control(
            "Currency",
            sorted(code for code, _ in selection.currencies),
            key=shown("currency", selection.currency),
            required=True,
            label_visibility="collapsed",
            on_change=_changed,
            args=("currency",),
        )
        st.caption(f"Accounts in {selection.currency} only; {apart} shown apart, never added.", width="content")


def _words(selection: Selection, *, compares: bool) -> None:
    shown("span", (selection.since, selection.until))
    words = [formats.span(selection.since, selection.until)]
    if selection.compared and compares:
        words.append(f"compared with {formats.span(*selection.compared)}")
    if selection.until >= selection.today:
        words.append("today is not over yet")
    if len({account.today for account in selection.accounts}) > 1:
        words.append("days of each account's own time zone, up to the earliest yesterday")
    else:
        words.append("days of each account's own time zone")
    st.caption(" · ".join(words))
    if selection.unknown and not selection.is_hidden:
        names = formats.listed([address.SHARED_WORDS[name] for name in selection.unknown], 4)
        st.info(
            f"This address names a {names} that is not among those you can see; it was left out.",
            icon=":material/link_off:",
        )
