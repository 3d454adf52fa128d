"""What a rule changes from now on: rows, numbers and objects of the world, and what may be used."""

from __future__ import annotations

import datetime as dt

from sandbox.changes import Deletion, Restatement, Withdrawal
from sandbox.faults.rules import BadRule, Rule
from sandbox.graph import Graph
from sandbox.usage import APP, EVERYONE, Limit

_TIERS = {"limited": ("development_access", 60.0, 300.0), "full": ("standard_access", 9000.0, 60.0)}


def apply(graph: Graph, rule: Rule) -> None:
    """Let the rule hold."""
    changes, more = graph.world.changes, rule.more
    if rule.kind == "withdrawn":
        days = _day(more["since"], dt.date.min), _day(more["until"], dt.date.max)
        changes.add(Withdrawal(rule.account, frozenset(more["ids"]), more["share"], days))
    elif rule.kind == "restated":
        changes.add(Restatement(rule.account, round(more["factor"] * 10**6), more["days"]))
    elif rule.kind == "deleted_ads":
        changes.add(Deletion(rule.account, frozenset(more["ids"]), more["share"], more["status"]))
    elif rule.kind == "throttle":
        _throttle(graph, rule)
    else:
        graph.usage.mode = more["headers"]
    rule.struck += 1


def _day(text: str, otherwise: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if text else otherwise
    except ValueError as broken:
        raise BadRule(f"not a date in the format YYYY-MM-DD: {text}") from broken


def _throttle(graph: Graph, rule: Rule) -> None:
    tier, points, block_s = _TIERS[rule.more["tier"]]
    limit = Limit(tier, rule.more["points"] or points, block_s, blocks=True, code=rule.more["code"],
                  scale=rule.more["time_scale"])  # fmt: skip
    graph.usage.limit(APP if rule.more["app"] else rule.account or EVERYONE, limit)
    graph.usage.mode = rule.more["headers"]
