"""How far each account's numbers can be relied on, and what is wrong with those that refreshes were refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import formats, refreshing, states
from dashboard.data import words
from dashboard.frames import Reader
from dashboard.selection import Selection
from lib.access.viewer import Viewer
from lib.insights.scope import ClientScope
from lib.insights.trust import Trust
from lib.refresh.failure import Failure, alike

MOST_PX = 420


def table(viewer: Viewer, scope: Sequence[ClientScope], selection: Selection, numbers: Reader, trust: Trust) -> None:
    """One row an account; where nothing of the period is stored, the reason and the way to it.

    Accounts that Meta never described have no currency: they are among the others whatever currency is chosen. What is
    wrong with an account is told whatever its own is.
    """
    st.subheader("Accounts", anchor=False)
    _wrong(viewer, selection, numbers)
    if states.lacks_all(selection, trust):
        states.not_refreshed(viewer, selection)
        return
    clients = {account.account_id: client.name for client in scope for account in client.accounts}
    now = dt.datetime.now(dt.UTC)
    found = numbers.trust_by_account(selection)
    here = {each.account_id for each in found}
    undescribed = [
        words.undescribed(account, selection.since, selection.until)
        for account in selection.chosen
        if account.currency is None and account.account_id not in here
    ]
    rows = [words.account_row(each, clients.get(each.account_id, ""), now) for each in (*found, *undescribed)]
    with st.container(key="data_accounts"):
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            height="content" if len(rows) <= 10 else MOST_PX,
            column_config={"Account": st.column_config.TextColumn(pinned=True, width=180)},
            alt="How complete each account is, and whether it matches Meta",
        )


def _wrong(viewer: Viewer, selection: Selection, numbers: Reader) -> None:
    """What the last refresh met, one box a reason; and the accounts of which nothing is known yet."""
    last = numbers.last_refreshes(selection.chosen_ids)
    refused: list[tuple[str, Failure]] = []
    unknown = []
    for account in selection.chosen:
        one = last.get(account.account_id)
        if one and one.failure:
            refused.append((account.name, one.failure))
        elif account.currency is None:
            unknown.append(account.name)
    with st.container(key="data_wrong"):
        for failure, names in alike(refused):
            refreshing.refused(failure, formats.listed(names))
        if unknown:
            told = words.never_described(may_refresh=refreshing.may_refresh(viewer))
            st.warning(told, title=formats.plain(formats.listed(unknown)), icon=":material/help:")
