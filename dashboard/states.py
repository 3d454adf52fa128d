"""What a page shows around and instead of numbers: how far they can be trusted, why there are none, what failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import address, bridge, formats, refreshing
from dashboard.frame import Frame
from dashboard.selection import Selection
from lib.access.viewer import Role, Viewer
from lib.errors import AppError
from lib.history import HISTORY_MONTHS, earliest
from lib.insights.breakdowns import NOT_CHOSEN, NOT_YET
from lib.insights.metrics import METRICS, Metric
from lib.insights.mirror.status import OFF
from lib.insights.trust import Gap, Trust

_STYLE = Path(__file__).with_name("style.css")
_ENGINES = {"mirror": "the mirror", "postgres": "PostgreSQL"}


@dataclass(frozen=True)
class Head:
    """The boxes above a page's numbers: beside its title, and at the end of the line on how far to trust them."""

    title: DeltaGenerator
    trust: DeltaGenerator


def text_colour() -> str:
    """The theme's text colour, for what is drawn without CSS."""
    return str(st.get_option(f"theme.{'dark' if st.context.theme.type == 'dark' else 'light'}.textColor"))


def style() -> None:
    """The house's few rules of CSS."""
    st.html(_STYLE)


@contextmanager
def errors(title: str = "These numbers could not be loaded") -> Iterator[None]:
    """Draw an AppError as what happened and what to do, in place of the rest of the page, under ``title``."""
    try:
        yield
    except AppError as error:
        st.error(formats.plain(str(error)), icon=":material/error:", title=title)
        st.button("Try again", key="try_again", icon=":material/refresh:")
        st.stop()


def only_managers(viewer: Viewer, about: str) -> None:
    """Stop for everyone else, and say what the page is ``about`` and whom to ask."""
    _stop_below(Role.MANAGER, viewer, "This page is for managers and administrators", about)


def only_admins(viewer: Viewer, about: str) -> None:
    """The same for administrators."""
    _stop_below(Role.ADMIN, viewer, "This page is for administrators", about)


def _stop_below(least: Role, viewer: Viewer, title: str, words: str) -> None:
    """Whoever looks through another's eyes has only to stop that."""
    if viewer.may(least):
        return
    if viewer.seen_by:
        title, words = "Not shown while you look through another's eyes", "Stop first: the button is above."
    empty(":material/lock:", title, words)
    st.stop()


def stop_without_access(viewer: Viewer, selection: Selection, page: str) -> None:
    """Stop under the page's title where there is nothing that this person may see."""
    if selection.is_hidden or not viewer.client_ids:
        st.title(page, anchor=False)
    if selection.is_hidden:
        empty(
            ":material/lock:",
            "You cannot see what this address asks for",
            "The client or account does not exist, or it is not open to you. Ask an administrator of this dashboard.",
        )
        st.button("Show what I can see", key="clear_hidden", on_click=address.clear)
        st.stop()
    if not viewer.client_ids and viewer.may(Role.ADMIN):
        empty(":material/storefront:", "There is no client yet", "Add one under Clients.")
        st.stop()
    if not viewer.client_ids:
        empty(
            ":material/lock:",
            "No client is open to you yet",
            f"Ask your administrator to open a client to {viewer.email} under People.",
        )
        st.stop()


def stop_without_data(viewer: Viewer, selection: Selection, trust: Trust, totals: Frame) -> None:
    """Stop where none of the period has been fetched yet, and offer to fetch it."""
    if totals.is_empty and lacks_all(selection, trust):
        not_refreshed(viewer, selection)
        st.stop()


def lacks_all(selection: Selection, trust: Trust) -> bool:
    """Whether no day of the period is complete for any account."""
    return trust.missing_days >= selection.days * max(1, len(selection.accounts))


def not_refreshed(viewer: Viewer, selection: Selection) -> None:
    """Say that the period has not been fetched yet and offer to fetch it, or that Meta does not serve it."""
    first = earliest(selection.today)
    if selection.until < first:
        words = f"Meta serves the last {HISTORY_MONTHS} months, from {formats.day(first)} on. Choose other days."
        empty(":material/block:", "Meta does not report these days", words)
        return
    span = formats.span(selection.since, selection.until)
    able = refreshing.may_refresh(viewer)
    empty(
        ":material/cloud_download:",
        "Not refreshed yet",
        f"The days from {span} have not been fetched from Meta for these accounts. "
        + ("Fetch them now, or choose other days." if able else "Ask a manager to refresh them, or choose other days."),
    )
    if able:
        refreshing.period_button(viewer, selection, (selection.since, selection.until))


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
    empty(":material/filter_alt_off:", "No match", f"{words} in this period for the accounts chosen.")
    st.button("Clear filters", key="clear_no_match", on_click=address.clear)


