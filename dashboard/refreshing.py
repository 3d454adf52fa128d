"""The Refresh button and what people see of a run while it goes on, how it ended, and why an account failed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import streamlit as st

from dashboard import bridge, formats, gate
from dashboard.refreshing_words import account_words, asked_words, ended_words, going_words, help_words
from dashboard.selection import Selection
from lib.access.audit import actor_of
from lib.access.viewer import Role, Viewer
from lib.errors import AppError
from lib.refresh.cancelling import cancel_run
from lib.refresh.failure import Failure
from lib.refresh.progress import RunProgress, progress, running
from lib.refresh.queue.attending import attendance
from lib.refresh.run import start_run

_SHOWN = "refresh:run"
_PROBLEM = "refresh:problem"
_TAKEN_IN = "refresh:taken_in"


def may_refresh(viewer: Viewer) -> bool:
    """Whether this person may ask Meta for new numbers."""
    return viewer.may(Role.MANAGER)


def button(viewer: Viewer, selection: Selection) -> None:
    """The Refresh button of the bar, for managers and admins; off while a run is going."""
    if not may_refresh(viewer) or not selection.chosen:
        return
    busy = current_run(viewer) is not None
    st.button(
        "Refreshing…" if busy else "Refresh",
        key="refresh",
        icon=":material/sync:",
        disabled=busy,
        help=help_words(selection),
        on_click=start,
        kwargs={"accounts": selection.chosen_ids},
    )


def period_button(
    viewer: Viewer,
    selection: Selection,
    span: tuple[dt.date, dt.date],
    *,
    accounts: frozenset[int] = frozenset(),
) -> None:
    """Offers to fetch the days of ``span``, for a page that lacks them: of ``accounts``, else of all chosen."""
    asked = accounts or selection.chosen_ids
    names = [account.name for account in selection.chosen if account.account_id in asked]
    st.button(
        f"Fetch {formats.span(*span)} from Meta",
        key=f"refresh_{span[0]}_{span[1]}",
        type="primary",
        help=formats.plain(f"Every one of these days is fetched anew for {formats.listed(names)}"),
        disabled=current_run(viewer) is not None,
        on_click=start,
        kwargs={"accounts": asked, "span": span},
    )


def reach_button(
    viewer: Viewer, accounts: frozenset[int], spans: Sequence[tuple[dt.date, dt.date]], what: str = "reach"
) -> None:
    """Offers to ask Meta for what holds for exactly these periods, and is never added up."""
    named = formats.span(*spans[0]) if len(spans) == 1 else formats.counted(len(spans), "period")
    st.button(
        f"Fetch {what} of {named} from Meta",
        key=f"fetch_{what}",
        icon=":material/groups:",
        help="Reach holds for one object and one period. Meta is asked for exactly these; it takes a few calls.",
        disabled=current_run(viewer) is not None,
        on_click=start_reach,
        kwargs={"accounts": accounts, "spans": tuple(spans)},
    )


@gate.guarded_callback
def start_reach(accounts: frozenset[int], spans: Sequence[tuple[dt.date, dt.date]]) -> None:
    """Start a run for each of these periods."""
    for span in spans:
        _start(accounts, span, "reach")


@gate.guarded_callback
def start(accounts: frozenset[int], span: tuple[dt.date, dt.date] | None = None) -> None:
    """Start a run for these of the viewer's accounts, on the server's loop; days None are the run's own default."""
    if current_run(gate.current_viewer()) is None:
        _start(accounts, span, "asked")


def _start(accounts: frozenset[int], span: tuple[dt.date, dt.date] | None, kind: str) -> None:
    viewer = gate.current_viewer()
    if not may_refresh(viewer):
        return
    since, until = span or (None, None)
    store = bridge.store()
    try:
        run_id = bridge.run(
            start_run(
                store,
                actor=actor_of(viewer),
                via="page",
                account_ids=accounts & viewer.account_ids,
                since=since,
                until=until,
                kind=kind,
            )
        )
    except AppError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    bridge.spawn(attendance.attend(store, run_id))
    st.session_state[_SHOWN] = run_id


