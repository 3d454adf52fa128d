"""A file without a name: it stays open for whoever is handed it, and is gone where it did not come about."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from lib.insights.export import nameless


def test_a_whole_file_is_handed_on_open_and_unbuffered() -> None:
    with nameless() as file:
        assert file.write(b"a,b") == 3
    file.seek(0)
    assert file.read() == b"a,b"
    file.close()


@pytest.mark.parametrize("failure", [OSError, asyncio.CancelledError, KeyboardInterrupt])
def test_what_fails_or_is_cancelled_leaves_no_file(failure: type[BaseException]) -> None:
    with suppress(failure), nameless() as file:
        raise failure
    assert file.closed
