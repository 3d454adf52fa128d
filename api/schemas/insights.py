"""Questions about insights as /api/v1 takes them, and their answers as JSON.

The words are checked by ``lib.insights``, whose sentences name the nearest word that exists; the lists of words stand
here so that the description is whole.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.envelope import PageMeta
from api.paging import MAX_PAGE
from api.schemas import Body
from api.schemas.runs import AccountId, Day
from lib.insights.attribution import WINDOWS
from lib.insights.filters import (
    IDS,
    MAX_ID,
    MAX_TEXT,
    MAX_VALUES,
    NUMBER_WORDS,
    TEXT_WORDS,
    TEXTS,
    Filter,
    Order,
    as_id,
)
from lib.insights.metrics import METRICS
from lib.insights.query import DIMENSIONS, NAMED, TEXTUAL, InsightQuery, Top
from lib.insights.words import parse_date, query_of_words

MAX_PER_PAGE = 5000
EngineName = Literal["mirror", "postgres"]


def _word(*known: str) -> Any:
    return Field(json_schema_extra={"enum": list(known)})


Dimension = Annotated[str, _word(*DIMENSIONS)]
MetricSlug = Annotated[str, _word(*METRICS)]
WINDOW = "count conversions by this window in place of each account's own setting; not with a breakdown"
Window = Annotated[str, _word(*WINDOWS)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="a currency by its code", examples=["EUR"])]


class Condition(Body):
    """Picks ad-days (as a filter) or groups (as a having, metrics only)."""

    name: Annotated[str, _word(*TEXTS, *IDS, *METRICS)] = Field(
        description="what is looked at: a text, an id or a metric", examples=["campaign"]
    )
    operator: Annotated[str, _word(*dict.fromkeys((*TEXT_WORDS, *NUMBER_WORDS)))] = Field(
        description="texts: ~ contains, !~ does not, ^= begins with, =~ matches (RE2), = and != a list;"
        " ids: = and != a list; metrics: > >= < <= = != one number",
        examples=["~"],
    )
    values: list[Annotated[str, Field(max_length=MAX_TEXT)]] = Field(
        min_length=1,
        max_length=MAX_VALUES,
        description="one text or number, or a list for = and !=; money in units",
        examples=[["Retarget"]],
    )

    def read(self) -> Filter:
        """The condition; QueryError with a sentence."""
        return Filter(self.name, self.operator, tuple(self.values))


class OrderKey(Body):
    """A dimension of the question, a metric or currency."""

    key: Annotated[str, _word(*DIMENSIONS, *METRICS, "currency")] = Field(
        description="what the rows are sorted by", examples=["spend"]
    )
    descending: bool = Field(False, description="from large to small", examples=[True])


class TopGroups(Body):
    """The ``n`` groups of a dimension with the most of a metric stay; the others become one, “Other”."""

    dimension: Annotated[str, _word(*NAMED, *TEXTUAL)] = Field(
        description="one of the question's dimensions", examples=["campaign"]
    )
    by: MetricSlug = Field(description="the metric that decides", examples=["spend"])
    n: int = Field(ge=1, le=1000, description="how many groups stay", examples=[10])


class Question(Body):
    """Insights from ``since`` to ``until``, both included, in the days of each account's own time zone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "since": "2026-10-01",
                    "until": "2026-10-31",
                    "group_by": ["week", "campaign"],
                    "metrics": ["spend", "purchases", "cpa", "roas"],
                    "filters": [{"name": "campaign", "operator": "~", "values": ["Retarget"]}],
                    "having": [{"name": "spend", "operator": ">", "values": ["100"]}],
                    "order": [{"key": "spend", "descending": True}],
                }
            ]
        }
    )

    since: Day = Field(description="first day", examples=["2026-10-01"])
    until: Day = Field(description="last day, included", examples=["2026-10-31"])
    group_by: list[Dimension] = Field(
        [],
        max_length=len(DIMENSIONS),
        description="one row for each of their combinations; none: one row a currency. Of age and gender, country,"
        " region, platform and position, device, hour one alone: Meta reports no other combination",
        examples=[["week", "campaign"]],
        json_schema_extra={"uniqueItems": True},
    )
    metrics: list[MetricSlug] = Field(
        [],
        max_length=len(METRICS),
        description="slugs of `GET /metrics`, in the order of the columns",
        examples=[["spend", "purchases", "roas"]],
        json_schema_extra={"uniqueItems": True},
    )
    filters: list[Condition] = Field([], max_length=100, description="all of them must hold for an ad-day")
    having: list[Condition] = Field([], max_length=100, description="all of them must hold for a group")
    order: list[OrderKey] = Field([], max_length=100, description="default: the dimensions as given")
    limit: int | None = Field(None, ge=1, le=MAX_ID, description="at most this many rows", examples=[100])
    account_ids: list[AccountId] | None = Field(
        None,
        min_length=1,
        max_length=10_000,
        description="only these accounts; default: all that are open to you",
        examples=[["act_1234567890123456"]],
    )
    currency: Currency | None = Field(None, description="only accounts of this currency", examples=["EUR"])
    top: TopGroups | None = Field(None, description="the largest groups of a dimension, and the others as one")
    attribution: Window | None = Field(None, description=WINDOW, examples=["7d_click"])

    def read(self) -> InsightQuery:
        """The query; QueryError with a sentence."""
        return InsightQuery(
            since=parse_date(self.since),
            until=parse_date(self.until),
            group_by=tuple(self.group_by),
            metrics=tuple(self.metrics),
            filters=tuple(each.read() for each in self.filters),
            having=tuple(each.read() for each in self.having),
            order=tuple(Order(each.key, each.descending) for each in self.order),
            limit=self.limit,
            account_ids=_ids(self.account_ids),
            currency=self.currency,
            top=None if self.top is None else Top(self.top.dimension, self.top.by, self.top.n),
            attribution=self.attribution,
        )


