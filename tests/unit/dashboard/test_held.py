"""What is held of answers and drawings: the newest of each question, and no more bytes than there is room for."""

from __future__ import annotations

import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard import bridge, tints
from dashboard.frames import MOST_BYTES
from dashboard.held import Held, size_of

MOST, LIFE_S = 5_000_000, 60.0


def frame(rows: int = 2_000) -> pd.DataFrame:
    """A frame of three named dimensions and twelve numbers."""
    names = {
        f"name_{column}": pd.Series([f"{column} {row:030}" for row in range(rows)], dtype="str") for column in "abc"
    }
    return pd.DataFrame({**names, **{f"number_{column}": np.arange(rows, dtype="float64") for column in range(12)}})


def bytes_of(data: pd.DataFrame) -> int:
    return int(data.memory_usage(deep=True).sum())


def test_many_large_questions_hold_no_more_than_there_is_room_for() -> None:
    held, made = Held(MOST), []
    for number in range(60):
        made.append(weakref.ref(held.get(f"question {number}", "mirror 1", LIFE_S, frame)))
        alive = [data for data in (each() for each in made) if data is not None]
        assert sum(map(bytes_of, alive)) <= held.size <= MOST
        # The next round is not to keep them.
        del alive
    assert held.size > MOST / 2
    assert made[-1]() is not None
    assert made[0]() is None


def test_a_newer_version_takes_the_place_of_the_older() -> None:
    held = Held(MOST)
    older = weakref.ref(held.get("question", "mirror 1", LIFE_S, frame))
    size = held.size
    for version in range(2, 20):
        held.get("question", f"mirror {version}", LIFE_S, frame)
        assert held.size == size
    assert older() is None


def test_what_was_asked_for_lately_stays() -> None:
    held, size = Held(3 * size_of(frame()) + 100), size_of(frame())
    asked = held.get("asked again and again", "mirror 1", LIFE_S, frame)
    for number in range(9):
        held.get(f"question {number}", "mirror 1", LIFE_S, frame)
        assert held.get("asked again and again", "mirror 1", LIFE_S, frame) is asked
    assert held.size == 3 * size


def test_a_value_too_large_is_given_but_not_held_and_pushes_nothing_out() -> None:
    held = Held(MOST)
    held.get("small", "mirror 1", LIFE_S, frame)
    size = held.size
    assert len(held.get("large", "mirror 1", LIFE_S, lambda: frame(40_000))) == 40_000
    assert held.size == size
    with pytest.raises(KeyError):
        held.last("large")


@pytest.mark.parametrize(("version", "life_s", "made"), [("1", LIFE_S, 1), ("2", LIFE_S, 2), ("1", -1.0, 2)])
def test_it_is_made_anew_for_another_version_and_once_it_is_old(version: str, life_s: float, made: int) -> None:
    held, numbers = Held(MOST), iter((1, 2))
    held.get("question", "1", LIFE_S, lambda: next(numbers))
    assert held.get("question", version, life_s, lambda: next(numbers)) == made


def test_a_failure_leaves_the_last_value_standing() -> None:
    held = Held(MOST)
    held.get("question", "mirror 1", LIFE_S, lambda: "good")

    def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        held.get("question", "mirror 2", LIFE_S, fail)
    assert held.last("question") == "good"
    assert held.get("question", "mirror 2", LIFE_S, lambda: "better") == held.last("question") == "better"


def test_many_who_ask_at_once_have_it_made_once() -> None:
    held, together, made = Held(MOST), threading.Barrier(8), []

    def ask() -> pd.DataFrame:
        together.wait(20)
        return held.get("question", "mirror 1", LIFE_S, lambda: made.append(1) or frame(20_000))

    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert len(made) == 1
    assert all(each is found[0] for each in found)


def test_what_is_missing_of_several_is_made_together() -> None:
    held, asked = Held(MOST), []

    def make(missing: list[str]) -> list[str]:
        asked.append(missing)
        return [f"{key}!" for key in missing]

    held.get("b", "mirror 1", LIFE_S, lambda: "known")
    held.get("c", "mirror 0", LIFE_S, lambda: "outdated")
    held.fill(["c", "b", "a", "c"], "mirror 1", LIFE_S, make)
    held.fill(["a", "b", "c"], "mirror 1", LIFE_S, make)
    assert asked == [["c", "a"]]
    assert [held.last(key) for key in "abc"] == ["a!", "known", "c!"]


def test_several_that_fail_together_leave_what_was_there() -> None:
    held = Held(MOST)
    held.get("a", "mirror 1", LIFE_S, lambda: "good")

    def fail(_: list[str]) -> list[str]:
        raise LookupError

    with pytest.raises(LookupError):
        held.fill(["a", "b"], "mirror 2", LIFE_S, fail)
    assert held.last("a") == "good"
    assert held.get("b", "mirror 2", LIFE_S, lambda: "later") == "later"


def test_many_who_ask_for_several_at_once_wait_for_each_other_and_never_for_ever() -> None:
    held, together, made = Held(MOST), threading.Barrier(8), []
    ways = [["a", "b", "c"], ["c", "b", "a"], ["b", "d"], ["d", "a"]] * 2

    def make(missing: list[str]) -> list[int]:
        made.extend(missing)
        time.sleep(0.01)  # as a store takes its time
        return [1] * len(missing)

    def ask(keys: list[str]) -> int:
        together.wait(20)
        held.fill(keys, "mirror 1", LIFE_S, make)
        return sum(held.get(key, "mirror 1", LIFE_S, lambda: made.append("alone") or 1) for key in reversed(keys))

    with ThreadPoolExecutor(8) as pool:
        found = [future.result(20) for future in [pool.submit(ask, keys) for keys in ways]]
    assert found == [len(keys) for keys in ways]
    assert sorted(made) == ["a", "b", "c", "d"]


def test_sizes_are_those_of_what_is_inside() -> None:
    data, words = frame(), [f"Autumn sale {number:040}" for number in range(500)]
    assert bytes_of(data) <= size_of(data) < 1.1 * bytes_of(data)
    assert size_of(tints.tinted(data.iloc[:50].copy(), {})) >= bytes_of(data.iloc[:50].copy())
    assert size_of({"names": tuple(words)}) > 500 * 60
    drawn = go.Figure(go.Scatter(x=list(range(500)), y=np.arange(500.0), customdata=[(each, "", "") for each in words]))
    assert size_of(drawn) > 500 * 60 + 4_000


def test_a_page_of_the_most_rows_finds_room_several_times() -> None:
    assert 5 * size_of(frame(50_000)) < MOST_BYTES


def test_what_postgres_answered_holds_for_a_minute_and_what_the_mirror_did_until_it_changes() -> None:
    noon = 1_795_262_400.0
    assert bridge.version_words("postgres", 5, noon) == bridge.version_words("postgres", 5, noon + 59)
    assert bridge.version_words("postgres", 5, noon) != bridge.version_words("postgres", 5, noon + 60)
    assert bridge.version_words("postgres", 5, noon) != bridge.version_words("postgres", 6, noon)
    assert bridge.version_words("mirror", 5, noon) == bridge.version_words("mirror", 5, noon + 3600)
    assert bridge.version_words("mirror", 5, noon) != bridge.version_words("mirror", 6, noon)
