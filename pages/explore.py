"""Explore: any question that people build over the ad-days, as chart, table and files."""

import streamlit as st

from dashboard import address, downloads, filters, frames, gate, lacking, link, reaching, refreshing, saved, states
from dashboard.data import entry
from dashboard.explore import asking, chart, conditions, controls, gallery, nothing, queries, results, trail, values
from dashboard.explore.view import PAGE
from dashboard.selection import select

viewer = gate.current_viewer()

with states.errors():
    view = address.current(PAGE)
    scope = frames.scope(viewer)
    selection = select(view, scope)
    states.stop_without_access(viewer, selection, "Explore")

    numbers = frames.reader(viewer)
    trust = numbers.trust(selection, nothing.breakdown_of(view))
    head = states.title("Explore", selection, trust)
    entry.link(head, view)
    with head.title:
        saved.menu(PAGE, view, selection, viewer)
        link.copy_button()
    filters.controls(view, scope, selection, viewer)
    names = values.names_in(view, scope, numbers)
    conditions.row(view, scope, selection, numbers, names)
    filters.notes(selection)
    lacking.offer(viewer, numbers, selection, trust, nothing.breakdown_of(view))
    refreshing.panel(viewer)
    controls.builder(view)
    nothing.stop_unreported(view)

    is_comparable = selection.is_comparable(trust)
    answer = asking.ask(view, selection, numbers, is_comparable=is_comparable)
    nothing.stop(viewer, selection, trust, answer)
    states.answered_by(head, answer.frame, viewer)
    states.age_banner(answer.frame)
    states.comparison_gap(viewer, selection, trust, is_comparable=is_comparable)
    trail.draw(view, scope, names)
    chart.draw(answer, whole=not trust.missing_days)
    with st.container(key="answer"):
        targets = results.table(answer)
        offered = reaching.offer(viewer, numbers, queries.whole(view, selection), answer.frame)
        rows = None if answer.is_cut else len(answer.data)
        downloads.menu(queries.whole(view, selection), selection, viewer, rows, key="download")
    gallery.draw(viewer, answer, targets, offered)
