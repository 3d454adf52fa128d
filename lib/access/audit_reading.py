"""Administrators read what was noted: filtered, the newest first, page by page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib.access.viewer import Role, Viewer
from lib.errors import AccessError
from lib.store.engine import Store
from lib.store.models import AuditLog
from lib.store.repositories import audit
from lib.store.repositories.audit import Wanted


@dataclass(frozen=True)
class AuditQuestion:
    """Days are UTC's, both included. ``person`` is a part of an e-mail address, ``clients`` are slugs; '' is any."""

    since: dt.date
    until: dt.date
    person: str = ""
    action: str = ""
    clients: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownClient:
    """A client as the log speaks of it."""

    id: int
    slug: str
    name: str
    is_archived: bool


@dataclass(frozen=True)
class AuditEntry:
    """One thing that was done or tried, in words; ``client`` is a name, '' where it is about none or several."""

    id: int
    at: dt.datetime
    person: str
    seen_as: str
    action: str
    via: str
    subject: str
    client: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    address: str


@dataclass(frozen=True)
class AuditPage:
    """Some entries, and how many the question has in all."""

    entries: tuple[AuditEntry, ...]
    total: int


def refuse_others(viewer: Viewer) -> None:
    """AccessError for everyone but administrators, and for those who look through another's eyes."""
    if not viewer.may(Role.ADMIN):
        raise AccessError("The audit log is for administrators.", "Ask one of them what you need to know.")


async def clients_of_log(store: Store, viewer: Viewer) -> tuple[KnownClient, ...]:
    """Every client that entries may be about, archived ones too, by name. AccessError below admin."""
    refuse_others(viewer)
    async with store.working(timeout_s=30) as session:
        found = await audit.every_client(session)
    return tuple(KnownClient(one.id, one.slug, one.name, one.archived_at is not None) for one in found)


async def read_audit(
    store: Store, viewer: Viewer, question: AuditQuestion, *, offset: int = 0, limit: int = 50
) -> AuditPage:
    """The entries of one page. AccessError below admin; row-level security would give others none either."""
    known = await clients_of_log(store, viewer)
    wanted = wanted_of(question, known)
    async with store.viewing(viewer, timeout_s=30) as session:
        total = await audit.count_entries(session, wanted)
        found = await audit.newest_entries(session, wanted, offset=offset, limit=limit)
    names = names_of(known)
    return AuditPage(tuple(_entry(row, names) for row in found), total)


async def read_entry(store: Store, viewer: Viewer, entry_id: int) -> AuditEntry | None:
    """One entry, ``None`` where there is none of this number. AccessError below admin."""
    known = await clients_of_log(store, viewer)
    async with store.viewing(viewer, timeout_s=30) as session:
        row = await session.get(AuditLog, entry_id)
    return None if row is None else _entry(row, names_of(known))


async def account_names(store: Store, viewer: Viewer, account_ids: Collection[int]) -> Mapping[int, str]:
    """What those of the accounts are called that are still known. AccessError below admin."""
    refuse_others(viewer)
    if not account_ids:
        return {}
    async with store.working(timeout_s=30) as session:
        return await audit.names_of_accounts(session, account_ids)


def wanted_of(question: AuditQuestion, known: Sequence[KnownClient]) -> Wanted:
    """The question for the store; clients that are not known match nothing."""
    ids = {client.slug: client.id for client in known if client.slug in question.clients}
    narrowed = ids if question.clients else None
    return Wanted(question.since, question.until, question.person.strip(), question.action, narrowed)


def names_of(known: Sequence[KnownClient]) -> Mapping[int, str]:
    """The names of the clients by id."""
    return {client.id: client.name for client in known}


def client_name(client_id: int | None, names: Mapping[int, str]) -> str:
    """What an entry about this client calls it; '' where it is about none or several."""
    return "" if client_id is None else names.get(client_id, f"removed client {client_id}")


def _entry(row: AuditLog, names: Mapping[int, str]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at.astimezone(dt.UTC),
        person=row.email,
        seen_as=row.seen_as,
        action=row.action,
        via=row.via,
        subject=row.subject,
        client=client_name(row.client_id, names),
        before=row.before,
        after=row.after,
        address=row.address,
    )
