"""Days of the chosen period that are missing or incomplete and older than what Refresh fetches: the way to them."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, frames, refreshing, states
from dashboard.selection import Selection
from lib.access.viewer import Viewer
from lib.insights.trust import Trust
from lib.refresh.lacking import Lacking, beyond_default


def offer(viewer: Viewer, numbers: frames.Reader, selection: Selection, trust: Trust, breakdown: str = "") -> None:
    """Name them and offer to fetch them, to whoever may refresh; nothing where none is lacking.

    Where nothing of the period is there at all, the page itself offers all of it.
    """
    if not (refreshing.may_refresh(viewer) and selection.accounts) or states.lacks_all(selection, trust):
        return
    older = beyond_default(selection.since, selection.until, [account.today for account in selection.accounts])
    if older is None or (trust.complete_until is not None and trust.complete_until >= older.until):
        return
    found = numbers.lacking(selection, older, breakdown)
    if found is None:
        return
    span = (found.span.since, found.span.until)
    with st.container(key="lacking", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/cloud_off: {found_words(found)}", width="content")
        refreshing.period_button(viewer, selection, span, accounts=found.account_ids)


def found_words(found: Lacking) -> str:
    """How many days lack; and how many are fetched, where that is more."""
    days, fetched = (formats.counted(number, "account day") for number in (found.account_days, found.fetched_days))
    words = (
        f"{days} of this period {'is' if found.account_days == 1 else 'are'} missing or incomplete and older than what"
        " Refresh fetches"
    )
    if found.fetched_days > found.account_days:
        words += f"; with every day between, the button fetches {fetched}"
    return f"{words}."
