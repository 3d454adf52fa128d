"""Whose an answer is: every id in it, in JSON, CSV and Arrow, is of a client of the person who asked."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from api.negotiation import ARROW, CSV
from tests.integration.api import houses

CLIENTS = {"viewer": ["acme"], "analyst": ["acme"], "manager": ["acme"], "zed": ["zebra"], "admin": ["acme", "zebra"]}
NEVER = {"acme": houses.FOREIGN, "zebra": re.compile("acme", re.IGNORECASE)}
"""What no answer to a person of this client alone may contain."""


def check_whose(content: bytes, media: str, name: str) -> int:
    """The ids of clients, accounts and what is below them are this person's; how many there were."""
    return check_pairs(_pairs(content, media.partition(";")[0]), content.decode("utf-8", "replace"), name)


def check_pairs(pairs: Iterable[tuple[str, Any]], words: str, name: str) -> int:
    """The same of keys and values, with all the words that stand around them."""
    accounts = {account for slug in CLIENTS[name] for account in houses.ACCOUNTS[slug]}
    times = 0
    for key, value in pairs:
        if key == "client_id":
            assert value in CLIENTS[name], (key, value)
        elif key == "account_id":
            assert int(value) in accounts, (key, value)
        elif key in ("campaign_id", "adset_id", "ad_id") and value:
            assert int(value) // 1000 in accounts, (key, value)
        else:
            continue
        times += 1
    if len(CLIENTS[name]) == 1:
        found = NEVER[CLIENTS[name][0]].search(words)
        assert not found, found
    return times


def _pairs(content: bytes, media: str) -> Iterator[tuple[str, Any]]:
    """Keys and values, wherever they stand; ids in a list under the name of one."""
    if media == CSV:
        for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"))):
            yield from row.items()
    elif media == ARROW:
        with pa.ipc.open_stream(content) as reader:
            for row in reader.read_all().to_pylist():
                yield from row.items()
    elif content:
        yield from _below(json.loads(content))


def _below(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _below(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _below(inner, key.removesuffix("s"))
    else:
        yield key, value
