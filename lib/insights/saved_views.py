"""Saved views: the address of a page under a name, a person's own or shared.

A view holds no numbers, but its name and address may tell of any client that its author could see. So a shared one is
found by those who may see all of these clients, and by administrators. Whoever opens one sees what their own grants
open.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action, Via, actor_of, note, of_change
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, Conflict, NotFound, UsageError
from lib.store import models
from lib.store.engine import Store
from lib.store.repositories import views

PAGES = ("overview", "explore")
MAX_NAME = 100
MAX_ADDRESS = 4000
MAX_VIEWS = 500
"""Of one person."""

Facts = dict[str, Any]
"""What is noted of a view."""

_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
NAME = rf"^[^{_CONTROLS}]*[^{_CONTROLS}\s][^{_CONTROLS}]*$"
"""A line with something to read in it, without characters that change the direction of what stands around it."""

_FIELD = r"[A-Za-z0-9._~-]{1,64}=(?:[A-Za-z0-9._~!$'()*+,;:@/?=-]|%[0-9A-Fa-f]{2})*"
ADDRESS = rf"^\??(?:{_FIELD}(?:&{_FIELD})*)?$"
"""A query string: fields alone, so that there is no room for a scheme, a host or a path."""


@dataclass(frozen=True)
class SavedView:
    """``address`` is the page's query string without the question mark; empty for the page as it opens.

    ``client_ids`` are the clients that the view may tell of.
    """

    id: uuid.UUID
    name: str
    page: str
    address: str
    is_shared: bool
    is_mine: bool
    created_at: dt.datetime
    updated_at: dt.datetime
    client_ids: frozenset[int] = field(repr=False)


def may_save(viewer: Viewer) -> bool:
    """Whether this person may save views."""
    return viewer.may(Role.ANALYST)


def may_change(view: SavedView, viewer: Viewer) -> bool:
    """Whether this person may change or delete the view: its owner, or an administrator where it is shared."""
    return may_save(viewer) and (view.is_mine or viewer.may(Role.ADMIN))


async def list_views(
    store: Store, viewer: Viewer, page: str | None = None, *, offset: int = 0, limit: int | None = None
) -> list[SavedView]:
    """The viewer's own views and those shared with them of ``page`` (``None``: of all pages), by name."""
    async with store.viewing(viewer) as session:
        found = await views.views_in_order(session, page, offset=offset, limit=limit)
    return [_seen(view, viewer) for view in found]


async def count_views(store: Store, viewer: Viewer, page: str | None = None) -> int:
    """How many there are."""
    async with store.viewing(viewer) as session:
        return await views.count_views(session, page)


async def get_view(store: Store, viewer: Viewer, view_id: uuid.UUID) -> SavedView:
    """The view; NotFound where there is none that this viewer may see."""
    async with store.viewing(viewer) as session:
        found = await views.view_of(session, view_id)
    if found is None:
        raise _gone()
    return _seen(found, viewer)


async def create_view(
    store: Store, viewer: Viewer, name: str, page: str, address: str, *, is_shared: bool = False, via: Via = "page"
) -> SavedView:
    """Save a view. AccessError below analyst, UsageError for a word that cannot be, Conflict for one too many."""
    _check_may_save(viewer)
    values = _checked({"name": name, "page": page, "address": address, "is_shared": is_shared})
    async with store.viewing(viewer) as session:
        if await views.count_of_owner(session, viewer.user_id) >= MAX_VIEWS:
            raise Conflict(f"You have saved {MAX_VIEWS} views, and there is room for no more.", "Delete some of them.")
        values["client_ids"] = sorted(viewer.client_ids)
        made = await views.add_view(session, viewer.user_id, values)
        await _note(session, viewer, via, made.name, before=None, after=_facts(made))
        return _seen(made, viewer)


async def update_view(
    store: Store, viewer: Viewer, view_id: uuid.UUID, *, via: Via = "page", **changes: Any
) -> SavedView:
    """Set name, page, address or is_shared; the last of two who change at once wins.

    NotFound where the viewer sees no such view, AccessError where it is not theirs to change.
    """
    view = await _changeable(store, viewer, view_id)
    values = _checked(changes)
    if not values:
        return view
    async with _changing(store, viewer, view) as session:
        found = await _locked(session, viewer, view_id)
        subject, before = await _subject(session, viewer, found), _facts(found)
        if view.is_mine or "address" in values:
            # What was written under earlier grants stays in it, so no client ever leaves.
            values["client_ids"] = sorted(viewer.client_ids.union(found.client_ids))
        changed = await views.change_view(session, view_id, values)
        if changed is None:
            raise _gone()
        await _note(session, viewer, via, subject, before=before, after=_facts(changed))
    return _seen(changed, viewer)


