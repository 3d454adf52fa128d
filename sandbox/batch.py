"""Batches: up to 50 calls in one, each answered on its own."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson

from sandbox import errors, tokens
from sandbox.graph import Answer, Call
from sandbox.params import Params, objects

MAX_CALLS = 50


class Answering(Protocol):
    """The Graph, or the faults around it."""

    def answer(self, call: Call) -> Answer:
        """Answer one call."""

    def headers(self, account: str | None) -> list[tuple[str, str]]:
        """What has been used; counts one call."""


def run(graph: Answering, params: Params, base_url: str) -> Answer:
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


def _one(graph: Answering, one: dict[str, Any], token: str, base_url: str) -> dict[str, Any] | None:
    """The answer to one call of a batch; None where it never came, as Meta has it for a call that timed out."""
    path, _, query = str(one.get("relative_url", "")).partition("?")
    params = {"access_token": token, **dict(parse_qsl(query)), **dict(parse_qsl(str(one.get("body", ""))))}
    method = str(one.get("method", "GET")).upper()
    answer = graph.answer(Call(method, f"/{path.lstrip('/')}", params, base_url, in_batch=True))
    if answer.delivery:
        return None
    headers = [("Content-Type", answer.media), *answer.headers]
    return {"code": answer.status, "headers": [{"name": name, "value": value} for name, value in headers],
            "body": answer.body.decode()}  # fmt: skip
