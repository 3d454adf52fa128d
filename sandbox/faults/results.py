"""Faults that look at what an answer would hold before they strike."""

from __future__ import annotations

import numpy as np

from sandbox import edges
from sandbox.expansion import Field
from sandbox.faults.rules import Rule
from sandbox.faults.scene import Scene
from sandbox.graph import Graph
from sandbox.insights.query import Plan, days
from sandbox.model.objects import HIDDEN

LOOKING = ("too_much_rows", "too_much_fields", "poison_campaign", "poison_ad")


def holds(graph: Graph, rule: Rule, scene: Scene) -> bool:
    """Whether the result of this call is one that the rule speaks of."""
    if rule.kind in ("poison_campaign", "poison_ad"):
        kind = rule.kind.removeprefix("poison_")
        if scene.plan is not None:
            return _shows(graph, scene.plan, kind, rule.more["ids"])
        return scene.place in ("get", "page") and _names(graph, scene, rule.more["ids"])
    if scene.plan is None:
        return False
    if rule.kind == "too_much_fields":
        return bool(set(rule.more["fields"]) & set(scene.plan.fields))
    report = graph.reports.open(scene.plan)
    most: int = rule.more["rows"]
    return sum(len(report.rows(number)) for number in range(len(report))) > most


def _names(graph: Graph, scene: Scene, ids: list[str]) -> bool:
    body = graph.answer(scene.call).body
    return any(b'"%s"' % one.encode() in body for one in ids)


def _shows(graph: Graph, plan: Plan, kind: str, ids: list[str]) -> bool:
    """Whether an ad that is, or belongs to, one of these objects delivered in the periods and is not left out."""
    inventory = graph.world.inventory(plan.account)
    known = [inventory.by_id[one][1] for one in ids if inventory.by_id.get(one, ("",))[0] == kind]
    wanted = np.isin(inventory.parents(kind), known) & graph.reports.open(plan).counting()
    for day in (day for period in plan.periods for day in days(period)):
        if graph.world.has(plan.account, day):
            cells = graph.world.known(plan.account, day)[0]
            if wanted[inventory.positions(cells.code)].any():
                return True
    return False


def reads_creative(graph: Graph, rule: Rule, scene: Scene) -> bool:
    """Whether a broken creative is read: itself, on an edge of creatives, or inside an ad with more than its id."""
    if scene.place not in ("get", "page"):
        return False
    read = scene.edge == "adcreatives" or (scene.node is not None and scene.node.kind == "creative")
    if not (read or "ids" in scene.call.params or any(map(_opens, edges.asked(scene.call.params)))):
        return False
    body = graph.answer(scene.call).body
    return any(b'"id":"%s"' % one.encode() in body for one in rule.more["ids"])


def _opens(one: Field) -> bool:
    """Whether a field leads into creatives."""
    inside = {child.name for child in one.children}
    return (one.name in ("creative", "adcreatives") and bool(inside - {"id"})) or any(map(_opens, one.children))


def some_creatives(graph: Graph, account_id: str, count: int) -> list[str]:
    """The creatives of the account's first ads that are not hidden."""
    ads = graph.world.inventory(graph.world.by_id[account_id]).ads
    return [ad.creative_id for ad in ads if ad.effective_status not in HIDDEN][:count]
