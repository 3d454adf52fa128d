"""Asks what a view asks, and holds the answer: rows, totals of any grouping, and the period that is set against it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

import pandas as pd

from dashboard.explore import queries, sums, words
from dashboard.explore.view import ExploreView
from dashboard.frame import Frame
from dashboard.frames import Reader
from dashboard.selection import Selection
from lib.insights.metrics import METRICS
from lib.insights.query import InsightQuery

T = TypeVar("T")
_SHIFTED = {"date", "week", "weekday"}
"""Days that have a partner in a period that is earlier by whole weeks; months and quarters have none."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to ``view``. ``is_compared`` tells that every day of both periods is complete.

    ``is_cut`` tells that there are more rows than the page takes.
    """

    view: ExploreView
    selection: Selection
    numbers: Reader
    frame: Frame
    is_cut: bool
    is_compared: bool

    def drawn(self, what: str, make: Callable[[], T], *parts: Hashable) -> T:
        """What ``make`` draws of this answer, kept beside its frames; ``parts`` is all else that it depends on."""
        asked = (self.view, self.selection.asked, self.is_compared, parts)
        return self.numbers.drawn(f"explore {what}", asked, make)

    @property
    def data(self) -> pd.DataFrame:
        """A row a group, with the columns of the query's answer."""
        return self.frame.data

    def totals(self, by: Sequence[str] = ()) -> pd.DataFrame:
        """A row for each group of the dimensions ``by``, one in all without any; its metrics are those of the view.

        With conditions on sums these are totals of the rows that meet them; a metric that holds within one
        optimisation goal only has none then.
        """
        if self.view.having or not self._has_to_ask:
            return self._summed(self.data, columns_of(by), self.view.metrics)
        return self.numbers.load(queries.totals(self.view, self.selection, by)).data

    @cached_property
    def total(self) -> pd.DataFrame:
        """The totals of everything: one row."""
        return self.totals()

    @property
    def _has_to_ask(self) -> bool:
        return self.is_cut or any(METRICS[slug].additive == "within_goal" for slug in self.view.metrics)

    @property
    def days_apart(self) -> dt.timedelta:
        """How much later the period is than the one that it is compared with."""
        compared = self.selection.compared
        return self.selection.since - compared[0] if compared else dt.timedelta()

    def before(self, by: Sequence[str]) -> pd.DataFrame | None:
        """The groups of ``by`` in the period before, their days moved to those they are set against.

        With conditions on sums it is made of the groups that meet them now, as the answer is. A share is of the rows
        of this frame together, as one of the answer is of what it shows.
        None where nothing is compared, where days of either period are missing, or where the groups have no partner.
        """
        metrics = self.view.metrics
        if not self.view.having:
            found = self._groups_before(tuple(by))
            return None if found is None else sums.with_shares(found, metrics)
        found = self._met_before
        if found is None or tuple(by) == self.view.group_by:
            return found
        return self._summed(found, [words.id_column_of(name) for name in by], sums.needed(metrics))

    def notes_before(self, by: Sequence[str]) -> Mapping[str, str]:
        """Why metrics of ``before`` have no value, by metric; only where there is something before."""
        loaded = self._loaded_before(self.view.group_by if self.view.having else tuple(by))
        return {slug: rule for frame in loaded for slug, rule in frame.notes.items()}

    @cached_property
    def total_before(self) -> pd.DataFrame | None:
        """The totals of the period before; of the same groups where conditions on sums pick them."""
        if not self.is_compared or self.selection.compared is None:
            return None
        if not self.view.having:
            return self._loaded_total_before.data
        return None if self._met_before is None else self._summed(self._met_before, (), self.view.metrics)

    @property
    def total_notes_before(self) -> Mapping[str, str]:
        """Why metrics of ``total_before`` have no value, by metric; only where there are such totals."""
        return self.notes_before(()) if self.view.having else self._loaded_total_before.notes

    @cached_property
    def _loaded_total_before(self) -> Frame:
        return self.numbers.load(queries.totals(self.view, self.selection, (), self.selection.compared))

    def _summed(self, rows: pd.DataFrame, by: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
        return sums.summed(rows, by, metrics)

    @cached_property
    def _met_before(self) -> pd.DataFrame | None:
        """The groups that are shown, as they were in the period before."""
        found = self._groups_before(self.view.group_by)
        if found is None:
            return None
        keys = [words.id_column_of(name) for name in self.view.group_by]
        met = found.merge(self.data[keys].drop_duplicates(), on=keys) if keys else found
        return sums.with_shares(met, self.view.metrics)

    def _groups_before(self, by: tuple[str, ...]) -> pd.DataFrame | None:
        """All groups of ``by`` in the period before, without shares."""
        by_days = {name for name in by if name in words.DAYS}
        if not self.is_compared or self.selection.compared is None or not _has_partners(by):
            return None
        apart, *folded = self._loaded_before(by)
        found = apart.data
        for frame in folded:
            others = frame.data.assign(**queries.other_keys(self.view))
            found = pd.concat([found, others], ignore_index=True) if len(others) else found
        if len(found) > queries.MOST_ROWS:
            return None
        return found.assign(**{name: found[name] + self.days_apart for name in by_days})

    def _loaded_before(self, by: tuple[str, ...]) -> list[Frame]:
        """The groups that stay apart, then what is folded into one where anything is."""
        asked = queries.compared(self.view, self.selection, by, self._kept)
        folded = queries.compared_others(self.view, self.selection, by, self._kept)
        return [self.numbers.load(query) for query in (asked, folded) if query is not None]

    @cached_property
    def _kept(self) -> tuple[str, ...]:
        """The groups that the top keeps in this period; the rows miss those that do not meet the conditions."""
        ranking = queries.ranking(self.view, self.selection)
        return queries.kept_of(self.view, self.numbers.load(ranking).data) if ranking else ()


def ask(view: ExploreView, selection: Selection, numbers: Reader, *, is_comparable: bool) -> Answer:
    """The answer; AppError where the store refuses and there is no earlier answer to stand in."""
    is_compared = is_comparable and selection.compared is not None
    numbers.load_together(_together(view, selection, is_compared=is_compared))
    frame = numbers.load(queries.rows(view, selection))
    is_cut = len(frame.data) > queries.MOST_ROWS
    if is_cut:
        frame = dataclasses.replace(frame, data=frame.data.iloc[: queries.MOST_ROWS])
    return Answer(view, selection, numbers, frame, is_cut, is_compared)


def _together(view: ExploreView, selection: Selection, *, is_compared: bool) -> Iterator[InsightQuery]:
    """What every drawing of the answer needs and no other question has to be answered for."""
    yield queries.rows(view, selection)
    if not is_compared or view.top is not None:
        return
    by = view.group_by if view.having else view.rows
    if _has_partners(by):
        yield queries.compared(view, selection, by, ())
        if not view.having:
            yield queries.totals(view, selection, (), selection.compared)


def _has_partners(by: Sequence[str]) -> bool:
    return {name for name in by if name in words.DAYS} <= _SHIFTED


def columns_of(by: Sequence[str]) -> list[str]:
    """The columns that tell groups of these dimensions apart, with what people read of them."""
    return list(dict.fromkeys(column for name in by for column in (words.id_column_of(name), words.column_of(name))))
