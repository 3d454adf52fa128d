"""What a chart is drawn from where there are more groups than the page takes: the same question of fewer groups."""

from __future__ import annotations

from dataclasses import replace

from dashboard.explore import asking, fitting, marks, queries, words
from dashboard.explore.asking import Answer
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS, MAX_TOP, Top

TOO_MANY = (
    f"There is no chart: there are more than {queries.MOST_ROWS:,} groups, and one of some of them would show wrong "
    "numbers. Group by fewer dimensions, add a filter or keep a top; a file has them all."
)


def charted(answer: Answer, chart: str) -> Answer | None:
    """What ``chart`` draws: ``answer`` where it has all groups, or where each mark is a row by itself.

    Else the answer to the same question with a top, over the whole period: the largest groups of one dimension, and
    all others as one. None where that would not be the truth, or has too many groups itself.
    """
    if not answer.is_cut or chart in ("bar", "scatter"):
        return answer
    # A condition would look at what is folded as one group; people are not known of it.
    if answer.view.having or METRICS[answer.view.drawn].additive == "never":
        return None
    view = replace(answer.view, top=_top(answer, chart))
    found = asking.ask(view, answer.selection, answer.numbers, is_comparable=False)
    return None if found.is_cut else found


def _top(answer: Answer, chart: str) -> Top:
    """The groups that stay apart: as many as the chart has room for, of the dimension that has the most of them."""
    view = answer.view
    if view.top is not None:
        name, by, most = view.top.dimension, view.top.by, view.top.n
    else:
        able = [name for name in view.group_by if name not in (*DAYS, "weekday")]
        name = max(able, key=lambda each: answer.data[words.id_column_of(each)].nunique())
        by, most = marks.ranked_by(view) or "impressions", MAX_TOP
    is_place = chart == "heat" or (chart == "stacked" and name == (fitting.time_of(view) or view.group_by[0]))
    return Top(name, by, min(most, marks.MOST_PLACES if is_place else marks.MOST_SERIES))
