"""A query as the words of ``python -m lib export``: what the log keeps, and what anybody can run again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from lib.insights.query import InsightQuery
from lib.insights.words import write_filter, write_order, write_top


def command_words(query: InsightQuery) -> str:
    """``--since 2026-01-01 --until 2026-01-31 --metrics spend``, quoted for a shell."""
    return shlex.join(_words(query))


def _words(query: InsightQuery) -> Iterator[str]:
    yield from ("--since", query.since.isoformat(), "--until", query.until.isoformat())
    if query.group_by:
        yield from ("--group-by", ",".join(query.group_by))
    yield from ("--metrics", ",".join(query.metrics))
    for account_id in _accounts(query):
        yield from ("--account", str(account_id))
    if query.currency is not None:
        yield from ("--currency", query.currency)
    for each in query.filters:
        yield from ("--filter", write_filter(each))
    for each in query.having:
        yield from ("--having", write_filter(each))
    if query.order:
        yield f"--order={','.join(write_order(each) for each in query.order)}"
    if query.limit is not None:
        yield from ("--limit", str(query.limit))
    if query.top is not None:
        yield from ("--top", write_top(query.top))
    if query.attribution is not None:
        yield from ("--attribution", query.attribution)


def _accounts(query: InsightQuery) -> list[int]:
    if query.account_ids is None:
        return []
    # Without a word, the command line takes every account; there is none with the number 0.
    return sorted(query.account_ids) or [0]