def _ids(texts: list[str] | None) -> frozenset[int] | None:
    return None if texts is None else frozenset(as_id(text) for text in texts)


class AnswerPaging(BaseModel):
    """Which page of the rows as JSON; CSV and Arrow hold all of them. And who is to answer."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=MAX_PAGE, description="which page of the rows, from 1; for JSON", examples=[1])
    per_page: int = Field(1000, ge=1, le=MAX_PER_PAGE, description="rows on a page; for JSON", examples=[1000])
    engine: EngineName | None = Field(
        None,
        description="who is to answer, or nobody: 503 where it cannot; default whoever is quickest",
        examples=["postgres"],
    )

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.page - 1) * self.per_page


class Words(AnswerPaging):
    """A question in the words of the command line."""

    since: Day = Field(description="first day", examples=["2026-10-01"])
    until: Day = Field(description="last day, included", examples=["2026-10-31"])
    group_by: str = Field("", description=f"dimensions with commas between: {', '.join(DIMENSIONS)}", examples=["week"])
    metrics: str = Field("", description="slugs of metrics with commas between", examples=["spend,purchases,roas"])
    filter_: list[str] = Field(
        [],
        alias="filter",
        max_length=50,
        description="condition on ad-days, repeatable: campaign~Sale, ad_id=1,2, spend>0",
        examples=[["campaign~Retarget"]],
    )
    having: list[str] = Field(
        [], max_length=50, description="condition on groups, repeatable", examples=[["spend>100"]]
    )
    order: str = Field("", description="keys with commas between, a minus for descending", examples=["-spend"])
    limit: str | None = Field(
        None, description="at most this many rows", examples=["100"], json_schema_extra={"pattern": "^[0-9]+$"}
    )
    account: list[AccountId] = Field(
        [], max_length=500, description="only this account, repeatable", examples=[["act_1234567890123456"]]
    )
    currency: Currency | None = Field(None, description="only accounts of this currency", examples=["EUR"])
    top: str | None = Field(None, description="the top groups, the others as one", examples=["10:campaign:spend"])
    attribution: Window | None = Field(None, description=WINDOW, examples=["7d_click"])

    def read(self) -> InsightQuery:
        """The query; QueryError with a sentence."""
        return query_of_words(
            since=self.since,
            until=self.until,
            group_by=self.group_by,
            metrics=self.metrics,
            filters=self.filter_,
            having=self.having,
            order=self.order,
            limit=self.limit,
            accounts=self.account,
            currency=self.currency,
            top=self.top,
            attribution=self.attribution,
        )


class AnswerColumn(BaseModel):
    """A column of the answer, in order."""

    model_config = ConfigDict(from_attributes=True)

    key: str = Field(description="what the rows call it", examples=["spend"])
    label: str = Field(description="what people call it", examples=["Spend"])
    kind: Literal["id", "text", "date", "money", "count", "percent", "multiple"] = Field(
        description="how its values are written: ids, texts, dates and money as strings, the others as numbers",
        examples=["money"],
    )


class AnswerMeta(PageMeta):
    """What to know of the numbers."""

    engine: EngineName = Field(description="who answered", examples=["mirror"])
    is_sample: bool = Field(
        description="whether sample clients, whose numbers are made up, are in it", examples=[False]
    )
    columns: list[AnswerColumn] = Field(description="the columns of the rows, in order")
    notes: dict[str, str] = Field(
        description="by metric, the rule because of which it has no value; by breakdown, for which"
        " accounts there are no rows of it, or no new ones, and why",
        examples=[{"reach": "not summable: holds for one object and one period, and is never added up"}],
    )
    complete_until: dt.date | None = Field(
        description="the last day up to which every account's days are whole; null: not even the first one is",
        examples=["2026-10-31"],
    )
    missing_days: int = Field(
        ge=0, description="account-days of the period that are not refreshed, or not whole", examples=[0]
    )


class Answer(BaseModel):
    """A page of rows. Ids, texts, days and money are strings, counts and ratios numbers; without a value null."""

    data: list[dict[str, str | int | float | None]] = Field(
        description="the rows of this page; their keys are those of the columns",
        examples=[[{"week": "2026-10-05", "currency": "EUR", "spend": "1234.56", "purchases": 42, "roas": 3.2}]],
    )
    meta: AnswerMeta = Field(description="which page this is, and what to know of the numbers")