def current_run(viewer: Viewer) -> uuid.UUID | None:
    """The run that is going on among the viewer's accounts."""
    start = gate.start_of(viewer)
    return start.glance.run_id if start else bridge.run(running(bridge.store(), viewer))


def panel(viewer: Viewer) -> None:
    """The run that is going on, or how the one that this person watched ended."""
    _say_problem()
    run_id = current_run(viewer)
    if run_id is not None:
        st.session_state[_SHOWN] = run_id
        _going()
    elif st.session_state.get(_SHOWN) is not None:
        _take_in(st.session_state[_SHOWN])
        report = bridge.run(progress(bridge.store(), viewer, st.session_state[_SHOWN]))
        if report is not None:
            _ended(report)


def _say_problem() -> None:
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(problem, icon=":material/sync_problem:")


def _take_in(run_id: uuid.UUID) -> None:
    """A page that says “Refreshed” shows all that the run stored, from the mirror too."""
    if st.session_state.get(_TAKEN_IN) != run_id:
        bridge.take_in()
        st.session_state[_TAKEN_IN] = run_id
        st.rerun()


@gate.guarded_fragment(run_every=1.0)
def _going() -> None:
    viewer = gate.current_viewer()
    report = bridge.run(progress(bridge.store(), viewer, st.session_state[_SHOWN]))
    if report is None or report.state != "running" or current_run(viewer) is None:
        st.rerun(scope="app")
    if not report.has_worker:
        bridge.spawn(attendance.attend(bridge.store(), report.run_id))
    _say_problem()
    with st.container(border=True, key="refresh_progress"):
        st.progress(report.fraction, text=going_words(report))
        st.caption(f"Asked for: {formats.plain(asked_words(report))}")
        st.caption(" · ".join(account_words(account) for account in report.accounts))
        _failures(report)
        if may_refresh(viewer):
            _cancel_button(report)


def _cancel_button(report: RunProgress) -> None:
    st.button(
        "Cancelling…" if report.is_cancelled else "Cancel",
        key="refresh_cancel",
        type="tertiary",
        disabled=report.is_cancelled,
        help="Stop fetching; the days that were stored until now stay",
        on_click=cancel,
        kwargs={"run_id": report.run_id},
    )


@gate.guarded_callback
def cancel(run_id: uuid.UUID) -> None:
    """Cancel a run; what keeps this person from it is shown in its place."""
    try:
        bridge.run(cancel_run(bridge.store(), gate.current_viewer(), run_id, via="page"))
    except AppError as error:
        st.session_state[_PROBLEM] = str(error)


_ENDED = {"complete": st.success, "partial": st.warning, "cancelled": st.info}
_ICONS = {"complete": ":material/check_circle:", "cancelled": ":material/sync_disabled:"}


def _ended(report: RunProgress) -> None:
    with st.container(key="refresh_result", horizontal=True, vertical_alignment="center"):
        words, draw = ended_words(report), _ENDED.get(report.state, st.error)
        draw(formats.plain(words), icon=_ICONS.get(report.state, ":material/sync_problem:"))
        st.button("Dismiss", key="refresh_dismiss", type="tertiary", on_click=_dismiss)
    _failures(report)


def _failures(report: RunProgress) -> None:
    for account in report.accounts:
        if account.failure:
            refused(account.failure, account.name)


def refused(failure: Failure, title: str) -> None:
    """Why a refresh of what ``title`` names failed, and what to do: the same words wherever it is told."""
    st.error(formats.plain(failure.words), title=formats.plain(title), icon=":material/sync_problem:")


@gate.guarded_callback
def _dismiss() -> None:
    st.session_state.pop(_SHOWN, None)
