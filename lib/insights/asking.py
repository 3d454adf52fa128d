"""Asks an engine, and the one that takes its place where it fails under the question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, runtime_checkable

from lib.errors import StoreError
from lib.insights.engine import Engine

T = TypeVar("T")


class EngineFailed(StoreError):
    """What answers is itself at fault, not the question; another engine would answer it."""


@runtime_checkable
class Replaceable(Protocol):
    """An engine that may fail; ``stand_in`` answers in its place."""

    @property
    def stand_in(self) -> Engine:
        """The other engine."""


async def ask(engines: Callable[[], Engine], work: Callable[[Engine], Awaitable[T]]) -> T:
    """What ``work`` gives with the engine of the moment; where that one fails, once more with what stands in for it."""
    engine = engines()
    try:
        return await work(engine)
    except EngineFailed:
        if not isinstance(engine, Replaceable):
            raise
        following = engine.stand_in
    return await work(following)
