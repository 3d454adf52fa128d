"""The change of each number against the period before, in words and with a tone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pandas as pd

from dashboard import formats
from dashboard.explore import words
from dashboard.explore.asking import Answer
from dashboard.formats import Delta
from lib.insights.metrics import METRICS, leaves

ARROWS = {"up": "▲ ", "down": "▼ ", "off": ""}


def of_answer(answer: Answer, shown: pd.DataFrame) -> dict[str, list[Delta]]:
    """For each metric the change of the totals, then of each row of ``shown``; none where nothing can be compared."""
    view = answer.view
    before = answer.before(view.rows)
    if before is None or answer.total_before is None:
        return {}
    first = of_rows(answer.total, answer.total_before, (), view.metrics, answer.total_notes_before)
    rest = of_rows(shown, before, view.rows, view.metrics, answer.notes_before(view.rows))
    return {slug: [*first[slug], *rest[slug]] for slug in view.metrics}


def of_rows(
    shown: pd.DataFrame, before: pd.DataFrame, by: Sequence[str], metrics: Sequence[str], notes: Mapping[str, str]
) -> dict[str, list[Delta]]:
    """For each metric the change of each row of ``shown``; a group that was not there before is new.

    ``notes`` has the rule of each metric of which something is not known in ``before``.
    """
    partners = _partners(shown, before, by)
    return {
        slug: [
            delta(now, then, slug, notes)
            for now, then in zip(shown[slug].tolist(), partners[slug].tolist(), strict=True)
        ]
        for slug in metrics
    }


def delta(now: object, then: object, slug: str, notes: Mapping[str, str]) -> Delta:
    """The change of one number; a sum that was not there before was zero, unless ``notes`` say that it is not known."""
    metric = METRICS[slug]
    before = _number(then)
    rule = next((notes[name] for name in (slug, *sorted(leaves(slug))) if name in notes), "")
    if before is None and metric.additive == "sum" and not rule:
        before = Decimal(0)
    return formats.delta(_number(now), before, metric.direction, rule)


def text(change: Delta) -> str:
    """▲ +5.2%, new, or a dash where there is nothing to say."""
    return f"{ARROWS[change.arrow]}{change.text}" if change.text else formats.MISSING


def _partners(shown: pd.DataFrame, before: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    keys = [words.id_column_of(name) for name in by]
    known = before.drop_duplicates(keys) if keys else before
    if not keys:
        return known.reset_index(drop=True).reindex(range(len(shown)))
    metrics = [column for column in known if column in METRICS]
    return shown[keys].merge(known[[*keys, *metrics]], on=keys, how="left")


def _number(value: object) -> Decimal | None:
    return None if pd.isna(value) else Decimal(str(value))  # type: ignore[call-overload]
