"""What people read of refreshes: which days of whom, how far, how long, and how it ended; nothing here draws."""

from __future__ import annotations

import datetime as dt

from dashboard import formats
from dashboard.selection import Selection
from lib.refresh.lacking import default_days
from lib.refresh.plan import COMPLETE_DAYS, span_of
from lib.refresh.progress import AccountProgress, RunProgress

DEFAULT_DAYS = f"the last {COMPLETE_DAYS} days and today"


def help_words(selection: Selection) -> str:
    """Which days and whose, whatever period the page shows."""
    days = default_days([account.today for account in selection.chosen])
    return formats.plain(
        f"Fetch {formats.span(days.since, days.until)} ({DEFAULT_DAYS}, whatever period is chosen) from Meta for"
        f" {formats.listed([account.name for account in selection.chosen])}"
    )


def going_words(report: RunProgress) -> str:
    """Refreshing from Meta: 40 of 87 days, 1,204 rows, about 12 s left."""
    if not report.has_worker:
        return "Waiting for a worker: nobody works on this refresh at the moment, and this page has called for one."
    what = "day" if report.slices_total == report.days_total else "slice"
    words = [
        f"{report.slices_done:,} of {formats.counted(report.slices_total, what)}",
        formats.counted(report.rows, "row"),
    ]
    if report.seconds_left is not None:
        words.append(f"about {formats.lasting(report.seconds_left)} left")
    return f"{'Cancelling' if report.is_cancelled else 'Refreshing from Meta'}: {', '.join(words)}"


def days_words(report: RunProgress, today: str) -> str:
    """1 to 7 Nov 2026: the days that were named, as they are planned; '' for none.

    ``today`` is what the day of the refresh is called, to which days go on whose last was not named.
    """
    if report.until is not None:
        days = span_of(report.until, report.since, report.until)
        return formats.span(report.since or days.since, report.until)
    return f"{formats.day(report.since)} to {today}" if report.since else ""


def asked_words(report: RunProgress) -> str:
    """Which days of whom: the last 28 days and today of Acme EU; reach of 1 to 7 Nov 2026 of Acme EU and Acme US."""
    days = days_words(report, "today") or DEFAULT_DAYS
    whose = formats.listed([account.name for account in report.accounts])
    return f"{'reach of ' if report.kind == 'reach' else ''}{days} of {whose}"


def account_words(account: AccountProgress) -> str:
    """Acme EU: 12 of 29 days, 80 % of Meta's calls left; what an account has to say for itself."""
    name = formats.plain(account.name)
    if account.state != "running":
        words = {"waiting": "waiting for its turn", "complete": "done"}
        return f"{name}: {words.get(account.state, account.state)}"
    done, total = account.units
    what = "slice" if account.slices_total > account.days_total else "day"
    said = [f"{done} of {formats.counted(total, what)}" if total else "starting", *_limits(account)]
    return f"{name}: {', '.join(said)}"


def _limits(account: AccountProgress) -> list[str]:
    """How long Meta keeps the account out, else what is left of its calls."""
    wait = account.wait_s(dt.datetime.now(dt.UTC))
    if wait:
        return [f"waits {formats.lasting(wait)} for Meta's limit"]
    return [] if account.quota_left is None else [f"{account.quota_left} % of Meta's calls left"]


def stored_words(report: RunProgress) -> str:
    """1,204 rows stored in 40 s, 3 slices not served whole."""
    words = f"{formats.counted(report.rows, 'row')} stored"
    if report.finished_at is not None:
        words += f" in {formats.lasting((report.finished_at - report.started_at).total_seconds())}"
    if report.slices_incomplete:
        words += f", {formats.counted(report.slices_incomplete, 'slice')} not served whole"
    return words


def ended_words(report: RunProgress) -> str:
    """How it ended, for which days of whom, and what became of the numbers."""
    stored, asked = stored_words(report), asked_words(report)
    if report.state == "complete":
        return f"Refreshed: {stored}, for {asked}."
    if report.state == "partial":
        return f"Refreshed in part: {stored}, of {asked}; the rest is as it was."
    if report.state == "cancelled":
        return f"The refresh of {asked} was cancelled: {stored}; the rest is as it was."
    return f"The refresh of {asked} failed; the numbers are as they were before."
