"""Files of pages on a real store: many at once, and nothing of the loop's own threads for them."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from sqlalchemy import text
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
from streamlit.proto.ForwardMsg_pb2 import BackendOperationResponse
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from dashboard import bridge, downloads, handing_out
from dashboard.shelf import Shelf
from lib.access import sessions
from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.insights.query import InsightQuery
from lib.store.engine import Store
from tests import factories

DAY = dt.date(2026, 1, 1)
QUERY = InsightQuery(DAY, DAY, ("ad",), ("spend",))
AT_ONCE = 12


@pytest.fixture
async def viewer(store: Store) -> AsyncIterator[Viewer]:
    """Somebody who is signed in to a process that has this store, and sees ten ads."""
    async with store.working() as session:
        await factories.add_account(session, 11, await factories.add_client(session, "acme"))
        await factories.add_insights(session, [factories.insight_row(11, DAY, ad, spend=ad) for ad in range(1, 11)])
    person = await put_person(store, "ana@example.com", Role.ANALYST, slugs=["acme"])
    found = await sessions.viewer_of(store, await sessions.create_session(store, person.user_id, "local"))
    assert found is not None
    bridge.attach(asyncio.get_running_loop(), store)
    yield found
    bridge.detach()


async def click(handler: handing_out.SayingHandler, files: MediaFileManager, make: Any) -> BackendOperationResponse:
    request = BackendOperationRequest(request_id="7")
    request.deferred_file.file_id = files.add_deferred(make, "text/csv", "1.2", "file.csv")
    return await handler.handle(request, "dontcare")


async def test_twelve_at_once_succeed_while_others_work(viewer: Viewer) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    files, shelf = MediaFileManager(MemoryMediaFileStorage("/media")), Shelf()
    handler = handing_out.SayingHandler(lambda: files, shelf=shelf, places=asyncio.Semaphore(4))
    formats = list(downloads.OFFERED)
    makers = [downloads.maker(formats[number % 4], QUERY, viewer, "file") for number in range(AT_ONCE)]
    clicks = asyncio.gather(*(click(handler, files, cast("Any", make)) for make in makers))
    async with asyncio.timeout(60):
        while not clicks.done():
            async with asyncio.timeout(5):
                await asyncio.to_thread(int)
        told = await clicks
    assert [each.error_msg for each in told] == [""] * AT_ONCE
    for number, each in enumerate(told):
        found = shelf.read(each.deferred_file.url, viewer)
        assert found is not None, number
        with found[1] as reading:
            assert found[0].size == len(reading.read()) > 0
    shelf.clear()
    async with bridge.store().working() as session:
        assert await session.scalar(text("SELECT count(*) FROM export_log WHERE via = 'page'")) == AT_ONCE


async def test_whoever_has_signed_out_since_gets_a_sentence_and_leaves_no_log(viewer: Viewer) -> None:
    files = MediaFileManager(MemoryMediaFileStorage("/media"))
    handler = handing_out.SayingHandler(lambda: files, shelf=Shelf(), places=asyncio.Semaphore(4))
    stranger = dataclasses.replace(viewer, session_hash=b"ended")
    told = await click(handler, files, downloads.maker("csv", QUERY, stranger, "file.csv"))
    assert told.error_msg == "Your sign-in has ended; nothing was written. Sign in again."
    async with bridge.store().working() as session:
        assert await session.scalar(text("SELECT count(*) FROM export_log")) == 0
