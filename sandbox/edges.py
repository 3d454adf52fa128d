"""Objects read through nodes and edges: fields, nesting, status and filtering."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox import errors, expansion, nodes, paging
from sandbox.expansion import Field
from sandbox.insights import filters
from sandbox.insights.filters import Condition
from sandbox.model.accounts import Account
from sandbox.model.objects import HIDDEN, Inventory
from sandbox.paging import Caller
from sandbox.params import Params, limit, objects, words
from sandbox.world import World

EDGES = {"campaigns": "campaign", "adsets": "adset", "ads": "ad", "adcreatives": "creative"}
_CHILDREN = {"account": ("campaigns", "adsets", "ads", "adcreatives"), "campaign": ("adsets", "ads"),
             "adset": ("ads", "adcreatives"), "ad": ("adcreatives",)}  # fmt: skip
_PARENTS = {"adset": ("campaign",), "ad": ("campaign", "adset", "creative")}


@dataclass(frozen=True)
class Node:
    """An object that a call named: what it is, its account and, below accounts, its position."""

    kind: str
    account: Account
    position: int = 0


class Objects:
    """Reads the objects of a world for one caller."""

    def __init__(self, world: World, caller: Caller) -> None:
        self._world, self._caller = world, caller

    def find(self, object_id: str) -> Node | None:
        """The node with this id, or None. Accounts are only nodes with their `act_`."""
        if object_id.startswith("act_"):
            account = self._world.by_id.get(object_id[4:])
            return Node("account", account) if account else None
        for account in self._world.accounts:
            found = self._world.inventory(account).by_id.get(object_id)
            if found is not None:
                return Node(found[0], account, found[1])
        return None

    def read(self, node: Node, asked: list[Field]) -> dict[str, Any]:
        """A node with the asked fields. Without any only the id comes back, as at Meta."""
        found = self._all(node)
        answer: dict[str, Any] = {}
        for one in asked:
            value = self._field(node, one, found)
            if value is not None:
                answer[one.name] = value
        return answer | {"id": found["id"]}

    def _all(self, node: Node) -> dict[str, Any]:
        if node.kind == "account":
            return nodes.account(self._world, node.account)
        inventory = self._world.inventory(node.account)
        if node.kind == "creative":
            return nodes.creative(node.account, inventory.ads[node.position], self._caller.base_url)
        write: Callable[..., dict[str, Any]] = getattr(nodes, node.kind)
        return write(self._world, node.account, inventory.at(node.kind)[node.position])

    def _field(self, node: Node, one: Field, found: dict[str, Any]) -> Any:
        if one.name in _PARENTS.get(node.kind, ()):
            return self.read(self._parent(node, one.name), one.children)
        if one.name in _CHILDREN.get(node.kind, ()):
            rows = self.rows(node, one.name, one.modifiers, one.children)
            nested = Caller(self._caller.base_url, f"/v26.0/{found['id']}/{one.name}", self._caller.token)
            return orjson.loads(paging.page(1, lambda _: rows, one.modifiers, nested))
        if one.name in found:
            return found[one.name]
        if one.name in nodes.KNOWN[node.kind]:
            return None
        label = {"account": "AdAccount", "adset": "AdSet", "creative": "AdCreative"}.get(node.kind, node.kind.title())
        raise errors.bad_parameter(f"Tried accessing nonexisting field ({one.name}) on node type ({label})")

    def _parent(self, node: Node, kind: str) -> Node:
        inventory = self._world.inventory(node.account)
        if kind == "creative":
            return Node(kind, node.account, node.position)
        if node.kind == "ad":
            return Node(kind, node.account, int(inventory.parents(kind)[node.position]))
        first_ad = int(inventory.ad_adset.searchsorted(node.position))
        return Node(kind, node.account, int(inventory.ad_campaign[first_ad]))

    def rows(self, node: Node, edge: str, params: Params, asked: list[Field]) -> list[bytes]:
        """The objects of an edge as JSON; archived and deleted ones only when they are asked for."""
        if edge not in _CHILDREN.get(node.kind, ()):
            raise errors.bad_parameter(f"Tried accessing nonexisting field ({edge}) on node type ({node.kind.title()})")
        kind = EDGES[edge]
        positions = self._below(node, "ad" if kind == "creative" else kind)
        if kind != "creative":
            positions = self._matching(node.account, kind, positions, params)
        start, stop = _window(params)
        return [
            orjson.dumps(self.read(Node(kind, node.account, position), asked)) if start <= n <= stop else b""
            for n, position in enumerate(positions)
        ]

    def _below(self, node: Node, kind: str) -> list[int]:
        inventory = self._world.inventory(node.account)
        if node.kind == "account":
            return list(range(len(inventory.at(kind))))
        if node.kind == "ad":
            return [node.position]
        inside = inventory.parents(node.kind) == node.position
        return sorted(set(inventory.parents(kind)[inside].tolist()))

    def _matching(self, account: Account, kind: str, positions: list[int], params: Params) -> list[int]:
        inventory: Inventory = self._world.inventory(account)
        items = inventory.at(kind)
        statuses = set(words(params, "effective_status"))
        own: list[Condition] = []
        conditions: list[Condition] = []
        for condition in filters.of(_qualified(params, kind)):
            (own if condition.level == kind else conditions).append(condition)
        if any(condition.names_status for condition in own):
            statuses = statuses or {item.effective_status for item in items}
        kept = [p for p in positions if (items[p].effective_status in statuses if statuses
                                         else items[p].effective_status not in HIDDEN)]  # fmt: skip
        mask = filters.ads_kept(inventory, conditions)
        allowed = set(inventory.parents(kind)[mask].tolist())
        kept = [p for p in kept if p in allowed and filters.all_match(own, items[p])]
        since = params.get("updated_since", "")
        if since.isdecimal():
            day = dt.datetime.fromtimestamp(int(since), account.timezone).date().isoformat()
            kept = [p for p in kept if self._all(Node(kind, account, p))["updated_time"][:10] >= day]
        return kept


def _window(params: Params) -> tuple[int, int]:
    """The first and last row that one page can show: the others need not be written out."""
    start = paging.decode(params["after"])[1] + 1 if params.get("after") else 0
    return start, start + limit(params)


def _qualified(params: Params, kind: str) -> dict[str, str]:
    """Filtering with the edge's own level put before bare names such as `effective_status`."""
    if not params.get("filtering"):
        return {}
    conditions = [
        {**one, "field": f"{kind}.{one['field']}" if "." not in str(one.get("field", ".")) else one["field"]}
        for one in objects(params, "filtering")
    ]
    return {"filtering": orjson.dumps(conditions).decode()}


def asked(params: Params) -> list[Field]:
    """The fields of a call."""
    return expansion.parse(params)
