"""From an InsightQuery and a viewer to a DataFrame: the only user of Streamlit's caches.

The key of every answer that is held has the query and the viewer's role and accounts; under it is the newest answer,
with the engine and its version. Where a question fails nothing partial is held: what was answered last to the same
role and accounts then stands in, and says how old it is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from dashboard import bridge, gate
from dashboard.frame import Frame, to_frame
from dashboard.held import Held
from dashboard.selection import Selection
from lib.access.sightings import sightings
from lib.access.viewer import Viewer
from lib.errors import AppError, StoreError
from lib.insights.cards import Card, ad_cards, creative_cards
from lib.insights.missing import missing_periods
from lib.insights.names import names_of
from lib.insights.query import InsightQuery
from lib.insights.reach import Period
from lib.insights.run import run_queries
from lib.insights.scope import ClientScope, clients_in_scope
from lib.insights.statuses import campaign_statuses
from lib.insights.trust import AccountTrust, Trust, trust, trust_by_account
from lib.refresh.lacking import Lacking, lacking
from lib.refresh.last import LastRefresh, last_refreshes
from lib.refresh.plan import Span
from lib.refresh.reconciliation import Reconciliation, reconciliation

T = TypeVar("T")
MOST_BYTES = 200 * 2**20
"""What all answers and drawings may take; a page of the most rows takes some 20 MB of it."""

_MINUTE_S = 60.0
_HOUR_S = 60 * _MINUTE_S


def scope(viewer: Viewer) -> tuple[ClientScope, ...]:
    """The clients that ``viewer`` may see, by name, with their accounts."""
    start = gate.start_of(viewer)
    return start.glance.clients if start else tuple(bridge.run(clients_in_scope(bridge.store(), viewer)))


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reads frames for one viewer at one version of the data; ``error`` is set where not even that could be read.

    ``failed`` has what the store refused since this rerun began, and older answers stood in for; ``refused`` has the
    keys that need not be asked again until it ends.
    """

    viewer: Viewer
    version: str
    error: AppError | None = None
    failed: list[AppError] = dataclasses.field(default_factory=list, repr=False, compare=False)
    refused: dict[str, AppError] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    @property
    def _asker(self) -> str:
        return f"{self.viewer.role}:{self.viewer.cache_key}"

    def load(self, query: InsightQuery) -> Frame:
        """The frame of ``query``; the last good one where the store refuses, else its AppError.

        Whose numbers the viewer sees for the first time today is noted before; where that fails, they see none. An
        answer without a row shows nobody's.
        """
        frame, error = self._kept(_key_of(query), _HOUR_S, lambda: self._asked([query])[0])
        if not frame.is_empty and sightings.new(self.viewer, query.account_ids, self.version):
            bridge.run(sightings.note(bridge.store(), self.viewer, query.account_ids, "page", self.version))
        return dataclasses.replace(frame, data=frame.data.copy(deep=False), error=error)

    def load_together(self, queries: Iterable[InsightQuery | None]) -> None:
        """Have what ``load`` will be asked for: what is not held is read by one trip, and of one state of the data.

        Where the store refuses, it has refused each of those until this rerun ends. A query that cannot be answered
        is left to its own ``load``.
        """
        if self.error:
            return
        by_key = {f"{self._asker}|{_key_of(query)}": query for query in queries if query is not None}

        def read(missing: list[str]) -> list[Frame]:
            try:
                return self._asked([by_key[key] for key in missing])
            except StoreError as error:
                self.refused.update(dict.fromkeys(missing, error))
                raise

        with contextlib.suppress(AppError):
            _held().fill(by_key, self.version, _HOUR_S, read)

    def _asked(self, queries: Sequence[InsightQuery]) -> list[Frame]:
        timeout_s = bridge.TIMEOUT_S * len(queries)
        answers = bridge.ask(lambda engine: run_queries(engine, queries, self.viewer), timeout_s)
        return [to_frame(answer) for answer in answers]

    def missing_periods(self, query: InsightQuery) -> list[Period]:
        """Which periods Meta still has to be asked for, so that the counts of people of ``query`` are whole."""
        return self._kept(
            f"missing|{_key_of(query)}",
            _MINUTE_S,
            lambda: bridge.ask(lambda engine: missing_periods(engine, query, self.viewer)),
        )[0]

    def trust(self, selection: Selection, breakdown: str = "") -> Trust:
        """How complete and how right the numbers of the selection are, those of a breakdown set by its slug."""
        asked = {"account_ids": selection.account_ids, "currency": selection.currency, "compared": selection.compared}
        asked["breakdown"] = breakdown
        span = (selection.since, selection.until)
        return self._kept(
            f"trust|{breakdown}|{selection.asked}",
            _MINUTE_S,
            lambda: bridge.ask(lambda engine: trust(engine, self.viewer, *span, **asked)),
        )[0]

    def lacking(self, selection: Selection, span: Span, breakdown: str = "") -> Lacking | None:
        """Which of these days lack of the selection's accounts, those of a breakdown set by its slug."""
        accounts = selection.account_ids
        return self._kept(
            f"lacking|{breakdown}|{span}|{sorted(accounts)}",
            _MINUTE_S,
            lambda: bridge.run(lacking(bridge.store(), self.viewer, span, accounts, breakdown)),
        )[0]

    def last_refreshes(self, account_ids: frozenset[int]) -> Mapping[int, LastRefresh]:
        """What the last refresh of each of these accounts met, by id; a failure may be told a minute late."""
        return self._kept(
            f"last_refreshes|{sorted(account_ids)}",
            _MINUTE_S,
            lambda: bridge.run(last_refreshes(bridge.store(), self.viewer, account_ids)),
        )[0]

    def trust_by_account(self, selection: Selection) -> tuple[AccountTrust, ...]:
        """The same for each account of the selection."""
        asked = {"account_ids": selection.account_ids, "currency": selection.currency}
        span = (selection.since, selection.until)
        return self._kept(
            f"trust_by_account|{selection.asked}",
            _MINUTE_S,
            lambda: bridge.ask(lambda engine: trust_by_account(engine, self.viewer, *span, **asked)),
        )[0]

    def reconciliation(self, selection: Selection, most_unknown: int) -> Reconciliation:
        """The days of the selection that differ from Meta's own numbers, and the newest that were not compared.

        Who sees whose is noted before.
        """
        asked = {"account_ids": selection.account_ids, "currency": selection.currency, "most_unknown": most_unknown}
        span = (selection.since, selection.until)
        found, _ = self._kept(
            f"reconciliation|{most_unknown}|{selection.asked}",
            _MINUTE_S,
            lambda: bridge.run(reconciliation(bridge.store(), self.viewer, *span, **asked)),
        )
        shown = frozenset(day.account_id for day in found.no_match)
        if shown and sightings.new(self.viewer, shown, self.version):
            bridge.run(sightings.note(bridge.store(), self.viewer, shown, "page", self.version))
        return found

    def statuses(self, accounts: frozenset[int]) -> Mapping[str, str]:
        """Meta's status of each campaign of these accounts, by campaign id."""
        return self._kept(
            f"statuses|{sorted(accounts)}",
            10 * _MINUTE_S,
            lambda: bridge.ask(lambda engine: campaign_statuses(engine, self.viewer, accounts)),
        )[0]

    def names(self, level: str, ids: frozenset[int]) -> Mapping[str, str]:
        """The names of campaigns, ad sets, ads or creatives by id; ids that this viewer cannot see have none."""
        return self._kept(
            f"names|{level}:{sorted(ids)}",
            10 * _MINUTE_S,
            lambda: bridge.ask(lambda engine: names_of(engine, self.viewer, level, ids)),
        )[0]

    def ad_cards(self, ids: Sequence[int], since: dt.date, until: dt.date) -> Mapping[int, Card]:
        """What is kept of these ads, with their rankings of exactly these days; only those that the viewer may see."""
        return self._kept(
            f"ad_cards|{list(ids)}|{since}|{until}",
            _MINUTE_S,
            lambda: bridge.run(ad_cards(bridge.store(), self.viewer, ids, since, until)),
        )[0]

    def creative_cards(self, ids: Sequence[int]) -> Mapping[int, Card]:
        """What is kept of these creatives; only those that the viewer may see."""
        return self._kept(
            f"creative_cards|{list(ids)}",
            _MINUTE_S,
            lambda: bridge.run(creative_cards(bridge.store(), self.viewer, ids)),
        )[0]

    def _kept(self, question: str, life_s: float, read: Callable[[], T]) -> tuple[T, AppError | None]:
        """What ``read`` gives; where it fails, the last good answer to this question and the error."""
        key = f"{self._asker}|{question}"
        try:
            if refusal := self.error or self.refused.get(key):
                raise refusal
            return _held().get(key, self.version, life_s, read), None
        except AppError as error:
            self.failed.append(error)
            return _last_good(key, error), error

    def drawn(self, what: str, parts: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` draws of this reader's frames, held beside them; ``parts`` in words is all else it depends on.

        Many sessions share it, so nobody may change it.
        """
        if self.error or self.failed:
            return make()

        def drawn() -> T:
            found = make()
            if self.failed:
                raise _StandsIn(found)
            return found

        try:
            return _held().get(f"{self._asker}|drawn|{what}|{parts!r}", self.version, _HOUR_S, drawn)
        except _StandsIn as passing:
            return passing.drawn  # type: ignore[no-any-return]


def reader(viewer: Viewer) -> Reader:
    """A reader for this rerun."""
    start = gate.start_of(viewer)
    try:
        return Reader(viewer, start.version if start else bridge.run(bridge.version(viewer)))
    except AppError as error:
        return Reader(viewer, "", error)


@st.cache_resource(show_spinner=False)
def _held() -> Held:
    return Held(MOST_BYTES)


def _last_good(key: str, error: AppError) -> Any:
    try:
        return _held().last(key)
    except KeyError:
        raise error from None


class _StandsIn(Exception):
    """Carries what was drawn of an older answer past what is held."""

    def __init__(self, drawn: Any) -> None:
        super().__init__()
        self.drawn = drawn


def _key_of(query: InsightQuery) -> str:
    """The query in words that are the same for equal queries, whatever the order of its set of accounts."""
    values = {field.name: getattr(query, field.name) for field in dataclasses.fields(query)}
    values["account_ids"] = sorted(query.account_ids) if query.account_ids is not None else None
    return f"frame|{values!r}"
