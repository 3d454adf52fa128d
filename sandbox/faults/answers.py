"""Answers that are refusals, and bodies that are no answer at all."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.errors import GraphError
from sandbox.faults.presets import PRESETS
from sandbox.faults.rules import Rule
from sandbox.faults.scene import Scene
from sandbox.graph import API_VERSION, Answer, Graph, challenge
from sandbox.usage import GARBAGE, NAMES

_HTML = "text/html; charset=utf-8"
_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_SORRY = b"<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>"
PLAIN: dict[str, Answer] = {
    "html_502": Answer(502, _GATEWAY, [], _HTML),
    "html_500": Answer(500, _SORRY, [], _HTML),
    "no_error_object": Answer(500, b'{"status":"unavailable"}', []),
    "word_error": Answer(200, b"Sorry, there was an error. Please try again.", [], "text/plain; charset=utf-8"),
    "empty": Answer(200, b"", []),
    "null": Answer(200, b"", [], delivery="null"),
}


def preset(name: str) -> GraphError:
    """The refusal of that name."""
    one = PRESETS[name]
    return GraphError(one.message, one.code, subcode=one.subcode, status=one.status, transient=one.is_transient)


def asked(rule: Rule) -> GraphError:
    """The refusal that an `error` rule describes: its preset's, with whatever else it gives."""
    more: dict[str, Any] = rule.more
    refused = preset(more["preset"]) if more["preset"] else GraphError(f"(#{more['code']}) Refused", more["code"])
    names = {"code": "code", "subcode": "error_subcode", "message": "message", "is_transient": "is_transient",
             "error_user_title": "error_user_title", "error_user_msg": "error_user_msg"}  # fmt: skip
    for name in more["given"]:
        if name in names:
            refused.error[names[name]] = more[name]
        elif name == "status":
            refused.status = more["status"]
    return refused


def refuse(
    graph: Graph, scene: Scene, refused: GraphError, *, wait_s: float = 0.0, mode: str = "", counts: bool = True
) -> Answer:
    """A refusal as it goes out, with the usage headers; `mode` leaves them out or spoils them."""
    usage = graph.usage.headers(scene.account, counts=counts, wait_s=wait_s)
    if mode:
        usage = list(zip(NAMES, GARBAGE, strict=True)) if mode == "garbage" else []
    headers = [challenge(refused), ("facebook-api-version", API_VERSION), *usage]
    return Answer(refused.status, orjson.dumps(refused.body()), headers)
