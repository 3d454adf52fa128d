"""Which clients' numbers somebody was shown: noted once a day for each person and client.

What this process noted today it remembers, so that showing the same numbers again costs a look into a set. Another
process may note the same: the store then keeps the first.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping

from lib.access.audit import Action, Via, actor_of, entry, note_all
from lib.access.viewer import Viewer
from lib.store.engine import Store
from lib.store.repositories.audit import shown_of_accounts

Key = tuple[uuid.UUID | None, str]
"""Whose sign-in it is, and through whose eyes."""


Calendar = Callable[[], dt.date]


def today_utc() -> dt.date:
    """The day that it is in UTC."""
    return dt.datetime.now(dt.UTC).date()


class Sightings:
    """What was noted today (UTC): for each person the accounts whose client is in the log."""

    def __init__(self, today: Calendar = today_utc) -> None:
        self._today = today
        self._day = dt.date.min
        self._noted: defaultdict[Key, set[int]] = defaultdict(set)
        self._without: dict[Key, tuple[str, frozenset[int]]] = {}

    def new(self, viewer: Viewer, account_ids: frozenset[int] | None, version: str = "") -> frozenset[int]:
        """Those of the accounts (None: all of the viewer's) that are to be noted before they are shown.

        Whoever says which ``version`` of the data is shown is spared those that had no number at it.
        """
        new = _new(self._of(self._today()), viewer, account_ids)
        looked_at, without = self._without.get(_key(viewer), ("", frozenset()))
        return new - without if version and version == looked_at else new

    async def note(
        self, store: Store, viewer: Viewer, account_ids: frozenset[int] | None, via: Via, version: str = ""
    ) -> None:
        """Note that the viewer is shown numbers of the clients of these accounts. StoreError where that fails.

        Accounts without a stored number are not noted; they are looked at again the next time, or, where it is said,
        at the next version of the data.
        """
        today = self._today()
        noted = self._of(today)
        new = self.new(viewer, account_ids, version)
        if not new:
            return
        async with store.working(timeout_s=30) as session:
            shown = await shown_of_accounts(session, new)
            actor = actor_of(viewer)
            entries = [
                entry(actor, Action.SAW_CLIENT, via=via, subject=slug, client_id=client_id, day=today)
                for slug, client_id in dict.fromkeys((slug, client_id) for _, slug, client_id in shown)
            ]
            await note_all(session, entries)
        # Midnight may have come meanwhile: these belong to the day that they were noted of.
        noted[_key(viewer)].update(account_id for account_id, _, _ in shown)
        looked_at, without = self._without.get(_key(viewer), ("", frozenset()))
        empty = new.difference(account_id for account_id, _, _ in shown)
        self._without[_key(viewer)] = version, (without | empty if version == looked_at else empty)

    def _of(self, today: dt.date) -> defaultdict[Key, set[int]]:
        if today != self._day:
            self._day, self._noted, self._without = today, defaultdict(set), {}
        return self._noted


def _new(noted: Mapping[Key, set[int]], viewer: Viewer, account_ids: frozenset[int] | None) -> frozenset[int]:
    shown = viewer.account_ids if account_ids is None else viewer.account_ids & account_ids
    return shown.difference(noted.get(_key(viewer), ()))


def _key(viewer: Viewer) -> Key:
    actor = actor_of(viewer)
    return actor.user_id, actor.seen_as


sightings = Sightings()
"""Those of this process."""
