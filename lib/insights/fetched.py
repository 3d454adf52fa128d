"""For which accounts of a question a breakdown set or an attribution window is fetched and chosen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select

from lib.insights.breakdowns import NOT_CHOSEN, NOT_YET
from lib.insights.dialects import holds, is_among
from lib.insights.engine import Bounded, Source
from lib.meta.fields import BreakdownSet
from lib.store.models import Account, Client, Slice

_SLICES = Slice.__table__.c


async def lacking(source: Source, breakdown: BreakdownSet, accounts: frozenset[int], clients: frozenset[int]) -> str:
    """What the rows of the set lack of these accounts, and what to do; empty where nothing. It takes one statement.

    ``clients`` are those of which the viewer may know what was chosen.
    """
    return lacking_words((await source.table(of_accounts(breakdown, accounts, clients))).to_pylist())


def of_accounts(
    breakdown: BreakdownSet, accounts: Iterable[int], clients: Iterable[int], *picked: ColumnElement[bool]
) -> Bounded:
    """Each account: ``stored`` tells of any slice of the set, ``chosen`` is NULL where the client is not known.

    ``last_fetched`` is read where the set is not chosen any more. ``picked`` are more conditions on an account.
    """
    slug = literal(breakdown.slug)
    mine = and_(_SLICES.account_id == Account.account_id, _SLICES.breakdown == slug)
    stored = select(Slice.account_id).where(mine).exists().label("stored")
    chosen = holds(Client.__table__.c.breakdowns, slug)
    last = select(func.max(_SLICES.fetched_at)).where(mine).scalar_subquery()
    known = and_(Client.id == Account.client_id, is_among(Client.__table__.c.id, sorted(clients)))
    statement = (
        select(stored, chosen.label("chosen"), case((chosen.is_(False), last)).label("last_fetched"))
        .select_from(Account)
        .outerjoin(Client, known)
        .where(is_among(Account.__table__.c.account_id, sorted(accounts)), *picked)
    )
    return Bounded(statement, frozenset(accounts))


async def window_chosen(source: Source, window: str, accounts: frozenset[int], clients: frozenset[int]) -> int:
    """For how many of the accounts an attribution window is chosen now, by one statement; ``clients`` as above."""
    windows = Client.__table__.c.attribution_windows
    statement = (
        select(func.count().label("accounts"))
        .select_from(Account)
        .join(Client, and_(Client.id == Account.client_id, is_among(Client.__table__.c.id, sorted(clients))))
        .where(is_among(Account.__table__.c.account_id, sorted(accounts)), holds(windows, literal(window)))
    )
    return int((await source.table(Bounded(statement, accounts)))["accounts"][0].as_py())


def lacking_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of ``of_accounts`` in words; empty where every account has the set and goes on fetching it."""
    never = [row for row in rows if not row["stored"] and not row["chosen"]]
    ended = [row["last_fetched"] for row in rows if row["stored"] and row["chosen"] is False]
    if len(never) == len(rows):
        return NOT_CHOSEN if rows else ""
    said = [] if any(row["stored"] for row in rows) else [NOT_YET]
    if never:
        said.append(f"Not fetched for {_of(never, rows)}: choose the breakdown for their clients under Clients")
    if ended:
        said.append(f"No longer chosen, so not fetched any more, for {_of(ended, rows)}: {_last(ended)}")
    return "; ".join([said[0], *(f"{each[0].lower()}{each[1:]}" for each in said[1:])]) if said else ""


def _of(some: Sequence[object], rows: Sequence[object]) -> str:
    return f"{len(some):,} of {len(rows):,} account{'' if len(rows) == 1 else 's'}"


def _last(ended: Sequence[dt.datetime]) -> str:
    first, last = (_day(moment.astimezone(dt.UTC)) for moment in (min(ended), max(ended)))
    return f"last fetched on {first}" if first == last else f"last fetched between {first} and {last}"


def _day(moment: dt.datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"
