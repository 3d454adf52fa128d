"""What a page shows around and instead of numbers: how far they can be trusted, why there are none, what failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import streamlit as st

from dashboard import filters, formats, refreshing
from dashboard.frames import Frame
from dashboard.selection import Selection
from lib.access.viewer import Viewer
from lib.errors import AppError
from lib.insights.metrics import Metric
from lib.insights.trust import Gap, Trust
from lib.refresh.plan import HISTORY_MONTHS, earliest

_STYLE = Path(__file__).with_name("style.css")


def text_colour() -> str:
    """The theme's text colour, for what is drawn without CSS."""
    return str(st.get_option(f"theme.{'dark' if st.context.theme.type == 'dark' else 'light'}.textColor"))


def style() -> None:
    """The house's few rules of CSS."""
    st.html(_STYLE)


@contextmanager
def errors() -> Iterator[None]:
    """Draw an AppError as what happened and what to do, in place of the rest of the page."""
    try:
        yield
    except AppError as error:
        st.error(formats.plain(str(error)), icon=":material/error:", title="These numbers could not be loaded")
        st.button("Try again", key="try_again", icon=":material/refresh:")
        st.stop()


def stop_without_access(viewer: Viewer, selection: Selection) -> None:
    """Stop where there is nothing that this person may see."""
    if selection.is_hidden:
        _empty(
            ":material/lock:",
            "You cannot see what this address asks for",
            "The client or account does not exist, or it is not open to you. Ask an administrator of this dashboard.",
        )
        st.button("Show what I can see", key="clear_hidden", on_click=filters.clear)
        st.stop()
    if not viewer.client_ids:
        _empty(
            ":material/lock:",
            "No client is open to you yet",
            f"Ask an administrator of this dashboard to open one for {viewer.email}.",
        )
        st.stop()


def stop_without_data(viewer: Viewer, selection: Selection, trust: Trust, totals: Frame) -> None:
    """Stop where none of the period has been fetched yet, and offer to fetch it."""
    if not totals.is_empty or trust.missing_days < selection.days * max(1, len(selection.accounts)):
        return
    first = earliest(selection.today)
    if selection.until < first:
        words = f"Meta serves the last {HISTORY_MONTHS} months, from {formats.day(first)} on. Choose other days."
        _empty(":material/block:", "Meta does not report these days", words)
        st.stop()
    span = formats.span(selection.since, selection.until)
    able = refreshing.may_refresh(viewer)
    _empty(
        ":material/cloud_download:",
        "Not refreshed yet",
        f"The days from {span} have not been fetched from Meta for these accounts. "
        + ("Fetch them now, or choose other days." if able else "Ask a manager to refresh them, or choose other days."),
    )
    if able:
        refreshing.period_button(viewer, selection, (selection.since, selection.until))
    st.stop()


def comparison_gap(viewer: Viewer, selection: Selection, trust: Trust, *, is_comparable: bool) -> None:
    """Say that changes are not shown, and why; offer to fetch the comparison period."""
    if is_comparable or selection.compared is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="comparison_gap"):
        st.caption("No changes are shown: not every day of both periods is complete.", width="content")
        is_earlier_lacking = trust.complete_until == selection.until
        if is_earlier_lacking and refreshing.may_refresh(viewer):
            refreshing.period_button(viewer, selection, selection.compared)


def no_match(view_name: str) -> None:
    """No campaign fits the filters; offer to clear them."""
    words = f"No campaign with “{view_name}” in its name was delivered" if view_name else "No campaign was delivered"
    _empty(":material/filter_alt_off:", "No match", f"{words} in this period for the accounts chosen.")
    st.button("Clear filters", key="clear_no_match", on_click=filters.clear)


def not_reported(metric: Metric, rule: str) -> None:
    """Meta does not report this metric in this way; say which rule."""
    words = rule[0].upper() + rule[1:]
    _empty(":material/block:", f"{metric.label} cannot be shown by day", f"{words}. Choose another metric.")