def not_reported(metric: Metric, rule: str, how: str = "by day") -> None:
    """Meta does not report this metric in this way (``by day``); say which rule."""
    words = rule[0].upper() + rule[1:]
    empty(":material/block:", f"{metric.label} cannot be shown {how}", f"{words}. Choose another metric.")


def empty(icon: str, title: str, words: str, *, of: str = "") -> None:
    """A box in the place of numbers: what is the matter, and what to do. On a page with several, ``of`` names each."""
    with st.container(border=True, horizontal_alignment="center", key=f"empty_{of}" if of else "empty"):
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


def title(words: str, selection: Selection, trust: Trust) -> Head:
    """The page's title and the line that says how far its numbers can be trusted; both take more."""
    head = st.container(key="title", horizontal=True, vertical_alignment="center", gap="small")
    with head:
        st.title(words, anchor=False, width="content")
        if selection.has_sample:
            about = "Made-up accounts to try things out; none of this is real"
            st.badge("Sample data", icon=":material/science:", color="orange", help=about)
    with st.container(key="trust", horizontal=True, vertical_alignment="center", gap="small"):
        for line in trust_words(trust, dt.datetime.now(dt.UTC)):
            st.caption(line, width="content")
        _gaps(trust)
        _never_described(selection)
        rest = st.container(key="trust_rest", horizontal=True, vertical_alignment="center", width="content")
    return Head(head, rest)


def answered_by(head: Head, answer: Frame, viewer: Viewer) -> None:
    """Name the engine that answered; administrators also read why it was not the mirror."""
    reason = "" if answer.engine == "mirror" or not viewer.may(Role.ADMIN) else _why_no_mirror()
    head.trust.caption(engine_words(answer.engine, reason), width="content")


def engine_words(engine: str, reason: str = "") -> str:
    """Answered by PostgreSQL. The mirror is being built; …"""
    said = f":material/database: Answered by {_ENGINES.get(engine, engine)}"
    return f"{said}. {formats.plain(reason)}" if reason else said


def _why_no_mirror() -> str:
    mirror = bridge.mirror()
    return mirror.status().reason if mirror else OFF


def _never_described(selection: Selection) -> None:
    """Accounts that Meta has never described have no currency, so no number here is theirs: name them."""
    names = [formats.plain(account.name) for account in selection.chosen if account.currency is None]
    if names:
        about = "Meta has not described these accounts yet, so no number here is theirs; Data says why and what to do."
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
    if trust.lacking not in ("", NOT_CHOSEN, NOT_YET):  # of those the page says more
        st.badge("Not fetched for all accounts", icon=":material/cloud_off:", color="orange", help=f"{trust.lacking}.")
    if not trust.gaps:
        return
    if trust.matches:
        st.badge("Matches Meta", icon=":material/verified:", color="green", help=matching_words(trust))
        return
    lines = [gap_words(gap) for gap in trust.gaps if not gap.is_zero]
    differs = any(gap.days_apart for gap in trust.gaps)
    name = "Differs from Meta" if differs else "Not compared with Meta"
    with st.popover(name, icon=":material/difference:", key="gaps"):
        st.markdown("What is stored here, less what Meta reports for the same days:")
        st.markdown("\n".join(f"- {formats.plain(line)}" for line in lines))
        st.caption("A refresh of this period usually closes the gap.")


def matching_words(trust: Trust) -> str:
    """Sums equal Meta's own totals; and what was left out of the comparison."""
    slugs = [{"revenue_micros": "revenue"}.get(name, name) for name in trust.unreported]
    named = formats.listed([METRICS[slug].label.lower() for slug in slugs])
    rest = f"; not compared, since Meta does not report it by this breakdown: {named}" if named else ""
    return f"Sums equal Meta's own totals{rest}"


def gap_words(gap: Gap) -> str:
    """Acme EU: €12.30 less spend, 3 more purchases."""
    parts = [_less(gap.spend, formats.exact(abs(gap.spend), "money", gap.currency), "spend")]
    for slug in ("impressions", "clicks", "link_clicks", "purchases"):
        number = getattr(gap, slug)
        parts.append(_less(number, f"{abs(number):,}", slug.replace("_", " ")))
    parts.append(_less(gap.revenue, formats.exact(abs(gap.revenue), "money", gap.currency), "purchase value"))
    parts.append(_less(gap.leads, f"{abs(gap.leads):,}", "leads"))
    said = []
    if gap.days_apart:
        what = ", ".join(part for part in parts if part) or "differences that cancel out"
        said.append(f"{what} on {formats.counted(gap.days_apart, 'day')}")
    if gap.days_unknown:
        said.append(f"{formats.counted(gap.days_unknown, 'day')} not compared, as Meta's own number is not known")
    return f"{gap.account_name}: {'; '.join(said)}"


def _less(number: int | Decimal, digits: str, words: str) -> str:
    return f"{digits} {'less' if number < 0 else 'more'} {words}" if number else ""
