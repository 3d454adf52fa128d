"""From an InsightQuery and a viewer to a DataFrame: the only user of Streamlit's caches.

The key of every cached answer holds the query, the viewer's role and accounts, and the version of the data. An error
is raised inside the cached function, so nothing partial is kept; the session's last good answer to the same question
then stands in, and says how old it is.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from dashboard import bridge
from dashboard.selection import Selection
from lib.access.viewer import Viewer
from lib.errors import AppError
from lib.insights.query import InsightQuery
from lib.insights.run import InsightAnswer, run_query
from lib.insights.scope import ClientScope, clients_in_scope, data_version
from lib.insights.statuses import campaign_statuses
from lib.insights.trust import Trust, trust

T = TypeVar("T")
_KEPT = 60
_LAST_GOOD = "frames:last_good"


@dataclasses.dataclass(frozen=True)
class Frame:
    """One answer. ``data`` has a column a key: money and ratios as float64 for drawing, None where there is no value.

    ``first`` holds the exact values of the first row. ``error`` is set where this is an older
    answer that stands in for one that failed; ``loaded_at`` is when the numbers were read.
    """

    data: pd.DataFrame
    first: Mapping[str, int | Decimal | None]
    notes: Mapping[str, str]
    engine: str
    loaded_at: dt.datetime
    error: AppError | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no row answered."""
        return self.data.empty


def scope(viewer: Viewer) -> tuple[ClientScope, ...]:
    """The clients that ``viewer`` may see, by name, with their accounts."""
    return tuple(bridge.run(clients_in_scope(bridge.store(), viewer)))


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reads frames for one viewer at one version of the data; ``error`` is set where not even that could be read."""

    viewer: Viewer
    version: int
    error: AppError | None = None

    @property
    def _asker(self) -> str:
        return f"{self.viewer.role}:{self.viewer.cache_key}"

    def load(self, query: InsightQuery) -> Frame:
        """The frame of ``query``; the last good one where the store refuses, else its AppError."""
        question = _question(query)
        frame, error = self._kept(question, lambda: _answered(question, self._asker, self.version, query, self.viewer))
        return dataclasses.replace(frame, data=frame.data.copy(deep=False), error=error)

    def load_compared(self, selection: Selection, metrics: Sequence[str], group_by: Sequence[str] = ()) -> Frame | None:
        """The same for the comparison period; None where nothing is compared."""
        if selection.compared is None:
            return None
        return self.load(selection.query(metrics, group_by, span=selection.compared))

    def trust(self, since: dt.date, until: dt.date, accounts: frozenset[int], currency: str | None) -> Trust:
        """How complete and how right the numbers of these accounts and days are."""
        question = f"{since}:{until}:{sorted(accounts)}:{currency}"
        asked = (since, until, accounts, currency)
        return self._kept(
            f"trust|{question}", lambda: _trusted(question, self._asker, self.version, self.viewer, asked)
        )[0]

    def is_comparable(self, selection: Selection, now: Trust) -> bool:
        """Whether every day of both periods is there and over: a change against half of one would mislead."""
        if selection.compared is None:
            return True
        before = self.trust(*selection.compared, selection.account_ids, selection.currency)
        return now.complete_until == selection.until and before.complete_until == selection.compared[1]

    def statuses(self, accounts: frozenset[int]) -> Mapping[str, str]:
        """Meta's status of each campaign of these accounts, by campaign id."""
        question = str(sorted(accounts))
        return self._kept(
            f"statuses|{question}", lambda: _statuses(question, self._asker, self.version, self.viewer, accounts)
        )[0]

    def _kept(self, question: str, read: Callable[[], T]) -> tuple[T, AppError | None]:
        """What ``read`` gives; where it fails, the session's last good answer to this question and the error."""
        key = f"{self._asker}|{question}"
        try:
            if self.error:
                raise self.error
            value = read()
        except AppError as error:
            return _last_good(key, error), error
        _remember(key, value)
        return value, None

    def answer(self, query: InsightQuery) -> InsightAnswer:
        """The exact answer, read anew: what an export writes."""
        return bridge.run(run_query(bridge.store(), query, self.viewer))


def reader(viewer: Viewer) -> Reader:
    """A reader for this rerun."""
    try:
        return Reader(viewer, bridge.run(data_version(bridge.store(), viewer)))
    except AppError as error:
        return Reader(viewer, -1, error)


@st.cache_resource(max_entries=400, ttl="1h", show_spinner=False)
def _answered(question: str, asker: str, version: int, _query: InsightQuery, _viewer: Viewer) -> Frame:
    return to_frame(bridge.run(run_query(bridge.store(), _query, _viewer)))


@st.cache_resource(max_entries=200, ttl="1m", show_spinner=False)
def _trusted(
    question: str,
    asker: str,
    version: int,
    _viewer: Viewer,
    _asked: tuple[dt.date, dt.date, frozenset[int], str | None],
) -> Trust:
    since, until, accounts, currency = _asked
    return bridge.run(trust(bridge.store(), _viewer, since, until, account_ids=accounts, currency=currency))


@st.cache_resource(max_entries=200, ttl="10m", show_spinner=False)
def _statuses(question: str, asker: str, version: int, _viewer: Viewer, _accounts: frozenset[int]) -> Mapping[str, str]:
    return bridge.run(campaign_statuses(bridge.store(), _viewer, _accounts))


def to_frame(answer: InsightAnswer) -> Frame:
    """The answer as a DataFrame of plain columns: ids as text, days as dates, numbers as numbers."""
    keys = [column.key for column in answer.columns]
    data = pd.DataFrame.from_records(answer.rows, columns=keys)
    for column in answer.columns:
        data[column.key] = _series(data[column.key], column.kind)
    first = dict(zip(keys, answer.rows[0], strict=True)) if answer.rows else {}
    return Frame(data, first, answer.notes, answer.engine, dt.datetime.now(dt.UTC))


def _series(values: pd.Series, kind: str) -> pd.Series:
    if kind in ("money", "percent", "multiple"):
        return pd.to_numeric(values.map(lambda value: None if value is None else float(value)), errors="raise").astype(
            "float64"
        )
    if kind == "count":
        return values.astype("Int64")
    if kind == "date":
        return pd.to_datetime(values)
    return values.map(lambda value: "" if value is None else str(value)).astype("str")


def _question(query: InsightQuery) -> str:
    """The query in words that are the same for equal queries, whatever the order of its set of accounts."""
    values = {field.name: getattr(query, field.name) for field in dataclasses.fields(query)}
    values["account_ids"] = sorted(query.account_ids) if query.account_ids is not None else None
    return repr(values)


def _remember(key: str, value: object) -> None:
    kept: dict[str, object] = st.session_state.setdefault(_LAST_GOOD, {})
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > _KEPT:
        del kept[next(iter(kept))]


def _last_good(key: str, error: AppError) -> Any:
    kept: dict[str, object] = st.session_state.get(_LAST_GOOD, {})
    if key not in kept:
        raise error
    return kept[key]
