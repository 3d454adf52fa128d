"""Data: how the stored numbers came here, how far they can be relied on, and where they differ from Meta's own."""

from dashboard import address, filters, frames, gate, lacking, refreshing, states
from dashboard.data import accounts, apart, runs
from dashboard.data.view import PAGE
from dashboard.selection import select

viewer = gate.current_viewer()

with states.errors("The state of the data could not be read"):
    view = address.current(PAGE)
    scope = frames.scope(viewer)
    selection = select(view, scope)
    states.stop_without_access(viewer, selection, "Data")

    numbers = frames.reader(viewer)
    trust = numbers.trust(selection)
    states.title("Data", selection, trust)
    filters.bar(view, scope, selection, viewer, compares=False)
    lacking.offer(viewer, numbers, selection, trust)
    refreshing.panel(viewer)

    accounts.table(viewer, scope, selection, numbers, trust)
    apart.reconciled(viewer, selection, numbers)
    apart.incomplete(viewer, selection)
    runs.listing(view, viewer)
