"""Runs a query for a viewer on Postgres."""

from __future__ import annotations

from lib.access.viewer import Viewer
from lib.insights.answer import Column, InsightAnswer, columns_of, finish
from lib.insights.query import InsightQuery
from lib.insights.sql import accounts_in_scope, compile_query
from lib.store.engine import Store

__all__ = ["Column", "InsightAnswer", "run_query"]


async def run_query(store: Store, query: InsightQuery, viewer: Viewer) -> InsightAnswer:
    """The answer over the viewer's accounts, by at most two statements; without accounts it has no rows.

    Raises QueryError where PostgreSQL cannot read a regular expression, StoreError where it gives up.
    """
    async with store.viewing(viewer) as session:
        scope = (await session.execute(accounts_in_scope(query, viewer.account_ids))).all()
        if not scope:
            return InsightAnswer(columns_of(query), [])
        accounts = [account_id for account_id, _ in scope]
        samples = [account_id for account_id, is_sample in scope if is_sample]
        fetched = (await session.execute(compile_query(query, accounts, samples))).all()
    return finish(query, fetched)
