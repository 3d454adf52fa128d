"""Batches: up to 50 calls in one, each answered on its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson

from sandbox import errors, tokens
from sandbox.graph import Answer, Call, Graph
from sandbox.params import Params, objects

MAX_CALLS = 50


def run(graph: Graph, params: Params, base_url: str) -> Answer:
    """Answer a batch. The batch itself fails only without a token, without calls or with too many of them."""
    token = params.get("access_token", "")
    try:
        tokens.check(token)
        calls = objects(params, "batch")
        if not calls:
            raise errors.GraphError("Invalid batch: it has no calls", 100)
        if len(calls) > MAX_CALLS:
            raise errors.GraphError("Too many requests in batch message. Maximum batch size is 50", 100)
    except errors.GraphError as refused:
        return Answer(refused.status, orjson.dumps(refused.body()), graph.headers(None))
    answers = [_one(graph, call, token, base_url) for call in calls]
    return Answer(200, orjson.dumps(answers), graph.headers(None))


def _one(graph: Graph, one: dict[str, Any], token: str, base_url: str) -> dict[str, Any]:
    path, _, query = str(one.get("relative_url", "")).partition("?")
    params = {"access_token": token, **dict(parse_qsl(query)), **dict(parse_qsl(str(one.get("body", ""))))}
    answer = graph.answer(Call(str(one.get("method", "GET")).upper(), f"/{path.lstrip('/')}", params, base_url))
    headers = [("Content-Type", "application/json; charset=UTF-8"), *answer.headers]
    return {"code": answer.status, "headers": [{"name": name, "value": value} for name, value in headers],
            "body": answer.body.decode()}  # fmt: skip
