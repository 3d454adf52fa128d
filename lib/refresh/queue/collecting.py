"""How often Python looks for rubbish while pages of rows go through."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = (200_000, 50, 100)


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Pages of rows are hundreds of thousands of small objects without cycles: looking through them takes a quarter."""
    before = gc.get_threshold()
    if before == RARELY:
        yield  # another job of this process has set it, and puts it back
        return
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
