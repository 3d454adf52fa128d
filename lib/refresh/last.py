"""What the last refresh of each account met, as the store has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Viewer
from lib.refresh.failure import Failure, failure_of
from lib.store.engine import Store
from lib.store.repositories.last_refreshes import last_ends, tokens_since

_WHOLE = frozenset({"asked", "nightly"})
"""Kinds that fetch all that refreshes fetch; an hourly one fetches the plain numbers of two days."""
_AGAIN = "Another token was stored since then. Refresh again: a complete refresh ends this."


@dataclass(frozen=True)
class LastRefresh:
    """How the account stands since ``at``: ``failure`` is what no later refresh has made good, None for none."""

    account_id: int
    at: dt.datetime
    failure: Failure | None = None


async def last_refreshes(store: Store, viewer: Viewer, account_ids: Collection[int]) -> dict[int, LastRefresh]:
    """Those of the viewer's accounts among these, by id; whose refresh never came to an end is left out."""
    async with store.viewing(viewer) as session:
        found = _standing(await last_ends(session, account_ids))
    refused = [number for number, one in found.items() if one.failure]
    if not refused:
        return found
    # The app's role reads nothing of tokens, so this look is the worker's.
    async with store.working(timeout_s=30) as session:
        return _judged(found, await tokens_since(session, refused))


async def last_refreshes_in(session: AsyncSession, account_ids: Collection[int]) -> dict[int, LastRefresh]:
    """The same of all of these accounts, in a transaction of the worker's."""
    return _judged(_standing(await last_ends(session, account_ids)), await tokens_since(session, account_ids))


def _standing(ends: Sequence[Row[Any]]) -> dict[int, LastRefresh]:
    """Of each account the newest failure that stands, else the newest refresh that was complete."""
    return {number: _of_one(number, list(some)) for number, some in groupby(ends, lambda end: end.account_id)}


def _of_one(number: int, ends: Sequence[Row[Any]]) -> LastRefresh:
    complete = {end.kind: end.ended_at for end in reversed(ends) if end.state == "complete"}
    for end in ends:
        if end.state == "failed":
            said = (end.error_message, end.error_remedy, end.error_code, end.error_subcode, end.trace_id)
            failure = failure_of(*said)
            if not any(kind in complete and complete[kind] >= end.ended_at for kind in _enders(end.kind, failure)):
                return LastRefresh(number, end.ended_at, failure)
    return LastRefresh(number, max(complete.values()))


def _enders(kind: str, failure: Failure) -> frozenset[str]:
    """The kinds of refresh that end this failure of one of ``kind``, where one of them is complete later.

    An hourly one proves that the token opens the account. One of reach may have had nothing to ask, and proves nothing.
    """
    return _WHOLE | {kind} | ({"hourly"} if failure.is_of_token or failure.is_of_access else set())


def _judged(found: Mapping[int, LastRefresh], tokens: Mapping[int, dt.datetime]) -> dict[int, LastRefresh]:
    """The same, but of what another token than today's was refused it is said that today's has to be tried."""
    return {number: _with_token(one, tokens.get(number)) for number, one in found.items()}


def _with_token(one: LastRefresh, since: dt.datetime | None) -> LastRefresh:
    failure = one.failure
    if failure is None or since is None or since <= one.at or not (failure.is_of_token or failure.is_of_access):
        return one
    return replace(one, failure=replace(failure, remedy=_AGAIN, is_of_old_token=True))
