"""What is drawn of frames is kept beside them: for one viewer's accounts and role, at one version, nothing stale."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
import streamlit as st

from dashboard.frames import Reader
from lib.access.viewer import Role, Viewer
from lib.errors import StoreError


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def viewer_of(*accounts: int, role: Role = Role.VIEWER) -> Viewer:
    return Viewer(uuid.uuid4(), "ana@example.com", role, frozenset({1}), frozenset(accounts))


def counting() -> tuple[list[int], Callable[[], int]]:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return len(made)

    return made, make


def test_the_same_question_of_the_same_accounts_is_drawn_once() -> None:
    made, make = counting()
    assert Reader(viewer_of(11, 12), "mirror 5").drawn("trend", ("spend", 28), make) == 1
    assert Reader(viewer_of(12, 11), "mirror 5").drawn("trend", ("spend", 28), make) == 1
    assert len(made) == 1


@pytest.mark.parametrize(
    ("viewer", "version", "what", "parts"),
    [
        (viewer_of(11), "mirror 5", "trend", ("spend", 28)),
        (viewer_of(11, 12, 13), "mirror 5", "trend", ("spend", 28)),
        (viewer_of(11, 12, role=Role.ADMIN), "mirror 5", "trend", ("spend", 28)),
        (viewer_of(11, 12), "mirror 6", "trend", ("spend", 28)),
        (viewer_of(11, 12), "postgres 5", "trend", ("spend", 28)),
        (viewer_of(11, 12), "mirror 5", "sheet", ("spend", 28)),
        (viewer_of(11, 12), "mirror 5", "trend", ("spend", 7)),
    ],
)
def test_anything_else_is_drawn_anew(viewer: Viewer, version: str, what: str, parts: tuple[object, ...]) -> None:
    _, make = counting()
    Reader(viewer_of(11, 12), "mirror 5").drawn("trend", ("spend", 28), make)
    assert Reader(viewer, version).drawn(what, parts, make) == 2


def test_what_an_older_answer_stood_in_for_is_not_kept() -> None:
    _, make = counting()
    reader = Reader(viewer_of(11), "mirror 5")

    def refused_meanwhile() -> int:
        reader.failed.append(StoreError("No."))
        return make()

    assert reader.drawn("trend", (), refused_meanwhile) == 1
    assert reader.drawn("trend", (), make) == 2
    assert Reader(viewer_of(11), "", StoreError("No.")).drawn("trend", (), make) == 3
    assert Reader(viewer_of(11), "mirror 5").drawn("trend", (), make) == 4
    assert Reader(viewer_of(11), "mirror 5").drawn("trend", (), make) == 4
