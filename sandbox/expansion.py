"""The `fields` parameter: names, nested with braces and tuned with dots, as in `id,ads.limit(5){name}`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sandbox import errors
from sandbox.params import Params, words

_TOKEN = re.compile(r"\s*([A-Za-z0-9_]+|[{},.]|\([^()]*\))\s*")


@dataclass
class Field:
    """One asked-for field, the modifiers behind it, and what is asked of the object it leads to."""

    name: str
    modifiers: dict[str, str] = field(default_factory=dict)
    children: list[Field] = field(default_factory=list)


def parse(params: Params) -> list[Field]:
    """The fields of a call, nested as they were written."""
    text = params.get("fields", "")
    if text.strip().startswith("["):
        text = ",".join(words(params, "fields"))
    tokens: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _broken(text[position:])
        tokens.append(match[1])
        position = match.end()
    fields = _list(tokens)
    if tokens:
        raise _broken(tokens[0])
    return fields


def _broken(where: str) -> errors.GraphError:
    return errors.GraphError(f'Syntax error "Expected end of string instead of "{where[:1]}"." in fields.', 2500)


def _list(tokens: list[str]) -> list[Field]:
    found: list[Field] = []
    while tokens and tokens[0] != "}":
        if tokens[0] == ",":
            tokens.pop(0)
            continue
        if not tokens[0].replace("_", "a").isalnum():
            raise _broken(tokens[0])
        one = Field(tokens.pop(0))
        while len(tokens) > 2 and tokens[0] == "." and tokens[2].startswith("("):
            one.modifiers[tokens[1]] = tokens[2][1:-1]
            del tokens[:3]
        if tokens and tokens[0] == "{":
            tokens.pop(0)
            one.children = _list(tokens)
            if not tokens:
                raise _broken("{")
            tokens.pop(0)
        found.append(one)
    return found