async def delete_view(store: Store, viewer: Viewer, view_id: uuid.UUID, *, via: Via = "page") -> None:
    """Delete the view; NotFound and AccessError as for a change."""
    view = await _changeable(store, viewer, view_id)
    async with _changing(store, viewer, view) as session:
        found = await _locked(session, viewer, view_id)
        subject, before = await _subject(session, viewer, found), _facts(found)
        if not await views.delete_view(session, view_id):
            raise _gone()
        await _note(session, viewer, via, subject, before=before, after=None)


async def _changeable(store: Store, viewer: Viewer, view_id: uuid.UUID) -> SavedView:
    view = await get_view(store, viewer, view_id)
    _check_may_save(viewer)
    if not may_change(view, viewer):
        raise AccessError("Somebody else saved this view.", "Save one of your own, or ask an administrator.")
    return view


def _changing(store: Store, viewer: Viewer, view: SavedView) -> AbstractAsyncContextManager[AsyncSession]:
    # Row-level security lets the app change the viewer's own views only; an administrator's change of a shared one,
    # which _changeable has allowed, is the worker's to write.
    return store.viewing(viewer) if view.is_mine else store.working(timeout_s=30)


async def _locked(session: AsyncSession, viewer: Viewer, view_id: uuid.UUID) -> models.SavedView:
    """The view as it is now; nobody else changes it until the transaction ends.

    NotFound where it was deleted meanwhile, or taken back by its owner from who is not.
    """
    found = await views.locked_view(session, view_id)
    if found is None or not (found.is_shared or found.owner_id == viewer.user_id):
        raise _gone()
    return found


async def _subject(session: AsyncSession, viewer: Viewer, view: models.SavedView) -> str:
    """What the log calls the view."""
    if view.owner_id == viewer.user_id:
        return view.name
    owner = await session.get_one(models.User, view.owner_id)
    return f"{view.name} of {owner.email}"


def _facts(view: models.SavedView) -> Facts:
    return {"name": view.name, "page": view.page, "address": view.address, "is_shared": view.is_shared}


async def _note(
    session: AsyncSession, viewer: Viewer, via: Via, subject: str, *, before: Facts | None, after: Facts | None
) -> None:
    """Note what differs, and all of a view that is new or gone."""
    if before is not None and after is not None:
        changed = [name for name in after if after[name] != before[name]]
        before, after = ({name: facts[name] for name in changed} for facts in (before, after))
    if before or after:
        about = {"subject": subject, "before": before, "after": after}
        action = of_change(before, after, Action.ADDED_VIEW, Action.CHANGED_VIEW, Action.REMOVED_VIEW)
        await note(session, actor_of(viewer), action, via=via, **about)


def _check_may_save(viewer: Viewer) -> None:
    if not may_save(viewer):
        raise AccessError("Views are saved by analysts, managers and administrators.", "Ask for one of these roles.")


def _seen(view: models.SavedView, viewer: Viewer) -> SavedView:
    mine = view.owner_id == viewer.user_id
    shown = (view.id, view.name, view.page, view.address, view.is_shared)
    return SavedView(*shown, mine, view.created_at, view.updated_at, frozenset(view.client_ids))


def _gone() -> NotFound:
    return NotFound("There is no such saved view.", "It was deleted, or it is not shared with you.")


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are stored; UsageError with a sentence for one that cannot be."""
    unknown = values.keys() - {"name", "page", "address", "is_shared"}
    if unknown:
        raise TypeError(f"a saved view has no {', '.join(sorted(unknown))}")
    checks = {"name": _name, "page": _page, "address": _address}
    return {key: checks[key](value) if key in checks else value for key, value in values.items()}


def _name(name: str) -> str:
    if len(name) > MAX_NAME or not re.fullmatch(NAME, name) or not _is_text(name):
        raise UsageError("A saved view cannot be named so.", f"Give it one line of up to {MAX_NAME} characters.")
    return name.strip()


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _page(page: str) -> str:
    if page not in PAGES:
        raise UsageError("Only views of these pages can be saved: " + " and ".join(PAGES) + ".")
    return page


def _address(address: str) -> str:
    if len(address) > MAX_ADDRESS or not re.fullmatch(ADDRESS, address):
        raise UsageError(
            "The address of a saved view is a page's query string, such as since=2026-01-01&group_by=campaign.",
            f"It has at most {MAX_ADDRESS:,} characters and no scheme, host or path.",
        )
    return address.removeprefix("?")
