"""Overview: how the accounts do in a period, against another one, day by day and campaign by campaign."""

import streamlit as st

from dashboard import charts, downloads, filters, frames, gate, kpis, refreshing, states, tables
from dashboard.selection import select

viewer = gate.current_viewer()

with states.errors():
    view = filters.from_url()
    scope = frames.scope(viewer)
    selection = select(view, scope)
    states.stop_without_access(viewer, selection)

    numbers = frames.reader(viewer)
    trust = numbers.trust(selection.since, selection.until, selection.account_ids, selection.currency)
    states.title("Overview", selection, trust)
    filters.bar(view, scope, selection, viewer)
    refreshing.panel(viewer)

    totals = numbers.load(selection.query(kpis.CARDS))
    states.stop_without_data(viewer, selection, trust, totals)
    shown = [*kpis.CARDS, view.metric]
    daily = numbers.load(selection.query(shown, ["date"]))
    earlier = numbers.load_compared(selection, kpis.CARDS)
    earlier_daily = numbers.load_compared(selection, [view.metric], ["date"])
    states.age_banner(totals, daily, earlier, earlier_daily)

    is_comparable = numbers.is_comparable(selection, trust)
    states.comparison_gap(viewer, selection, trust, is_comparable=is_comparable)
    kpis.cards(totals, earlier, daily, selection, is_comparable=is_comparable)
    charts.trend(view, selection, daily, earlier_daily, whole=not trust.missing_days)

    st.subheader("Campaigns", anchor=False)
    tables.toolbar(view)
    by_campaign = selection.query(tables.COLUMNS, tables.BY, order=tables.order_of(view), name=view.name)
    campaigns = numbers.load(by_campaign)
    campaign_totals = numbers.load(selection.query(tables.COLUMNS, name=view.name))
    tables.campaigns(view, selection, campaigns, campaign_totals, numbers.statuses(selection.account_ids))
    downloads.csv("Download CSV", by_campaign, selection, viewer, len(campaigns.data))
