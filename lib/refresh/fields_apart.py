"""What was too much in one call, asked for by some of its fields at a time and put together again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any

from lib.meta import fields
from lib.meta.asking import InsightsAsk
from lib.meta.errors import TooMuchData

RawRows = dict[Hashable, dict[str, Any]]
Read = Callable[[InsightsAsk], RawRows]


def fields_apart(
    read: Read,
    ask: InsightsAsk,
    suspects: frozenset[str] = frozenset(),
    sample: Callable[[RawRows], InsightsAsk | None] = lambda rows: None,
) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """The rows of ``ask``, put together from calls for some of its fields each; the fields that were not served; and
    those that were not served for a single ad either, the ``sample`` of the rows, which is asked for suspects first.

    It goes without ``suspects`` first. TooMuchData where not even the core of them was served.
    """
    groups = _groups(ask, suspects)
    for count, _ in enumerate(groups, start=1):
        try:
            rows = read(replace(ask, fields=without(ask.fields, groups[:count])))
        except TooMuchData:
            if count == len(groups):
                raise
            continue
        break
    else:
        count, rows = 0, read(ask)
    missing: list[str] = []
    lost: list[str] = []
    for left_out in groups[:count]:
        one = sample(rows) if suspects.issuperset(left_out) else None
        if one:
            _read_more(read, one, left_out, {}, lost)
        _read_more(read, ask, without(left_out, [lost]), rows, missing)
    return list(rows.values()), missing, lost


def _groups(ask: InsightsAsk, suspects: frozenset[str]) -> list[tuple[str, ...]]:
    """What ``ask`` goes without, one group after the other, each field once."""
    first = tuple(name for name in ask.fields if name in suspects)
    rest = (tuple(name for name in group if name in ask.fields) for group in fields.SACRIFICES)
    return [group for group in (first, *(without(group, [first]) for group in rest)) if group]


def _read_more(
    read: Read,
    ask: InsightsAsk,
    group: tuple[str, ...],
    rows: RawRows,
    missing: list[str],
) -> None:
    """Put the fields of ``group`` into ``rows``; what is refused in halves too, down to a field, is ``missing``."""
    if not group:
        return
    try:
        more = read(replace(ask, fields=(*fields.AD_IDS, *group)))
    except TooMuchData:
        if len(group) == 1:
            missing.extend(group)
            return
        middle = len(group) // 2
        _read_more(read, ask, group[:middle], rows, missing)
        _read_more(read, ask, group[middle:], rows, missing)
        return
    for key, row in more.items():
        rows[key] = {**rows.get(key, {}), **row}


def without(names: tuple[str, ...], groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """``names`` but for those of ``groups``."""
    left_out = {name for group in groups for name in group}
    return tuple(name for name in names if name not in left_out)


def sample_of(ask: InsightsAsk, rows: RawRows, avoided: set[int]) -> InsightsAsk | None:
    """The same question for one ad of these rows: of few rows, and none of ``avoided`` where there are others."""
    counts = Counter((int(row["campaign_id"]), int(row["ad_id"])) for row in rows.values())
    if not counts:
        return None
    campaign, ad = min(counts, key=lambda one: (one[1] in avoided, counts[one], one))
    return replace(ask, campaign_ids=(campaign,), ad_ids=(ad,), without_campaigns=(), without_ads=())
