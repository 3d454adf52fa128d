"""What was read and drawn, held for whoever may see it: as much as fits into a number of bytes."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler
from plotly.basedatatypes import BaseFigure

T = TypeVar("T")
_OF_TRACES = ("x", "y", "z", "customdata")
_SINGLE = (str, int, float, dt.date, type(None))


@dataclasses.dataclass(frozen=True)
class _Entry:
    version: str
    made_at: float
    size: int
    value: Any


class Held:
    """The newest value under each key; safe to use from many threads.

    Once all of them take more than ``most`` bytes, those that were not asked for the longest go. A value that takes
    more by itself is not held.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._guard = threading.Lock()
        self._makers: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    @property
    def size(self) -> int:
        """The bytes that everything held takes."""
        return self._size

    def get(self, key: str, version: str, life_s: float, make: Callable[[], T]) -> T:
        """What is held of this version and not older than ``life_s``; else what ``make`` gives, made once for all.

        What ``make`` raises is raised, and what is held stays.
        """
        entry = self._fresh(key, version, life_s)
        if entry is None:
            with self._maker(key):
                entry = self._fresh(key, version, life_s) or self._keep(key, version, make())
        value: T = entry.value
        return value

    def fill(
        self, keys: Iterable[str], version: str, life_s: float, make: Callable[[list[str]], Iterable[Any]]
    ) -> None:
        """Hold what ``make`` gives for those of ``keys`` of which nothing of this version is held, in their order."""
        with contextlib.ExitStack() as makers:
            # Everyone takes them in the same order, so nobody waits for somebody who waits.
            for key in sorted(key for key in set(keys) if self._fresh(key, version, life_s) is None):
                makers.enter_context(self._maker(key))
            missing = [key for key in dict.fromkeys(keys) if self._fresh(key, version, life_s) is None]
            for key, value in zip(missing, make(missing) if missing else (), strict=True):
                self._keep(key, version, value)

    def last(self, key: str) -> Any:
        """The newest value, of whatever version and age; KeyError without one."""
        with self._guard:
            return self._entries[key].value

    def _maker(self, key: str) -> threading.Lock:
        with self._guard:
            return self._makers.setdefault(key, threading.Lock())

    def _fresh(self, key: str, version: str, life_s: float) -> _Entry | None:
        with self._guard:
            entry = self._entries.get(key)
            if entry is None or entry.version != version or time.monotonic() - entry.made_at > life_s:
                return None
            self._entries.move_to_end(key)
            return entry

    def _keep(self, key: str, version: str, value: Any) -> _Entry:
        entry = _Entry(version, time.monotonic(), size_of(value), value)
        with self._guard:
            self._drop(key)
            if entry.size <= self._most:
                self._entries[key] = entry
                self._size += entry.size
            while self._size > self._most:
                self._drop(next(iter(self._entries)))
        return entry

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        self._size -= entry.size if entry else 0


def size_of(value: Any) -> int:
    """About how many bytes ``value`` takes: tables and figures with all that is in them."""
    if isinstance(value, _SINGLE):
        return sys.getsizeof(value)
    if isinstance(value, pd.DataFrame):
        return int(value.memory_usage(deep=True).sum()) + sys.getsizeof(value.columns)
    if isinstance(value, Styler):
        return size_of(value.data)  # type: ignore[attr-defined]
    if isinstance(value, np.ndarray):
        return value.nbytes + (sum(map(size_of, value.flat)) if value.dtype == object else 0)
    return sys.getsizeof(value) + sum(map(size_of, _parts(value)))


def _parts(value: Any) -> list[Any]:
    if isinstance(value, BaseFigure):
        # Plotly gives a whole figure only as a copy, which takes longer than to draw it.
        return [trace[name] for trace in value.data for name in _OF_TRACES if name in trace]
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return []
