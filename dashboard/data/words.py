"""What the page of the data says; nothing here draws."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dashboard import formats
from dashboard.refreshing_words import days_words
from lib.clients.choice import SETS
from lib.insights.metrics import METRICS
from lib.insights.scope import AccountScope
from lib.insights.trust import AccountTrust
from lib.refresh.incomplete import IncompleteSlice
from lib.refresh.progress import AccountProgress, RunProgress
from lib.refresh.reasons import Reason
from lib.refresh.reconciliation import DayApart, Reconciliation

PLAIN = "Ad-days"
"""What a slice without a breakdown is called."""
REASONS: Mapping[Reason, str] = {
    Reason.NOT_COMPARED: "Not compared",
    Reason.STILL_RUNNING: "Day was still running",
    Reason.WITHHELD: "Not served whole",
    Reason.NOT_LISTED: "Objects not listed any more",
    Reason.ACCOUNT_ONLY: "Credited to the account only",
    Reason.META_DISAGREES: "Meta's answers differ",
    Reason.MATURING: "Still maturing",
    Reason.TWO_MOMENTS: "Read at two moments",
}
KINDS = {"asked": "Asked for", "hourly": "Hourly", "nightly": "Nightly", "reach": "Reach"}
ENDED = {
    "running": ":material/progress_activity: Going on",
    "complete": ":green[:material/check_circle:] Complete",
    "partial": ":orange[:material/error:] In part",
    "failed": ":red[:material/error:] Failed",
    "cancelled": ":gray[:material/cancel:] Cancelled",
}
_STATES = {"waiting": "Waiting", "running": "Going on", "complete": "Complete", "failed": "Failed"}
SHOWN = ("spend", "impressions", "clicks", "link_clicks", "purchases", "revenue", "leads")


def undescribed(account: AccountScope, since: dt.date, until: dt.date) -> AccountTrust:
    """An account that Meta never described: every day of the period that has begun is missing."""
    missing = max(0, (min(until, account.today) - since).days + 1)
    return AccountTrust(account.account_id, account.name, None, None, missing, None)


def account_row(account: AccountTrust, client: str, now: dt.datetime) -> dict[str, str]:
    """One account's trust in words, by the heads of the columns."""
    return {
        "Account": account.account_name,
        "Client": client,
        "Complete until": formats.day(account.complete_until) if account.complete_until else formats.MISSING,
        "Refreshed": formats.ago(account.refreshed_at, now) if account.refreshed_at else "never, or not every day",
        "Missing": formats.counted(account.missing_days, "day") if account.missing_days else "none",
        "Beside Meta": beside_meta(account),
    }


def never_described(*, may_refresh: bool) -> str:
    """Of an account that no refresh has reached: why it has no numbers, and what to do."""
    do = "Refresh asks Meta for it." if may_refresh else "Ask a manager to refresh it."
    return f"Meta was not asked about this account yet, so nothing of it is known, its currency included. {do}"


def beside_meta(account: AccountTrust) -> str:
    """Matches Meta; or €12.30 less on 2 days."""
    gap = account.gap
    if gap is None:
        return formats.MISSING
    if gap.is_zero:
        return "Matches Meta"
    if not gap.days_apart:
        return f"Not compared on {formats.counted(gap.days_unknown, 'day')}"
    days = formats.counted(gap.days_apart, "day")
    if not gap.spend:
        return f"Same spend, other numbers differ on {days}"
    money = formats.exact(abs(gap.spend), "money", gap.currency)
    return f"{money} {'less' if gap.spend < 0 else 'more'} spend, on {days}"


def what(run: RunProgress, who: str) -> str:
    """Asked for by ana@example.com: 1 to 7 Nov 2026. Nightly. Reach, asked for by ana@example.com: 27 Feb 2026."""
    words = KINDS.get(run.kind, run.kind)
    if who:
        words = f"{words} by {who}" if run.kind != "reach" else f"{words}, asked for by {who}"
    days = days_words(run, "that day")
    return f"{words}: {days}" if days else words


def ended(run: RunProgress) -> str:
    """How it ended, with its sign: Complete in 40 s; In part, 1 of 3 accounts failed."""
    words = ENDED.get(run.state, run.state)
    if run.state == "running":
        return f"{words}, {run.fraction:.0%}"
    failed = sum(account.state == "failed" for account in run.accounts)
    if failed and len(run.accounts) > 1:
        words = f"{words}, {failed} of {formats.counted(len(run.accounts), 'account')} failed"
    if run.finished_at is not None:
        words = f"{words} in {formats.lasting((run.finished_at - run.started_at).total_seconds())}"
    return f"{words}; {run.slices_incomplete:,} not served whole" if run.slices_incomplete else words