def _empty(icon: str, title: str, words: str) -> None:
    with st.container(border=True, horizontal_alignment="center", key="empty"):
        st.markdown(f"{icon} **{formats.plain(title)}**", text_alignment="center")
        st.caption(formats.plain(words), text_alignment="center")


def age_banner(*answers: Frame | None) -> None:
    """Say how old the numbers are where an earlier answer stands in for one that failed."""
    stale = [answer for answer in answers if answer is not None and answer.error is not None]
    if not stale:
        return
    oldest = min(answer.loaded_at for answer in stale)
    st.warning(
        f"These numbers are from {formats.ago(oldest, dt.datetime.now(dt.UTC))}: {formats.plain(str(stale[0].error))}",
        icon=":material/history:",
    )


def title(words: str, selection: Selection, trust: Trust) -> None:
    """The page's title and the line that says how far its numbers can be trusted."""
    with st.container(key="title", horizontal=True, vertical_alignment="center", gap="small"):
        st.title(words, anchor=False, width="content")
        if selection.has_sample:
            about = "Made-up accounts to try things out; none of this is real"
            st.badge("Sample data", icon=":material/science:", color="orange", help=about)
    with st.container(key="trust", horizontal=True, vertical_alignment="center", gap="small"):
        for line in trust_words(trust, dt.datetime.now(dt.UTC)):
            st.caption(line, width="content")
        _gaps(trust)
        _never_described(selection)


def _never_described(selection: Selection) -> None:
    """Accounts that Meta has never described have no currency, so no number here is theirs: name them."""
    names = [formats.plain(account.name) for account in selection.chosen if account.currency is None]
    if names:
        about = "Meta has not answered for these accounts yet; a refresh tells why."
        st.badge(f"Without {formats.listed(names)}", icon=":material/error:", color="orange", help=about)


def trust_words(trust: Trust, now: dt.datetime) -> list[str]:
    """Complete until when, refreshed when, how many days are missing."""
    words = [
        f":material/event_available: Complete until {formats.day(trust.complete_until)}"
        if trust.complete_until
        else ":material/event_busy: No complete day in this period yet"
    ]
    if trust.refreshed_at:
        words.append(f":material/schedule: Refreshed {formats.ago(trust.refreshed_at, now)}")
    if trust.missing_days:
        words.append(f":material/warning: {formats.counted(trust.missing_days, 'account day')} missing in this period")
    return words


def _gaps(trust: Trust) -> None:
    if not trust.gaps:
        return
    if trust.matches:
        st.badge("Matches Meta", icon=":material/verified:", color="green", help="Sums equal Meta's own totals")
        return
    lines = [gap_words(gap) for gap in trust.gaps if not gap.is_zero]
    with st.popover("Differs from Meta", icon=":material/difference:", key="gaps"):
        st.markdown("What is stored here, less what Meta reports for the same days:")
        st.markdown("\n".join(f"- {formats.plain(line)}" for line in lines))
        st.caption("A refresh of this period usually closes the gap.")


def gap_words(gap: Gap) -> str:
    """Acme EU: €12.30 less spend, 3 more purchases."""
    parts = [_less(gap.spend, formats.exact(abs(gap.spend), "money", gap.currency), "spend")]
    for slug in ("impressions", "clicks", "link_clicks", "purchases"):
        number = getattr(gap, slug)
        parts.append(_less(number, f"{abs(number):,}", slug.replace("_", " ")))
    parts.append(_less(gap.revenue, formats.exact(abs(gap.revenue), "money", gap.currency), "purchase value"))
    parts.append(_less(gap.leads, f"{abs(gap.leads):,}", "leads"))
    days = formats.counted(gap.days_apart, "day")
    return f"{gap.account_name}: {', '.join(part for part in parts if part) or 'differences that cancel out'} on {days}"


def _less(number: int | Decimal, digits: str, words: str) -> str:
    return f"{digits} {'less' if number < 0 else 'more'} {words}" if number else ""
