"""What an administrator sees of the system: the doctor's checks, its mirror, versions, and what was exported."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import bridge, formats, gate, states
from lib.access.viewer import Viewer
from lib.doctor import Examination, Finding, State, examine
from lib.doctor.versions import versions
from lib.insights.export import LoggedExport, newest_exports
from lib.insights.mirror.status import OFF, MirrorStatus
from lib.settings import get_settings

_FOUND = "system:found"
EXPORTS = 50
WAYS = {"page": "page", "api": "API", "cli": "command line"}
_COMMANDS = re.compile(r"(`[^`]+`)")
GROUPS = {
    State.FAILED: ("Failed", ":red[:material/error:]"),
    State.WARNING: ("To be seen to", ":orange[:material/warning:]"),
    State.OK: ("Well", ":green[:material/check_circle:]"),
    State.SKIPPED: ("Not looked at", ":gray[:material/remove_circle:]"),
}
FOR_OTHERS = (
    "It shows how the system does, not numbers. Ask an administrator of this dashboard where something is wrong."
)
"""What people read whom the page is not for."""


@gate.guarded_fragment()
def checks() -> None:
    """What was found when the page was opened, and the button that looks again."""
    states.only_admins(gate.current_viewer(), FOR_OTHERS)
    with st.container(key="checks_head", horizontal=True, vertical_alignment="center", gap="small"):
        verdict = st.empty()
        again = st.button("Check again", key="check_again", icon=":material/refresh:")
    if again or _FOUND not in st.session_state:
        with st.spinner("Asking the database, Meta and the machine…"):
            st.session_state[_FOUND] = bridge.run(examine(get_settings(), bridge.store))
    found: Examination = st.session_state[_FOUND]
    verdict.markdown(verdict_words(found), width="content")
    st.caption(f"Looked at on {formats.day(found.at.date())} at {found.at:%H:%M:%S} UTC, in {found.seconds:.1f} s")
    for state, (title, icon) in GROUPS.items():
        some = [finding for finding in found.findings if finding.state is state]
        if some:
            st.markdown(f"**{title}**")
            st.markdown("\n".join(f"- {icon} {finding_words(finding)}" for finding in some))


def verdict_words(found: Examination) -> str:
    """All is well; or how much is not."""
    failures, warnings = found.count(State.FAILED), found.count(State.WARNING)
    if not failures and not warnings:
        return ":green[:material/check_circle:] **All is well**"
    words = [f"{failures} failed"] if failures else []
    words += [f"{warnings} to be seen to"] if warnings else []
    return f"{GROUPS[State.FAILED if failures else State.WARNING][1]} **{', '.join(words)}**"


def finding_words(finding: Finding) -> str:
    """**Database** · what was found and what to do; commands in backticks as code."""
    words = "".join(
        part if _COMMANDS.fullmatch(part) else formats.plain(part) for part in _COMMANDS.split(finding.words)
    )
    return f"**{formats.plain(finding.name)}** · {words}"


def mirror() -> None:
    """How this dashboard's mirror stands."""
    st.subheader("Mirror", anchor=False, help="The columnar copy that answers this dashboard's questions")
    kept = bridge.mirror()
    if kept is None:
        st.caption(OFF)
        return
    _two_columns(mirror_rows(kept.status(), dt.datetime.now(dt.UTC)))


def mirror_rows(status: MirrorStatus, now: dt.datetime) -> dict[str, str]:
    """What there is to say of it, by its name."""
    at, took, built = status.caught_up_at, status.catch_up_ms, status.build_seconds
    return {
        "State": "Stands" if status.stands else status.reason,
        "Ad-days": f"{status.rows:,}",
        "File": f"{status.file}, {status.size_bytes / 1024**2:,.1f} MB",
        "Held against PostgreSQL": formats.ago(at, now) if at else formats.MISSING,
        "Last change took": f"{took:,.0f} ms" if took is not None else formats.MISSING,
        "Built in": f"{built:,.1f} s" if built is not None else formats.MISSING,
    }


def exports(viewer: Viewer) -> None:
    """Who took which numbers out, the newest first."""
    st.subheader("Latest exports", anchor=False)
    found = bridge.run(newest_exports(bridge.store(), viewer, EXPORTS))
    if not found:
        st.caption("No file has left yet.")
        return
    with st.container(key="exports"):
        st.dataframe(export_rows(found), hide_index=True)


def export_rows(found: Sequence[LoggedExport]) -> pd.DataFrame:
    """One row an export."""
    return pd.DataFrame(
        {
            "When (UTC)": [each.at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S") for each in found],
            "Who": [each.email for each in found],
            "By": [WAYS.get(each.via, each.via) for each in found],
            "Format": [each.format for each in found],
            "Rows": [each.rows for each in found],
            "Answered by": [each.engine for each in found],
            "Question": [each.question for each in found],
            "SHA-256": [each.sha256 for each in found],
        }
    )


def parts() -> None:
    """The versions of what answers come from."""
    st.subheader("Versions", anchor=False)
    _two_columns(versions())


def _two_columns(rows: dict[str, str]) -> None:
    st.table({formats.plain(name): formats.plain(words) for name, words in rows.items()}, border="horizontal")
