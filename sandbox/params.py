"""Reading a call's parameters: everything arrives as text, lists as JSON or separated by commas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from sandbox import errors

Params = Mapping[str, str]
MAX_LIMIT = 10_000
DEFAULT_LIMIT = 25


def decoded(params: Params, name: str) -> Any:
    """A parameter as JSON, or None when it was not sent."""
    text = params.get(name)
    if text is None or text == "":
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as broken:
        raise errors.bad_parameter(f"param {name} must be valid JSON.") from broken


def words(params: Params, name: str) -> list[str]:
    """A list of names, written as `["a","b"]` or as `a,b`."""
    text = params.get(name, "").strip()
    if text.startswith("["):
        found = decoded(params, name)
        if not all(isinstance(word, str) for word in found):
            raise errors.bad_parameter(f"param {name} must be an array of strings.")
        return list(found)
    return [word.strip() for word in text.split(",") if word.strip()]


def objects(params: Params, name: str) -> list[dict[str, Any]]:
    """A JSON list of objects; absent means empty."""
    found = decoded(params, name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise errors.bad_parameter(f"param {name} must be an array.")
    return found


def limit(params: Params) -> int:
    """Rows a page; Meta's default is 25."""
    text = params.get("limit", "")
    if not text:
        return DEFAULT_LIMIT
    if not text.isdecimal() or int(text) < 1:
        raise errors.bad_parameter("param limit must be a positive integer.")
    return min(int(text), MAX_LIMIT)
