"""The words of the log are those of the command: whoever runs them again asks the same."""

from __future__ import annotations

import argparse
import datetime as dt
import shlex

from hypothesis import given
from hypothesis import strategies as st

from lib.commands import export
from lib.insights.export import command_words
from lib.insights.query import Filter, InsightQuery, Order, Top

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2026, 1, 1))
FILTERS = st.one_of(
    st.builds(lambda text: Filter("campaign", "~", (text,)), TEXTS),
    st.builds(lambda texts: Filter("ad", "!=", tuple(texts)), st.lists(TEXTS, min_size=1, max_size=3)),
    st.builds(lambda number: Filter("account_id", "=", (str(number),)), st.integers(1, 10**17)),
    st.just(Filter("spend", ">=", ("0.5",))),
    st.just(Filter("adset", "=~", ("^(a|b)+$",))),
    st.just(Filter("country", "!=", ("DE", "unknown"))),
)


@st.composite
def queries(draw: st.DrawFn) -> InsightQuery:
    since = draw(DAYS)
    filters = tuple(draw(st.lists(FILTERS, max_size=3)))
    is_split = any(each.name == "country" for each in filters)
    return InsightQuery(
        since=since,
        until=since + dt.timedelta(days=draw(st.integers(0, 400))),
        group_by=("week", "campaign"),
        metrics=draw(st.sampled_from([(), ("spend",), ("spend", "roas", "ctr")])),
        filters=filters,
        having=draw(st.sampled_from([(), (Filter("roas", "<", ("1.5",)),)])),
        order=draw(st.sampled_from([(), (Order("spend", descending=True), Order("campaign")), (Order("week"),)])),
        limit=draw(st.sampled_from([None, 1, 10**6])),
        account_ids=draw(st.sampled_from([None, frozenset({11}), frozenset({22, 11})])),
        currency=draw(st.sampled_from([None, "EUR"])),
        top=draw(st.sampled_from([None, Top("campaign", "spend", 5)])),
        attribution=None if is_split else draw(st.sampled_from([None, "7d_click"])),
    )


@given(queries())
def test_the_command_reads_its_own_words(query: InsightQuery) -> None:
    whole = argparse.ArgumentParser()
    export.configure(whole.add_subparsers().add_parser("export"))
    args = whole.parse_args(["export", *shlex.split(command_words(query))])
    assert export.query_of(args) == query


def test_no_account_is_not_every_account() -> None:
    query = InsightQuery(dt.date(2026, 1, 1), dt.date(2026, 1, 1), (), ("spend",), account_ids=frozenset())
    assert command_words(query).endswith("--metrics spend --account 0")
