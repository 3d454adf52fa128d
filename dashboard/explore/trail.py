"""The trail of what was opened, from all down to an ad: a click on a step goes back to it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import address, formats
from dashboard.explore import opening
from dashboard.explore.opening import Step
from dashboard.explore.values import Names
from dashboard.explore.view import ExploreView
from lib.insights.scope import ClientScope


def draw(view: ExploreView, scope: Sequence[ClientScope], names: Names) -> None:
    """All, then a step for each thing that was opened; nothing where none was."""
    steps = opening.trail(view)
    if not steps:
        return
    with st.container(key="trail", horizontal=True, gap="xxsmall", vertical_alignment="center"):
        _step("All", None, 0)
        for number, step in enumerate(steps, start=1):
            st.caption(":material/chevron_right:", width="content")
            said = formats.plain(formats.short(name_of(step, scope, names), 40))
            if number < len(steps):
                _step(said, step, number)
            else:
                st.markdown(f"**{said}**", width="content")


def name_of(step: Step, scope: Sequence[ClientScope], names: Names) -> str:
    """What was opened, by name; by its id where this person cannot see it."""
    if step.level == "client":
        return {client.slug: client.name for client in scope}.get(step.value, step.value)
    if step.level == "account":
        accounts = {str(account.account_id): account.name for client in scope for account in client.accounts}
        return accounts.get(step.value, step.value)
    return names.by_field.get(f"{step.level}_id", {}).get(step.value, step.value)


def _step(said: str, step: Step | None, number: int) -> None:
    st.button(said, key=f"trail_{number}", type="tertiary", on_click=_go, args=(step,))


def _go(step: Step | None) -> None:
    address.apply(lambda view: opening.back_to(view, step))
