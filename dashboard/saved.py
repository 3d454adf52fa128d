"""Saved views of a page: open one, save this one, rename, share, delete. A view is an address; it holds no numbers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import address, bridge, formats, gate
from dashboard.address import Page
from dashboard.selection import Selection
from dashboard.views import Shared
from lib.access.viewer import Viewer
from lib.errors import AppError
from lib.insights import saved_views
from lib.insights.saved_views import SavedView

_MENU = "saved_menu"
_OPEN = "saved:open"
_PROBLEM = "saved:problem"
_ASKING = "saved:asking"
_NAME, _SHARED, _DATES = "saved:name", "saved:is_shared", "saved:dates"
_SHOWN = 50


def menu(page: Page, view: Shared, selection: Selection, viewer: Viewer) -> None:
    """The saved views of ``page`` that this person may open, and what may be done with the one that is open."""
    opened = _opened(viewer)
    said = formats.plain(formats.short(opened.name, 28)) if opened else "Saved views"
    changed = opened is not None and opened.address != address.query_of(page.write(view))
    popover = st.popover(
        f"{said} (changed)" if changed else said, icon=":material/bookmark:", key=_MENU, on_change="rerun"
    )
    if not popover.open:
        return
    with popover:
        _list(page, viewer, opened)
        if opened is not None and saved_views.may_change(opened, viewer):
            _change(page, view, opened, changed=changed)
        if saved_views.may_save(viewer):
            _save_as(page, view, selection)
        _say_problem()


def _opened(viewer: Viewer) -> SavedView | None:
    """The saved view that was opened last in this session, where it is still there."""
    view_id: uuid.UUID | None = st.session_state.get(_OPEN)
    if view_id is None:
        return None
    try:
        return bridge.run(saved_views.get_view(bridge.store(), viewer, view_id))
    except AppError:
        del st.session_state[_OPEN]
        return None


def _list(page: Page, viewer: Viewer, opened: SavedView | None) -> None:
    found = bridge.run(saved_views.list_views(bridge.store(), viewer, page.name))
    if not found:
        st.caption("No view is saved yet." if saved_views.may_save(viewer) else "No view is shared with you yet.")
        return
    sought = st.text_input("Find", key="saved:find", type="search", live=True, width=320) if len(found) > 8 else ""
    listed = [each for each in found if sought.casefold() in each.name.casefold()]
    with st.container(height=260 if len(listed) > 6 else "content", border=False, gap="xsmall", key="saved_list"):
        for each in listed[:_SHOWN]:
            is_open = opened is not None and opened.id == each.id
            st.button(
                formats.plain(formats.short(each.name, 40)),
                key=f"saved:open:{each.id}",
                icon=":material/check:" if is_open else ":material/group:" if each.is_shared else ":material/person:",
                help="Shared with those who may see the same clients" if each.is_shared else "Only yours",
                type="tertiary",
                on_click=_open,
                args=(each,),
            )
    if len(listed) > _SHOWN:
        st.caption(f"{len(listed) - _SHOWN:,} more: type a part of the name.")


def _change(page: Page, view: Shared, opened: SavedView, *, changed: bool) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Save changes",
            key="saved:update",
            icon=":material/save:",
            disabled=not changed,
            on_click=_update,
            kwargs={"view_id": opened.id, "address": address.query_of(page.write(view))},
        )
        st.button(
            "Keep to myself" if opened.is_shared else "Share",
            key="saved:share",
            icon=":material/person:" if opened.is_shared else ":material/group:",
            on_click=_update,
            kwargs={"view_id": opened.id, "is_shared": not opened.is_shared},
        )
        st.button("Delete", key="saved:delete", icon=":material/delete:", on_click=_ask, args=(opened.id,))
    if st.session_state.get(_ASKING) == opened.id:
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="saved_asking"):
            st.caption(f"Delete “{formats.plain(formats.short(opened.name, 40))}” for good?", width="content")
            st.button("Delete it", key="saved:delete_yes", type="primary", on_click=_delete, args=(opened.id,))
            st.button("Keep it", key="saved:delete_no", on_click=_ask, args=(None,))
    with st.form("saved_rename", border=False, enter_to_submit=True):
        st.text_input("Rename", value=opened.name, key=f"saved:rename:{opened.id}", max_chars=saved_views.MAX_NAME)
        st.form_submit_button("Rename", on_click=_rename, args=(opened.id,))


def _save_as(page: Page, view: Shared, selection: Selection) -> None:
    fixed = replace(view, period="custom", since=selection.since, until=selection.until)
    with st.form("saved_new", border=False, enter_to_submit=True):
        st.text_input("Save this view as", key=_NAME, max_chars=saved_views.MAX_NAME, placeholder="Weekly review")
        if view.period != "custom":
            st.radio("Dates", _DATE_KINDS, key=_DATES, format_func=_DATE_KINDS.__getitem__, captions=(
                "Whenever it is opened: the last days of that time",
                f"Always {formats.span(selection.since, selection.until)}",
            ))  # fmt: skip
        st.checkbox(
            "Share it",
            key=_SHARED,
            help="People who may see all of your clients find it; anyone else opens its link, with their own clients",
        )
        st.form_submit_button(
            "Save",
            type="primary",
            on_click=_create,
            args=(page.name, address.query_of(page.write(view)), address.query_of(page.write(fixed))),
        )


_DATE_KINDS = {"relative": "Relative", "fixed": "Fixed"}


@gate.guarded_callback
def _open(view: SavedView) -> None:
    address.open_query(view.address)
    st.session_state[_OPEN] = view.id
    st.session_state[_MENU] = False


@gate.guarded_callback
def _create(page: str, relative: str, fixed: str) -> None:
    viewer = gate.current_viewer()
    state = st.session_state
    query = fixed if state.get(_DATES) == "fixed" else relative
    made = _try(
        lambda: saved_views.create_view(bridge.store(), viewer, state[_NAME], page, query, is_shared=state[_SHARED])
    )
    if made is not None:
        address.open_query(made.address)
        state[_OPEN], state[_MENU] = made.id, False
        state[_NAME], state[_SHARED] = "", False


@gate.guarded_callback
def _update(view_id: uuid.UUID, **changes: Any) -> None:
    viewer = gate.current_viewer()
    _try(lambda: saved_views.update_view(bridge.store(), viewer, view_id, **changes))


@gate.guarded_callback
def _rename(view_id: uuid.UUID) -> None:
    viewer = gate.current_viewer()
    name = st.session_state[f"saved:rename:{view_id}"]
    _try(lambda: saved_views.update_view(bridge.store(), viewer, view_id, name=name))


@gate.guarded_callback
def _ask(view_id: uuid.UUID | None) -> None:
    st.session_state[_ASKING] = view_id


@gate.guarded_callback
def _delete(view_id: uuid.UUID) -> None:
    viewer = gate.current_viewer()
    _try(lambda: saved_views.delete_view(bridge.store(), viewer, view_id))
    st.session_state.pop(_ASKING, None)


def _try(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What the service gives; where it refuses, its sentence is shown in the menu."""
    try:
        return bridge.run(make())
    except AppError as error:
        st.session_state[_PROBLEM] = str(error)
        return None


def _say_problem() -> None:
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(formats.plain(problem), icon=":material/error:")
