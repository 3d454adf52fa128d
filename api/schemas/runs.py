"""Refresh runs as /api/v1 takes and shows them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.schemas import Body, MetaId
from lib.refresh.progress import AccountProgress, RunProgress

Day = Annotated[
    str,
    Field(
        description="a day, in each account's own time zone",
        examples=["2026-10-01"],
        json_schema_extra={"format": "date"},
    ),
]
AccountId = Annotated[
    str,
    Field(
        description="Meta's id of an ad account, with or without act_",
        examples=["act_1234567890123456"],
        json_schema_extra={"pattern": "^(act_)?[0-9]{1,19}$"},
    ),
]


class RunAccount(BaseModel):
    """How far one account of a run is; ``error`` says why it failed, ``remedy`` what to do."""

    account_id: MetaId
    name: str = Field(description="its name at Meta", examples=["Acme EU"])
    state: Literal["waiting", "running", "complete", "failed", "cancelled"] = Field(
        description="what becomes of it; one that waits has its turn after others", examples=["running"]
    )
    days_total: int = Field(ge=0, description="days to fetch; 0 until it has begun", examples=[29])
    days_done: int = Field(ge=0, description="days stored", examples=[12])
    rows: int = Field(
        ge=0, description="rows stored: ad-days, and those of breakdowns; of reach, the objects", examples=[3480]
    )
    slices_total: int = Field(
        ge=0,
        description="slices to fetch: days, in each breakdown set of the client's; 0 until it has begun",
        examples=[58],
    )
    slices_done: int = Field(ge=0, description="slices stored", examples=[24])
    slices_incomplete: int = Field(
        ge=0, description="of these, those for which Meta did not serve everything", examples=[0]
    )
    api_calls: int = Field(ge=0, description="requests to Meta", examples=[31])
    quota_left: int | None = Field(
        description="percent left of the tightest of Meta's limits; null where Meta said nothing", examples=[80]
    )
    paused_until: dt.datetime | None = Field(
        description="until when Meta keeps the account out; null where it does not", examples=["2026-11-21T08:05:00Z"]
    )
    pause_reason: str | None = Field(
        description="why it does", examples=["Meta says that the account's calls are used up."]
    )
    error: str | None = Field(
        description="what went wrong; null where nothing did", examples=["The token has expired."]
    )
    remedy: str | None = Field(description="what to do about it", examples=["Store a new one: `client token`."])
    error_code: int | None = Field(description="Meta's own code of the error; null without one", examples=[190])
    error_subcode: int | None = Field(description="and its subcode", examples=[463])
    trace_id: str | None = Field(description="what Meta's support asks for", examples=["AbCdEfGh123"])

    @classmethod
    def of(cls, account: AccountProgress) -> RunAccount:
        """The account as it is shown."""
        return cls(
            account_id=str(account.account_id),
            name=account.name,
            state=account.state,
            days_total=account.days_total,
            days_done=account.days_done,
            rows=account.rows,
            slices_total=account.slices_total,
            slices_done=account.slices_done,
            slices_incomplete=account.slices_incomplete,
            api_calls=account.api_calls,
            quota_left=account.quota_left,
            paused_until=account.paused_until,
            pause_reason=account.pause_reason,
            error_code=account.error_code,
            error_subcode=account.error_subcode,
            trace_id=account.trace_id,
            error=account.error_message,
            remedy=account.error_remedy,
        )


class Run(BaseModel):
    """A refresh run, as far as your accounts go. A failed account leaves what was stored before as it is."""

    id: uuid.UUID = Field(description="of the run", examples=["0190c1a2-7b3c-4d5e-8f60-718293a4b5c6"])
    state: Literal["running", "complete", "partial", "failed", "cancelled"] = Field(
        description="partial: some accounts failed and the others are stored", examples=["running"]
    )
    kind: Literal["asked", "hourly", "nightly", "reach"] = Field(
        description="asked for by a person or a command, or by the clock", examples=["asked"]
    )
    is_cancelled: bool = Field(
        description="whether somebody has cancelled it before your accounts had ended; it may still be stopping",
        examples=[False],
    )
    has_worker: bool = Field(
        description="false while it goes on and nobody lives who could work on it", examples=[True]
    )
    since: dt.date | None = Field(
        description="first day that was asked for; null: the run's own default, 28 days and today",
        examples=["2026-10-01"],
    )
    until: dt.date | None = Field(description="last day, included; null as above", examples=["2026-10-31"])
    started_at: dt.datetime = Field(description="when it began", examples=["2026-11-21T08:00:00Z"])
    finished_at: dt.datetime | None = Field(
        description="when the last of your accounts ended; null while one goes on, and where that was not noted",
        examples=["2026-11-21T08:03:20Z"],
    )
    days_total: int = Field(ge=0, description="account-days of its plan, also where it ended early", examples=[58])
    days_done: int = Field(ge=0, description="account-days stored", examples=[41])
    slices_total: int = Field(ge=0, description="slices of its plan, counted like the days", examples=[116])
    slices_done: int = Field(ge=0, description="slices stored", examples=[82])
    slices_incomplete: int = Field(
        ge=0, description="of these, those for which Meta did not serve everything", examples=[0]
    )
    rows: int = Field(
        ge=0, description="rows stored: ad-days, and those of breakdowns; of reach, the objects", examples=[12044]
    )
    fraction: float = Field(
        ge=0, le=1, description="what is stored of the slices; 1 only when it is complete", examples=[0.71]
    )
    seconds_left: float | None = Field(
        description="an estimate, and no less than Meta's limit has it wait; null where there is none", examples=[80.5]
    )
    accounts: list[RunAccount] = Field(description="those of its accounts that are open to you")

    @classmethod
    def of(cls, run: RunProgress) -> Run:
        """The run as it is shown."""
        return cls(
            id=run.run_id,
            state=run.state,
            kind=run.kind,
            is_cancelled=run.is_cancelled,
            has_worker=run.has_worker,
            since=run.since,
            until=run.until,
            started_at=run.started_at,
            finished_at=run.finished_at,
            days_total=run.days_total,
            days_done=run.days_done,
            slices_total=run.slices_total,
            slices_done=run.slices_done,
            slices_incomplete=run.slices_incomplete,
            rows=run.rows,
            fraction=run.fraction,
            seconds_left=run.seconds_left,
            accounts=[RunAccount.of(account) for account in run.accounts],
        )


class NewRun(Body):
    """What to fetch from Meta: the numbers of each day, or what holds for exactly one period."""

    kind: Literal["asked", "reach"] = Field(
        "asked",
        description="asked: ad-days; reach: reach and its kin of exactly since to until, which both have to be named",
        examples=["asked"],
    )
    account_ids: list[AccountId] | None = Field(
        None,
        min_length=1,
        max_length=10_000,
        description="default: every account that is open to you",
        examples=[["1234567890123456"]],
    )
    since: Day | None = Field(
        None, description="first day; default 28 days before the account's today", examples=["2026-10-01"]
    )
    until: Day | None = Field(
        None, description="last day, included; default the account's today", examples=["2026-10-31"]
    )
