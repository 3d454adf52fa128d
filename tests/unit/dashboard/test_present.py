"""Who is told of the visitor that was looked up for a rerun: whoever asks within it, for this viewer only."""

from __future__ import annotations

import threading
import uuid

import pytest

from dashboard import frames, gate, refreshing
from dashboard.gate import Start, Visitor
from lib.access.viewer import Role, Viewer
from lib.insights.scope import ClientScope
from lib.refresh.glance import Glance

RUN = uuid.uuid4()
CLIENTS = (ClientScope(1, "acme", "Acme", False, ()),)


def viewer() -> Viewer:
    return Viewer(uuid.UUID(int=7), "ana@example.com", Role.VIEWER, frozenset({1}), frozenset({11}))


def test_a_rerun_reads_its_beginning_once() -> None:
    ana = viewer()
    visitor = Visitor(ana, start=Start(Glance(CLIENTS, RUN), "mirror 5"))
    with gate.present(visitor):
        assert gate.current_viewer() is ana
        assert frames.scope(ana) == CLIENTS
        assert frames.reader(ana).version == "mirror 5"
        assert refreshing.current_run(ana) == RUN
        assert gate.start_of(viewer()) is None


def test_nothing_of_it_is_left_when_the_rerun_ends_however_it_ends() -> None:
    visitor = Visitor(viewer())

    class Stopped(BaseException):
        pass

    with pytest.raises(Stopped), gate.present(visitor):
        raise Stopped
    assert gate._present.get() is None


def test_other_sessions_threads_know_nothing_of_it() -> None:
    seen: list[Visitor | None] = []
    with gate.present(Visitor(viewer())):
        thread = threading.Thread(target=lambda: seen.append(gate._present.get()))
        thread.start()
        thread.join()
    assert seen == [None]
