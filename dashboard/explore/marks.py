"""What a chart draws: the few groups that fit on it, each with its place, its value, its words and what it opens into.

A frame of marks has ``place`` (a day or a label), ``series`` (a label, empty for a single one), ``value``, ``words``
(for hovering), ``dimension`` and ``target`` (what a click opens; empty where it opens nothing). ``at`` and ``of`` tell
places and series of the same name apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from dashboard.charts import number_words
from dashboard.explore import queries, words
from dashboard.explore.asking import Answer
from dashboard.explore.fitting import other_metric, time_of
from dashboard.explore.opening import can_open
from dashboard.explore.view import ExploreView
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS

MOST_SERIES, MOST_PLACES, MOST_POINTS = 8, 30, 1000
Row = Mapping[str, Any]
REST = "All others"


def along_time(answer: Answer, *, whole: bool) -> pd.DataFrame:
    """Marks of a line chart: the largest series at each day; a day without rows is 0 where ``whole`` and it adds up."""
    view = answer.view
    time = time_of(view) or "weekday"
    others = [name for name in view.group_by if name != time]
    chosen, codes = _largest(answer, others, MOST_SERIES)
    # A day without a row may also be one that a condition on sums keeps away.
    adds_up = METRICS[view.drawn].additive == "sum" and view.drawn not in answer.frame.notes
    empty = 0.0 if whole and adds_up and not view.having else None
    days = [] if time == "weekday" else axis(answer, time, whole=whole)
    parts = [
        _course(answer, chosen[codes == code], time, others, days=days, empty=empty) for code in sorted(set(codes))
    ]
    return pd.concat(parts, ignore_index=True)


def groups(answer: Answer) -> pd.DataFrame:
    """Marks of bars: the first rows as the table has them, days in their order."""
    view = answer.view
    data = answer.data
    is_course = len(view.group_by) == 1 and view.group_by[0] in (*DAYS, "weekday")
    first = data if is_course else data.iloc[:MOST_PLACES]
    return _marks(answer, first, view.group_by, ())


def stacks(answer: Answer) -> pd.DataFrame:
    """Marks of stacked bars: the largest places, in each the largest series, and the sum of the others."""
    view = answer.view
    place = time_of(view) or view.group_by[0]
    others = [name for name in view.group_by if name != place]
    data = answer.data if place in DAYS else _largest(answer, [place], MOST_PLACES)[0]
    ranked, codes = _largest(answer, others, MOST_SERIES, of=data)
    marks = _marks(answer, ranked.assign(_rank=codes).sort_values("_rank", kind="stable"), [place], others)
    rest = data.loc[data.index.difference(ranked.index)]
    if rest.empty:
        return marks
    return pd.concat([marks, _rest(answer, rest, place)], ignore_index=True)


def points(answer: Answer) -> pd.DataFrame:
    """Marks of a scatter, with ``other`` beside ``value``: the first thousand rows that have both."""
    view = answer.view
    both = answer.data.dropna(subset=[view.drawn, other_metric(view)]).iloc[:MOST_POINTS]
    marks = _marks(answer, both, view.group_by, ())
    second = METRICS[other_metric(view)]
    marks["other"] = both[second.slug].astype("float64").tolist()
    currency = answer.selection.currency
    marks["words"] = [
        f"{text}<br>{second.label}: {number_words(second, value, currency)}"
        for text, value in zip(marks["words"], marks["other"], strict=True)
    ]
    return marks


def cells(answer: Answer) -> pd.DataFrame:
    """Marks of a heat map: ``place`` across, ``series`` down, the largest of each; days in order, others by size."""
    view = answer.view
    across = view.pivot or time_of(view) or ("weekday" if "weekday" in view.group_by else view.group_by[-1])
    down = [name for name in view.group_by if name != across]
    chosen, ranks = _largest(answer, down, MOST_PLACES)
    if down and down[0] in DAYS:
        chosen = chosen.sort_values(down[0], kind="stable")
    elif down and down[0] == "weekday":
        chosen = chosen.sort_values("weekday", key=lambda column: column.map(words.weekday_order), kind="stable")
    else:
        chosen = chosen.loc[ranks.sort_values(kind="stable").index]
    if across not in (*DAYS, "weekday"):
        chosen, _ = _largest(answer, [across], MOST_PLACES, of=chosen)
    return _marks(answer, chosen, [across], down)


def is_whole(answer: Answer, chart: str) -> bool:
    """Whether the chart shows every group of the answer."""
    view, rows = answer.view, len(answer.data)
    if answer.is_cut:
        return False
    if chart in ("line", "stacked", "heat"):
        time = time_of(view) or ("weekday" if chart != "stacked" else view.group_by[0])
        others = [words.id_column_of(name) for name in view.group_by if name != time]
        kinds = len(answer.data[others].drop_duplicates()) if others else 1
        return kinds <= (MOST_PLACES if chart == "heat" else MOST_SERIES)
    if chart == "scatter":
        return rows <= MOST_POINTS
    return rows <= MOST_PLACES or (len(view.group_by) == 1 and view.group_by[0] in (*DAYS, "weekday"))


def axis(answer: Answer, time: str, *, whole: bool) -> list[dt.date]:
    """The steps of a time axis, from the first of the period or, where days of it are not known, that with a number.

    It ends where numbers can end: an address may ask for a century, and accounts in the east are a day ahead.
    """
    selection, known = answer.selection, answer.data[time]
    until = min(selection.until, max(selection.today, known.max().date()))
    return steps(time, selection.since if whole else known.min().date(), until)


def steps(dimension: str, since: dt.date, until: dt.date) -> list[dt.date]:
    """Each day, or the first day of each week, month or quarter, of a period."""
    day = {
        "date": since,
        "week": since - dt.timedelta(days=since.weekday()),
        "month": since.replace(day=1),
        "quarter": since.replace(month=(since.month - 1) // 3 * 3 + 1, day=1),
    }[dimension]
    frequency = {"date": "D", "week": "7D", "month": "MS", "quarter": "3MS"}[dimension]
    return [each.date() for each in pd.date_range(day, until, freq=frequency)]


def label(row: Row, names: Sequence[str]) -> str:
    """What a row is called by these dimensions."""
    return words.JOINT.join(words.value(name, row[words.column_of(name)]) for name in names)


def target(view: ExploreView, row: Row) -> tuple[str, str]:
    """What a click on the row's mark opens: the first dimension that is not of time, else the first that opens."""
    names = sorted((name for name in view.group_by if words.id_column_of(name) in row), key=DAYS.__contains__)
    for name in names:
        value = text_of(row[words.id_column_of(name)])
        other = queries.is_other(view, name, value, row[words.column_of(name)])
        if can_open(name, value, is_other=other):
            return name, value
    return "", ""


