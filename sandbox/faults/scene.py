"""What a call is, as rules see it."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from sandbox.edges import Node, Objects
from sandbox.errors import GraphError
from sandbox.graph import Call, Graph, split
from sandbox.insights.query import Plan, plan
from sandbox.jobs import Job
from sandbox.model import rand
from sandbox.paging import Caller
from sandbox.params import words

_SECRETS = ("access_token", "appsecret_proof", "appsecret_time")


@dataclass(frozen=True)
class Scene:
    """A call with everything that rules ask about.

    `place` is post, job (a poll), page, get, batch (the envelope) or other. `identity` is the same number for the
    same call, whichever token sends it.
    """

    call: Call
    place: str
    accounts: frozenset[str]
    edge: str
    level: str
    breakdowns: tuple[str, ...]
    identity: int
    job: Job | None = None
    node: Node | None = None
    plan: Plan | None = None

    @property
    def account(self) -> str | None:
        """The account, where the call is about one."""
        return next(iter(self.accounts)) if len(self.accounts) == 1 else None


def read(graph: Graph, call: Call) -> Scene:
    """The scene of one call."""
    _, parts = split(call.path)
    name, rest = (parts[0], parts[1:]) if parts else ("", [])
    objects = Objects(graph.world, Caller(call.base_url, call.path, ""))
    job = graph.jobs.get(name)
    node = None if job or not name else objects.find(name)
    place, edge = _place(call, job, name, rest)
    asked = job.plan if job else _plan(graph, call, node, name) if edge == "insights" else None
    return Scene(
        call, place, _accounts(call, job, node, objects), edge,
        asked.level if asked else "", asked.split.names if asked else _breakdowns(call), identity(call),
        job, node, asked,
    )  # fmt: skip


def identity(call: Call) -> int:
    """The same number for the same call."""
    told = sorted((name, value) for name, value in call.params.items() if name not in _SECRETS)
    return rand.key(*orjson.dumps([call.method, call.path, told]))


def _place(call: Call, job: Job | None, name: str, rest: list[str]) -> tuple[str, str]:
    edge = rest[0] if rest else "node"
    if call.method == "POST":
        return ("batch" if not name else "post" if edge == "insights" else "other"), edge
    if job is not None:
        return ("page", "insights") if rest else ("job", "insights")
    return ("page" if call.params.get("after") else "get"), edge


def _plan(graph: Graph, call: Call, node: Node | None, name: str) -> Plan | None:
    if node is None or node.kind == "creative":
        return None
    try:
        return plan(graph.world, node.account, (node.kind, name), call.params)
    except GraphError:
        return None


def _breakdowns(call: Call) -> tuple[str, ...]:
    try:
        return tuple(words(call.params, "breakdowns"))
    except GraphError:
        return ()


def _accounts(call: Call, job: Job | None, node: Node | None, objects: Objects) -> frozenset[str]:
    if job is not None:
        return frozenset((job.plan.account.account_id,))
    nodes = [node] if node else [objects.find(one) for one in call.params.get("ids", "").split(",") if one]
    return frozenset(one.account.account_id for one in nodes if one is not None)
