"""One call answered: a method, a path and parameters in; a status, a body and usage headers out."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox import edges, errors, nodes, paging, tokens
from sandbox.edges import Node, Objects
from sandbox.errors import GraphError
from sandbox.insights.query import plan
from sandbox.insights.report import Reports
from sandbox.jobs import Job, Jobs
from sandbox.paging import Caller
from sandbox.usage import Usage
from sandbox.world import World

API_VERSION = "v26.0"
_UNSAFE = re.compile(r"[^ -~]")
_VERSION = re.compile(r"v\d{1,2}\.\d")
_log = logging.getLogger("sandbox")


@dataclass(frozen=True)
class Call:
    """A call as the Graph sees it, from HTTP or from inside a batch."""

    method: str
    path: str
    params: Mapping[str, str]
    base_url: str
    in_batch: bool = False


@dataclass(frozen=True)
class Answer:
    """What goes back. `delivery` spoils the way it goes: cut, hang, drip, or null (in a batch: timed out)."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]
    media: str = "application/json; charset=UTF-8"
    delivery: str = ""
    seconds: float = 0.0


class Graph:
    """The API itself, without HTTP around it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reports = Reports(world)
        self.jobs = Jobs(world.settings.seed, world.settings.job_polls)
        self.usage = Usage()

    def answer(self, call: Call) -> Answer:
        """Answer a call. Nothing escapes: a defect of ours becomes Meta's unknown error."""
        version, parts = split(call.path)
        told: list[tuple[str, str]] = []
        account: str | None = None
        try:
            token = call.params.get("access_token", "")
            tokens.check(token)
            caller = Caller(call.base_url, call.path, token)
            account, found = self._dispatch(call, parts, caller)
            status, body = 200, found if isinstance(found, bytes) else orjson.dumps(found)
        except GraphError as refused:
            status, body = refused.status, orjson.dumps(refused.body())
            told.append(challenge(refused))
        except Exception as defect:  # noqa: BLE001 - whatever went wrong, the caller must get JSON
            _log.error(
                "%s while answering %s /%s",
                type(defect).__name__,
                call.method,
                "/".join(parts),
                exc_info=defect,
            )
            status, body = 500, orjson.dumps(errors.unknown().body())
        account = account or (parts[0][4:] if parts and parts[0].startswith("act_") else None)
        return Answer(status, body, told + self.headers(account, version))

    def headers(self, account: str | None, version: str = API_VERSION) -> list[tuple[str, str]]:
        """The version and what has been used, as they come with every answer; counts one call."""
        return [("facebook-api-version", version), *self.usage.headers(account)]

    def _dispatch(self, call: Call, parts: list[str], caller: Caller) -> tuple[str | None, Any]:
        objects = Objects(self.world, caller)
        if not parts:
            return None, self._several(call, objects, caller.token)
        name, rest = parts[0], parts[1:]
        if len(rest) > 1 or (name == "debug_token" and rest):
            raise GraphError(f"Unknown path components: /{'/'.join(rest)}", 2500)
        if name == "debug_token":
            return None, tokens.describe(call.params.get("input_token", ""))
        if name == "me":
            return None, self._me(call, rest, objects, caller)
        if not tokens.sees_accounts(caller.token):
            raise errors.no_permission()
        job = self.jobs.get(name)
        if job is not None:
            return job.plan.account.account_id, self._run(job, call, rest, caller)
        node = objects.find(name)
        if node is None:
            raise errors.no_such_object(name, call.method.lower())
        return node.account.account_id, self._node(node, call, parts, objects, caller)

    def _several(self, call: Call, objects: Objects, token: str) -> dict[str, Any]:
        """`GET /?ids=a,b`: all or nothing."""
        wanted = [one for one in call.params.get("ids", "").split(",") if one]
        if call.method != "GET" or not wanted:
            raise GraphError("Unsupported get request. Please read the Graph API documentation.", 100, subcode=33,
                             kind="GraphMethodException")  # fmt: skip
        if len(wanted) > 50:
            raise errors.bad_parameter("Too many IDs requested. Maximum: 50.")
        if not tokens.sees_accounts(token):
            raise errors.no_permission()
        found = {one: objects.find(one) for one in wanted}
        missing = [one for one, node in found.items() if node is None]
        if missing:
            raise GraphError(f"(#803) Some of the aliases you requested do not exist: {', '.join(missing)}", 803,
                             status=404)  # fmt: skip
        asked = edges.asked(call.params)
        return {one: objects.read(node, asked) for one, node in found.items() if node is not None}

    def _me(self, call: Call, rest: list[str], objects: Objects, caller: Caller) -> Any:
        if not rest:
            found = nodes.me(caller.token)
            names = {one.name for one in edges.asked(call.params)} or {"id", "name"}
            return {key: value for key, value in found.items() if key in names | {"id"}}
        if rest != ["adaccounts"]:
            raise GraphError(f"Unknown path components: /{rest[0]}", 2500)
        asked = edges.asked(call.params)
        accounts = self.world.accounts if tokens.sees_accounts(caller.token) else []
        rows = [orjson.dumps({**objects.read(Node("account", one), asked), "account_id": one.account_id})
                for one in accounts]  # fmt: skip
        return paging.page(1, lambda _: rows, call.params, caller, _summary(call, len(rows)))

    def _node(self, node: Node, call: Call, parts: list[str], objects: Objects, caller: Caller) -> Any:
        name, rest = parts[0], parts[1:]
        if rest == ["insights"] and node.kind != "creative":
            scope = (node.kind, name)
            if call.method == "GET":
                return self._rows(plan(self.world, node.account, scope, call.params), call, caller)
            asked = plan(self.world, node.account, scope, call.params)
            return {"report_run_id": self.jobs.start(asked, int(self.world.now().timestamp())).id}
        if call.method != "GET":
            raise errors.no_such_object(name, call.method.lower())
        asked_fields = edges.asked(call.params)
        if not rest:
            return objects.read(node, asked_fields)
        if rest[0] not in edges.EDGES:
            raise GraphError(f"Unknown path components: /{rest[0]}", 2500)
        rows = objects.rows(node, rest[0], call.params, asked_fields)
        return paging.page(1, lambda _: rows, call.params, caller, _summary(call, len(rows)))

    def _run(self, job: Job, call: Call, rest: list[str], caller: Caller) -> Any:
        if not rest:
            state = job.poll(int(self.world.now().timestamp()))
            names = {one.name for one in edges.asked(call.params)} or set(state)
            return {key: value for key, value in state.items() if key in names | {"id"}}
        if rest != ["insights"]:
            raise GraphError(f"Unknown path components: /{rest[0]}", 2500)
        if not job.completed:
            raise errors.job_not_ready()
        return self._rows(job.plan, call, caller)

    def _rows(self, asked: Any, call: Call, caller: Caller) -> bytes:
        report = self.reports.open(asked)
        return paging.page(len(report), report.rows, call.params, caller)


def challenge(refused: GraphError) -> tuple[str, str]:
    """The header that tells a refusal in words."""
    text = _UNSAFE.sub("?", refused.error["message"].replace('"', "'"))
    return "www-authenticate", f'OAuth "Facebook Platform" "invalid_request" "{text}"'


def _summary(call: Call, count: int) -> list[bytes]:
    """The total of an edge, which the SDK's cursor asks for."""
    if call.params.get("summary", "").lower() not in ("true", "1", "total_count"):
        return []
    return [b',"summary":', orjson.dumps({"total_count": count})]


def split(path: str) -> tuple[str, list[str]]:
    """The version a path asks for, and its parts behind it."""
    parts = [part for part in path.split("/") if part]
    if parts and _VERSION.fullmatch(parts[0]):
        return parts[0], parts[1:]
    return API_VERSION, parts