def text_of(value: object) -> str:
    """The value of a cell as addresses write it."""
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else str(value)


def _largest(
    answer: Answer, names: Sequence[str], most: int, of: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.Series]:
    """The rows of the largest groups of ``names``, and for each row the rank of its group."""
    data = answer.data if of is None else of
    if not names:
        return data, pd.Series(0, index=data.index)
    codes = data.groupby([words.id_column_of(name) for name in names], sort=False, dropna=False).ngroup()
    slug = ranked_by(answer.view)
    sizes = data[slug].astype("float64").groupby(codes).sum() if slug else -codes.drop_duplicates().sort_values()
    ranked = sizes.sort_values(ascending=False, kind="stable").index
    last = _codes_of_other(answer.view, names, data, codes)
    order = [*(code for code in ranked if code not in last), *(code for code in ranked if code in last)][:most]
    ranks = codes.map({code: rank for rank, code in enumerate(order)})
    kept = ranks.notna()
    return data[kept], ranks[kept].astype(int)


def _codes_of_other(view: ExploreView, names: Sequence[str], data: pd.DataFrame, codes: pd.Series) -> set[int]:
    """The groups that small ones were folded into: they come last, however large."""
    if view.top is None or view.top.dimension not in names:
        return set()
    keys = queries.other_keys(view)
    return set(codes[(data[list(keys)] == list(keys.values())).all(axis=1)])


def ranked_by(view: ExploreView) -> str:
    """The metric that says which groups are large: the drawn one where it adds up, else the first that does."""
    return next((slug for slug in (view.drawn, *view.metrics) if METRICS[slug].additive == "sum"), "")


def _rest(answer: Answer, rows: pd.DataFrame, place: str) -> pd.DataFrame:
    """A mark for each place with what the series that have none add up to there."""
    columns = list(dict.fromkeys((words.id_column_of(place), words.column_of(place))))
    groups = rows.groupby(columns, sort=False, as_index=False)[[answer.view.drawn]]
    summed = groups.agg(lambda numbers: numbers.sum(skipna=False))  # a part of a sum is no sum
    return _marks(answer, summed, [place], (), series_label=REST)


def _course(
    answer: Answer,
    rows: pd.DataFrame,
    time: str,
    others: Sequence[str],
    *,
    days: Sequence[dt.date],
    empty: float | None,
) -> pd.DataFrame:
    """The marks of one series, with one for each of the ``days`` that has no row."""
    marks = _marks(answer, rows, [time], others)
    if time == "weekday":
        return marks.sort_values("place", key=lambda column: column.map(words.weekday_order), kind="stable")
    known = set(marks["place"])
    missing = [day for day in days if day not in known]
    said = number_words(METRICS[answer.view.drawn], empty, answer.selection.currency)
    filler = marks.iloc[[0] * len(missing)].assign(place=missing, value=empty, dimension="", target="")
    filler["words"] = [_said(answer, filler["series"].iloc[0], words.day(time, day), said) for day in missing]
    return pd.concat([marks, filler]).sort_values("place", kind="stable") if missing else marks.sort_values("place")


def _marks(
    answer: Answer, rows: pd.DataFrame, place: Sequence[str], series: Sequence[str], *, series_label: str = ""
) -> pd.DataFrame:
    metric = METRICS[answer.view.drawn]
    found = []
    for row in rows.to_dict("records"):
        is_day = len(place) == 1 and place[0] in DAYS
        day = row[place[0]].date() if is_day else None
        name = words.day(place[0], day) if day else label(row, place)
        of_series = series_label or label(row, series)
        value = None if pd.isna(row[metric.slug]) else float(row[metric.slug])
        said = _said(answer, of_series, name, number_words(metric, value, answer.selection.currency))
        opens = target(answer.view, row) if not series_label else ("", "")
        found.append((_key(row, place), day or name, _key(row, series), of_series, value, said, *opens))
    return pd.DataFrame(found, columns=["at", "place", "of", "series", "value", "words", "dimension", "target"])


def _said(answer: Answer, series: str, place: str, number: str) -> str:
    lines = (series, place, f"{METRICS[answer.view.drawn].label}: {number}")
    return "<br>".join(escape(line, quote=False) for line in lines if line)


def _key(row: Row, names: Sequence[str]) -> str:
    return "\x1f".join(text_of(row[words.id_column_of(name)]) for name in names)
