"""What a click on a download gives: a file for whoever asked, or a sentence."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, BinaryIO, cast

import pytest
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
from streamlit.proto.ForwardMsg_pb2 import BackendOperationResponse
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from dashboard import handing_out
from dashboard.shelf import ADDRESS, Made, Shelf
from lib.access.viewer import Viewer
from lib.errors import AccessError
from tests.factories import viewer_of

ANA = dataclasses.replace(viewer_of([11]), session_hash=b"ana")
BEN = dataclasses.replace(viewer_of([11]), session_hash=b"ben")
SESSION = "dontcare"
"""What Streamlit calls the session of a button that is drawn without a page."""


def nameless() -> BinaryIO:
    return cast("BinaryIO", tempfile.TemporaryFile(buffering=0))


def written() -> Made:
    file = nameless()
    return Made(file, file.write(b"a,b"), "file.csv", "text/csv", ANA)


async def make() -> Made:
    return written()


async def refuse() -> Made:
    raise AccessError("Your sign-in has ended; nothing was written.", "Sign in again.")


async def fail() -> Made:
    raise ZeroDivisionError("secret")


@dataclasses.dataclass
class Page:
    """A page's buttons, the shelf of its server and the places of everyone who writes files there."""

    files: MediaFileManager
    shelf: Shelf
    places: asyncio.Semaphore

    def button(self, make: Callable[[], Awaitable[Made]]) -> str:
        """The id of a new button."""
        return self.files.add_deferred(cast("Any", make), "text/csv", "1.2", "file.csv")

    async def click(
        self, make: Callable[[], Awaitable[Made]] | str, session_id: str = SESSION
    ) -> BackendOperationResponse:
        """What the browser is told."""
        request = BackendOperationRequest(request_id="7")
        request.deferred_file.file_id = make if isinstance(make, str) else self.button(make)
        handler = handing_out.SayingHandler(lambda: self.files, shelf=self.shelf, places=self.places)
        return await handler.handle(request, session_id)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    shelf = Shelf()
    yield Page(MediaFileManager(MemoryMediaFileStorage("/media")), shelf, asyncio.Semaphore(2))
    shelf.clear()


async def passed(seconds: float) -> None:
    """Wait until a moment that is behind every one that was set before it."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


def content(shelf: Shelf, address: str, viewer: Viewer) -> bytes | None:
    """What ``viewer`` reads there."""
    found = shelf.read(address, viewer)
    if found is None:
        return None
    with found[1] as reading:
        return reading.read()


async def test_whoever_asked_gets_it(page: Page) -> None:
    told = await page.click(make)
    address = told.deferred_file.url
    assert told.request_id == "7"
    assert address.startswith(ADDRESS)
    for _ in range(2):  # the page looks whether it is there, then the browser fetches it
        assert content(page.shelf, address, ANA) == b"a,b"


async def test_nothing_of_it_is_kept_in_memory(page: Page) -> None:
    address = (await page.click(make)).deferred_file.url
    assert page.files.read_file(address.removeprefix("/media/")) is None
    assert not page.files._storage.get_stats()  # type: ignore[attr-defined]


async def test_nobody_else_gets_it(page: Page) -> None:
    address = (await page.click(make)).deferred_file.url
    assert content(page.shelf, address, BEN) is None
    assert content(page.shelf, address, viewer_of([11])) is None
    assert content(page.shelf, ADDRESS + "guessed", ANA) is None
    assert content(page.shelf, address, ANA) == b"a,b"


def test_a_file_without_a_sign_in_is_for_nobody() -> None:
    made = dataclasses.replace(written(), viewer=viewer_of([11]))
    assert not made.is_for(viewer_of([11]))
    made.file.close()


async def test_it_is_gone_when_its_time_is_over() -> None:
    shelf, made = Shelf(kept_s=0.05), written()
    address = shelf.put(made)
    await passed(0.05)
    assert made.file.closed
    assert shelf.read(address, ANA) is None


async def test_a_reading_that_is_on_its_way_is_not_cut_off() -> None:
    shelf = Shelf(kept_s=0.05)
    found = shelf.read(shelf.put(written()), ANA)
    assert found is not None
    with found[1] as reading:
        assert reading.read(1) == b"a"
        await passed(0.05)
        assert reading.read() == b",b"
        reading.seek(0)
        assert reading.read() == b"a,b"
    reading.close()  # again, as whoever sends it does whatever became of the reader


async def test_all_are_gone_at_the_end(page: Page) -> None:
    made = [written(), written()]
    for each in made:
        page.shelf.put(each)
    page.shelf.clear()
    assert all(each.file.closed for each in made)


async def test_many_at_once_are_served_in_turn_and_hold_up_nobody(page: Page) -> None:
    working = most = 0

    async def in_thread() -> Made:
        nonlocal working, most
        working += 1
        most = max(most, working)
        made = await asyncio.to_thread(written)
        working -= 1
        return made

    told = await asyncio.gather(*(page.click(in_thread) for _ in range(20)))
    assert most == 2
    assert len({each.deferred_file.url for each in told}) == 20


async def test_whoever_waits_too_long_for_a_turn_reads_so(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_out, "TIMEOUT_S", 0.05)
    async with page.places, page.places:
        told = await page.click(make)
    assert told.error_msg == "Too many files are being made just now. Try again in a minute."
    assert (await page.click(make)).deferred_file.url


async def test_a_file_that_takes_too_long_is_given_up(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_out, "TIMEOUT_S", 0.05)
    ended = asyncio.Event()

    async def endless() -> Made:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return written()

    told = await page.click(endless)
    assert told.error_msg.startswith("The file took too long and was given up.")
    assert ended.is_set()


async def test_our_sentences_reach_the_person(page: Page) -> None:
    told = await page.click(refuse)
    assert told.error_msg == "Your sign-in has ended; nothing was written. Sign in again."
    assert not told.HasField("deferred_file")


async def test_anything_else_gives_a_number_and_no_detail(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    told = (await page.click(fail)).error_msg
    assert told.startswith("The file could not be made. Tell your administrator the number ")
    assert "secret" not in told
    assert told.split()[-1].rstrip(".") in caplog.text


async def test_a_button_of_an_older_page_or_of_another_window_says_so(page: Page) -> None:
    for told in (await page.click("gone"), await page.click(page.button(make), "another")):
        assert told.error_msg == "This page has changed since it was drawn. Reload it and download again."
