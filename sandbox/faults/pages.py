"""Pages that repeat: the same page again, or the rows of the page before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from sandbox import paging
from sandbox.errors import GraphError
from sandbox.faults.rules import Rule
from sandbox.faults.scene import Scene
from sandbox.graph import Answer, Call, Graph
from sandbox.params import limit

AGAIN = "QVFIUmFnYWlu"
"""A cursor that leads to the first page: the Graph's own cannot."""


def meant(call: Call) -> Call:
    """The call with AGAIN taken for what it means."""
    if call.params.get("after") != AGAIN:
        return call
    return replace(call, params={name: value for name, value in call.params.items() if name != "after"})


def repeated_page(graph: Graph, scene: Scene) -> Answer | None:
    """The page, with a next that leads to itself; None where there is no next."""
    if scene.place not in ("get", "page") or scene.edge == "node":
        return None
    answer = graph.answer(scene.call)
    body = _page(answer)
    if body is None or "next" not in body["paging"]:
        return None
    after = scene.call.params.get("after") or AGAIN
    body["paging"]["cursors"]["after"] = after
    return _patched(answer, body, after=after)


def repeated_rows(graph: Graph, rule: Rule, scene: Scene) -> Answer | None:
    """The page, with rows of the page before it in front; None where there are none before it."""
    if scene.place != "page" or not scene.call.params.get("after"):
        return None
    try:
        chunk, row = paging.decode(scene.call.params["after"])
        wanted = limit(scene.call.params)
    except GraphError:
        return None
    back = min(row, rule.more["rows"] or wanted)
    if back < 1:
        return None
    params = {**scene.call.params, "after": paging.encode((chunk, row - back)), "limit": str(wanted + back)}
    answer = graph.answer(replace(scene.call, params=params))
    body = _page(answer)
    return _patched(answer, body, limit=str(wanted)) if body is not None else None


def _page(answer: Answer) -> dict[str, Any] | None:
    """The decoded page; None where the answer is none with rows."""
    if answer.status != 200:
        return None
    body: Any = orjson.loads(answer.body)
    return body if isinstance(body, dict) and body.get("data") and "paging" in body else None


def _patched(answer: Answer, body: dict[str, Any], **query: str) -> Answer:
    """The page with other parameters in its next link."""
    link = body["paging"].get("next")
    if link is not None:
        parts = urlsplit(link)
        body["paging"]["next"] = parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **query})).geturl()
    return replace(answer, body=orjson.dumps(body))
