"""From parameters to a plan: what a report must hold, checked as Meta checks it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sandbox import errors
from sandbox.insights import actions, breakdowns, fields, filters, periods
from sandbox.insights.breakdowns import Split
from sandbox.insights.filters import METRICS, Condition
from sandbox.model.accounts import Account
from sandbox.params import Params, limit, words
from sandbox.world import World

LEVELS = ("account", "campaign", "adset", "ad")
SHORT_MEMORY_MONTHS = 13
"""How long people are counted by a breakdown, and hours are kept at all."""
_DEFAULT_FIELDS = ("account_id", "impressions", "spend")


@dataclass(frozen=True)
class Plan:
    """One report. `scope` is the node it was asked of: its level and its id.

    With `hides_people` reach and what comes from it are left out without a word; before `first_day` there are no rows.
    """

    account: Account
    scope: tuple[str, str]
    level: str
    periods: list[periods.Period]
    fields: tuple[str, ...]
    windows: tuple[str, ...]
    split: Split
    conditions: list[Condition]
    sort: tuple[str, bool] | None
    hides_people: bool
    first_day: dt.date


def plan(world: World, account: Account, scope: tuple[str, str], params: Params) -> Plan:
    """The plan of a call, or the refusal that Meta would give."""
    today = world.today(account)
    level = params.get("level") or scope[0]
    if level not in LEVELS:
        raise errors.bad_parameter(f"level must be one of the following values: {', '.join(LEVELS)}")
    asked = _fields(params)
    windows = tuple(words(params, "action_attribution_windows"))
    for number, window in enumerate(windows):
        if window not in actions.WINDOWS:
            valid = ", ".join(actions.WINDOWS)
            raise errors.bad_parameter(
                f"action_attribution_windows[{number}] must be one of the following values: {valid}"
            )
    if params.get("use_unified_attribution_setting", "true").lower() not in ("true", "false", "1", "0"):
        raise errors.bad_parameter("param use_unified_attribution_setting must be a boolean.")
    limit(params)
    names = tuple(words(params, "breakdowns"))
    cut = periods.of(params, today)
    limit_day = periods.months_before(today, SHORT_MEMORY_MONTHS)
    hourly = breakdowns.HOURLY in names
    hides = hourly or (bool(names) and min(since for since, _ in cut) < limit_day)
    return Plan(account, scope, level, cut, asked, windows, breakdowns.split(account, names, today),
                filters.of(params), _sort(params), hides, limit_day if hourly else dt.date.min)  # fmt: skip


def _fields(params: Params) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(words(params, "fields"))) or _DEFAULT_FIELDS
    for name in asked:
        if name in breakdowns.KNOWN or name not in fields.KNOWN:
            raise errors.bad_field(name)
    return asked


def _sort(params: Params) -> tuple[str, bool] | None:
    for word in words(params, "sort"):
        name, _, direction = word.rpartition("_")
        if direction not in ("ascending", "descending") or name not in (*METRICS, "date_start", "date_stop"):
            raise errors.bad_parameter(f"sort[0] must be a metric followed by _ascending or _descending: {word}")
        return name, direction == "descending"
    return None


def days(period: periods.Period) -> list[dt.date]:
    """Every day of a period."""
    since, until = period
    return [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