def when(at: dt.datetime, now: dt.datetime) -> str:
    """21 Nov 22:03, in UTC; the year only where it is another."""
    at = at.astimezone(dt.UTC)
    return f"{at.day} {at:%b}{'' if at.year == now.year else f' {at.year}'} {at:%H:%M}"


def units(done: int, total: int) -> str:
    """12 of 29; a dash before anything is planned."""
    return f"{done:,} of {total:,}" if total else formats.MISSING


def counts(run: RunProgress) -> str:
    """3 accounts · 1,204 rows · 31 calls, 80 % left."""
    left = min((one.quota_left for one in run.accounts if one.quota_left is not None), default=None)
    calls = formats.counted(sum(account.api_calls for account in run.accounts), "call")
    accounts, rows = formats.counted(len(run.accounts), "account"), formats.counted(run.rows, "row")
    return " · ".join([accounts, rows, calls if left is None else f"{calls}, {left} % left"])


def slices(run: RunProgress) -> str:
    """12 of 29: what is stored of what was planned, of accounts that ended early too."""
    return units(run.slices_done, run.slices_total)


def run_accounts(run: RunProgress) -> list[dict[str, str]]:
    """One row an account of the run, by the heads of the columns."""
    return [_run_account(account) for account in run.accounts]


def _run_account(account: AccountProgress) -> dict[str, str]:
    return {
        "Account": account.name,
        "State": _STATES.get(account.state, account.state.capitalize()),
        "Slices": units(*account.units),
        "Not served whole": f"{account.slices_incomplete:,}" if account.slices_incomplete else "none",
        "Rows": f"{account.rows:,}",
        "Calls": f"{account.api_calls:,}",
        "Calls left": f"{account.quota_left} %" if account.quota_left is not None else formats.MISSING,
    }


def incomplete_row(each: IncompleteSlice, now: dt.datetime) -> dict[str, Any]:
    """One incomplete slice by the heads of the columns."""
    return {
        "Day": each.date,
        "Account": each.account_name,
        "What": SETS.get(each.breakdown, each.breakdown) if each.breakdown else PLAIN,
        "Not served by Meta": each.missing or "not known",
        "Fetched": formats.ago(each.fetched_at, now),
    }


def compared(found: Reconciliation) -> str:
    """56 days compared: 54 are Meta's to the last digit, 2 differ."""
    words = f"{formats.counted(found.days, 'account day')} compared with Meta's own numbers"
    equal = f"{found.equal_days:,} {'is' if found.equal_days == 1 else 'are'} the same to the last digit"
    said = f"{words}: {equal}, {len(found.apart):,} differ{'s' if len(found.apart) == 1 else ''}."
    unknown = formats.counted(found.unknown_days, "account day")
    return f"{said} {unknown} not compared: Meta did not serve its own number." if found.unknown_days else said


def head(slug: str, currency: str | None) -> str:
    """What stands over a metric's three columns: Spend, EUR."""
    metric = METRICS[slug]
    return f"{metric.label}, {currency}" if metric.format == "money" and currency else metric.label


def apart_rows(days: Sequence[DayApart], currency: str | None) -> dict[tuple[str, str], list[Any]]:
    """The columns of the table by their two heads; numbers as floats for drawing."""
    columns: dict[tuple[str, str], list[Any]] = {
        ("", "Account"): [day.account_name for day in days],
        ("", "Day"): [day.date for day in days],
        ("", "Likely reason"): [REASONS[day.reason] for day in days],
    }
    for slug in SHOWN:
        pairs = [day.numbers[slug] for day in days]
        label = head(slug, currency)
        columns[label, "Difference"] = [_drawn(pair.difference) for pair in pairs]
        columns[label, "Ads"] = [_drawn(pair.ads) for pair in pairs]
        columns[label, "Meta"] = [_drawn(pair.meta) for pair in pairs]
    return columns


def _drawn(number: int | Decimal | None) -> int | float | None:
    return float(number) if isinstance(number, Decimal) else number


def explained(found: Reconciliation) -> list[str]:
    """Each reason that is there, how often, and what it means; the commonest first."""
    days: dict[Reason, list[DayApart]] = {}
    for day in found.no_match:
        days.setdefault(day.reason, []).append(day)
    counts = {reason: len(some) for reason, some in days.items()}
    if Reason.NOT_COMPARED in counts:
        counts[Reason.NOT_COMPARED] = found.unknown_days
    ordered = sorted(days, key=lambda reason: -counts[reason])
    return [f"**{REASONS[reason]}** ({counts[reason]:,}): {_meaning(reason, days[reason])}" for reason in ordered]


def _meaning(reason: Reason, some: Sequence[DayApart]) -> str:
    words = {day.words for day in some}
    if reason is Reason.WITHHELD and len(words) > 1:
        return "Meta did not serve all of these days; what is missing stands above. They are asked again."
    return formats.plain(some[0].words)
