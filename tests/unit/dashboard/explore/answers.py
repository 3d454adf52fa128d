"""Answers of the Explore page over rows that tests write down; nothing here asks a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.explore import asking, sums, words
from dashboard.explore.asking import Answer
from dashboard.explore.view import ExploreView
from dashboard.frame import Frame
from dashboard.frames import Reader
from dashboard.selection import Selection, select
from lib.insights.query import DAYS
from lib.insights.scope import AccountScope, ClientScope
from tests.factories import viewer_of

TODAY = dt.date(2026, 11, 21)
SCOPE = [ClientScope(1, "acme", "Acme", False, (AccountScope(11, "Acme EU", "EUR", "UTC", TODAY, True),))]


def selection_of(view: ExploreView) -> Selection:
    """What the view means for somebody who sees one account in euros."""
    return select(view, SCOPE)


def answer_of(view: ExploreView, rows: Sequence[tuple[Any, ...]], *, is_compared: bool = False) -> Answer:
    """An answer whose ``rows`` have the ids of the view's dimensions, then what ``sums.needed`` names.

    A group is called by its dimension and id, the one with the id "" Other.
    """
    metrics = sums.needed(view.metrics)
    data = pd.DataFrame(rows, columns=[*(words.id_column_of(name) for name in view.group_by), *metrics])
    for name in view.group_by:
        if name in DAYS:
            data[name] = pd.to_datetime(data[name])
        if words.column_of(name) not in data:
            data[words.column_of(name)] = [f"{name} {each}" if each else "Other" for each in data[f"{name}_id"]]
    frame = Frame(data, {}, {}, "postgres", dt.datetime.now(dt.UTC))
    return asking.Answer(view, selection_of(view), Reader(viewer_of([11]), ""), frame, False, is_compared)
