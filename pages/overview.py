"""Overview: how the accounts do in a period, against another one, day by day and campaign by campaign."""

import streamlit as st

from dashboard import (
    address,
    charts,
    downloads,
    filters,
    frames,
    gate,
    kpis,
    lacking,
    overview,
    reaching,
    refreshing,
    states,
    tables,
)
from dashboard.data import entry as data
from dashboard.explore import entry
from dashboard.selection import select

viewer = gate.current_viewer()

with states.errors():
    view = address.current(address.OVERVIEW)
    scope = frames.scope(viewer)
    selection = select(view, scope)
    states.stop_without_access(viewer, selection, "Overview")

    numbers = frames.reader(viewer)
    trust = numbers.trust(selection)
    head = states.title("Overview", selection, trust)
    data.link(head, view)
    filters.bar(view, scope, selection, viewer)
    lacking.offer(viewer, numbers, selection, trust)
    refreshing.panel(viewer)

    asked = overview.asked(view, selection)
    numbers.load_together(asked)
    totals = numbers.load(asked.totals)
    states.stop_without_data(viewer, selection, trust, totals)
    daily = numbers.load(asked.daily)
    earlier = numbers.load(asked.earlier) if asked.earlier else None
    earlier_daily = numbers.load(asked.earlier_daily) if asked.earlier_daily else None
    states.answered_by(head, totals, viewer)
    states.age_banner(totals, daily, earlier, earlier_daily)

    is_comparable = selection.is_comparable(trust)
    states.comparison_gap(viewer, selection, trust, is_comparable=is_comparable)
    kpis.cards(totals, earlier, daily, selection, is_comparable=is_comparable)
    charts.trend(view, selection, numbers, daily, earlier_daily, whole=not trust.missing_days)

    with st.container(key="campaigns_head", horizontal=True, vertical_alignment="center"):
        st.subheader("Campaigns", anchor=False, width="stretch")
        entry.link("Explore by day", view, ("date",))
        entry.link("Explore campaigns", view, ("campaign",))
    tables.toolbar(view)
    campaigns = numbers.load(asked.campaigns)
    tables.campaigns(view, selection, numbers, campaigns, numbers.load(asked.campaign_totals))
    reaching.offer(viewer, numbers, asked.campaigns, campaigns)
    downloads.menu(asked.campaigns, selection, viewer, len(campaigns.data))
