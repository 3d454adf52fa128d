"""The Refresh button and what people see of a run: days, rows, accounts, time left, and why an account failed."""

from __future__ import annotations

import datetime as dt
import uuid

import streamlit as st

from dashboard import bridge, formats, gate
from dashboard.selection import Selection
from lib.access.viewer import Role, Viewer
from lib.errors import AppError
from lib.refresh.progress import AccountProgress, RunProgress, progress, running
from lib.refresh.run import execute_run, start_run

_SHOWN = "refresh:run"
_FAILED_TO_START = "refresh:problem"


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
        help="Fetch the last 28 days and today from Meta for the accounts chosen here",
        on_click=start,
        kwargs={"accounts": selection.chosen_ids},
    )


def period_button(viewer: Viewer, selection: Selection, span: tuple[dt.date, dt.date]) -> None:
    """Offers to fetch the days of ``span``, for a page that lacks them."""
    st.button(
        f"Fetch {formats.span(*span)} from Meta",
        key=f"refresh_{span[0]}_{span[1]}",
        type="primary",
        disabled=current_run(viewer) is not None,
        on_click=start,
        kwargs={"accounts": selection.chosen_ids, "span": span},
    )


@gate.guarded_callback
def start(accounts: frozenset[int], span: tuple[dt.date, dt.date] | None = None) -> None:
    """Start a run for these of the viewer's accounts, on the server's loop; days None are the run's own default."""
    viewer = gate.current_viewer()
    if not may_refresh(viewer) or current_run(viewer) is not None:
        return
    since, until = span or (None, None)
    store = bridge.store()
    try:
        run_id = bridge.run(
            start_run(
                store,
                requested_by=viewer.user_id,
                account_ids=accounts & viewer.account_ids,
                since=since,
                until=until,
            )
        )
    except AppError as error:
        st.session_state[_FAILED_TO_START] = str(error)
        return
    bridge.spawn(execute_run(store, run_id))
    st.session_state[_SHOWN] = run_id


def current_run(viewer: Viewer) -> uuid.UUID | None:
    """The run that is going on among the viewer's accounts."""
    return bridge.run(running(bridge.store(), viewer))


def panel(viewer: Viewer) -> None:
    """The run that is going on, or how the one that this person watched ended."""
    problem = st.session_state.pop(_FAILED_TO_START, None)
    if problem:
        st.error(problem, icon=":material/sync_problem:")
    run_id = current_run(viewer)
    if run_id is not None:
        st.session_state[_SHOWN] = run_id
        _going()
    elif st.session_state.get(_SHOWN) is not None:
        report = bridge.run(progress(bridge.store(), viewer, st.session_state[_SHOWN]))
        if report is not None:
            _ended(report)


@gate.guarded_fragment(run_every=1.0)
def _going() -> None:
    viewer = gate.current_viewer()
    report = bridge.run(progress(bridge.store(), viewer, st.session_state[_SHOWN]))
    if report is None or report.state != "running" or current_run(viewer) is None:
        st.rerun(scope="app")
    with st.container(border=True, key="refresh_progress"):
        st.progress(report.fraction, text=going_words(report))
        st.caption(" · ".join(account_words(account) for account in report.accounts))
        _failures(report)


def going_words(report: RunProgress) -> str:
    """Refreshing from Meta: 40 of 87 days, 1,204 rows, about 12 s left."""
    words = [
        f"{report.days_done:,} of {formats.counted(report.days_total, 'day')}",
        formats.counted(report.rows, "row"),
    ]
    if report.seconds_left is not None:
        words.append(f"about {formats.lasting(report.seconds_left)} left")
    return f"Refreshing from Meta: {', '.join(words)}"


def account_words(account: AccountProgress) -> str:
    """Acme EU: 12 of 29 days; what an account has to say for itself."""
    name = formats.plain(account.name)
    if account.state == "running" and account.days_total:
        return f"{name}: {account.days_done} of {formats.counted(account.days_total, 'day')}"
    words = {"waiting": "waiting", "running": "starting", "complete": "done", "failed": "failed"}
    return f"{name}: {words.get(account.state, account.state)}"


def _ended(report: RunProgress) -> None:
    with st.container(key="refresh_result", horizontal=True, vertical_alignment="center"):
        took = formats.lasting(((report.finished_at or report.started_at) - report.started_at).total_seconds())
        stored = f"{formats.counted(report.rows, 'row')} stored in {took}"
        if report.state == "complete":
            st.success(f"Refreshed: {stored}.", icon=":material/check_circle:")
        elif report.state == "partial":
            st.warning(f"Refreshed in part: {stored}; the rest is as it was.", icon=":material/sync_problem:")
        else:
            st.error("The refresh failed; the numbers are as they were before.", icon=":material/sync_problem:")
        st.button("Dismiss", key="refresh_dismiss", type="tertiary", on_click=_dismiss)
    _failures(report)


def _failures(report: RunProgress) -> None:
    for account in report.accounts:
        if account.state == "failed":
            words = f"{account.error_message or 'It stopped.'} {account.error_remedy or ''}".strip()
            st.error(formats.plain(words), title=formats.plain(account.name), icon=":material/sync_problem:")


@gate.guarded_callback
def _dismiss() -> None:
    st.session_state.pop(_SHOWN, None)
