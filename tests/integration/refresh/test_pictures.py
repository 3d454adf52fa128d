"""The thumbnails of creatives, over the wire: kept once, again where the link names another, never what is none."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from lib.errors import StoreError
from lib.refresh import pictures
from lib.refresh.pictures import Kept, NoPicture, checked_link, fetch_pictures, kind_of, picture
from lib.store.engine import Store
from tests import factories
from tests.factories import viewer_of
from tests.fixtures_sandbox import LAST_DAY, PRESENT, Sandbox
from tests.fixtures_wire import Answer, Asked, Wire
from tests.integration.refresh.refreshing import add_account, refresh

PNG, JPEG = b"\x89PNG\r\n\x1a\n" + b"p" * 40, b"\xff\xd8\xff" + b"j" * 40
GRAPH = "http://127.0.0.1:9"


@pytest.fixture
async def account(store: Store) -> int:
    """An account without creatives."""
    async with store.working() as session:
        client_id = await factories.add_client(session, "acme")
        return await factories.add_account(session, 11, client_id)


async def link(store: Store, creative_id: int, url: str | None) -> None:
    """Let Meta's link of the creative be this one."""
    async with store.working() as session:
        await factories.put_creative(session, 11, creative_id)
        values = {"url": url, "id": creative_id}
        await session.execute(text("UPDATE creative SET thumbnail_url = :url WHERE creative_id = :id"), values)


async def kept(store: Store) -> dict[int, tuple[bytes, str]]:
    async with store.working() as session:
        found = await session.execute(text("SELECT creative_id, content, content_type FROM creative_picture"))
        return {number: (bytes(content), kind) for number, content, kind in found}


async def test_a_picture_is_kept_once_and_again_where_its_link_names_another(
    store: Store, wire: Wire, account: int
) -> None:
    wire.reply = lambda asked: Answer(200, PNG if asked.path.endswith(".png") else JPEG)
    await link(store, 7, f"{wire.url}/t/one.png?oe=68A1&oh=signed")
    await link(store, 8, f"{wire.url}/t/two.jpg")
    await link(store, 9, None)
    assert await fetch_pictures(store, account, wire.url) == Kept(2, 0)
    assert await kept(store) == {7: (PNG, "image/png"), 8: (JPEG, "image/jpeg")}
    await link(store, 7, f"{wire.url}/t/one.png?oe=99FF&oh=anew")
    assert await fetch_pictures(store, account, wire.url) == Kept()
    assert len(wire.asked) == 2
    await link(store, 7, f"{wire.url}/t/other.jpg?oe=99FF")
    assert await fetch_pictures(store, account, wire.url) == Kept(1, 0)
    assert (await kept(store))[7] == (JPEG, "image/jpeg")


ANSWERS: dict[str, Answer] = {
    "too large": Answer(200, PNG + b"x" * pictures.MOST_BYTES),
    "a page": Answer(200, b"<html><script>alert(1)</script>", {"content-type": "image/png"}),
    "a drawing with scripts": Answer(
        200, b'<svg xmlns="http://www.w3.org/2000/svg"/>', {"content-type": "image/svg+xml"}
    ),
    "nothing": Answer(200, b""),
    "gone": Answer(404, PNG),
    "forbidden": Answer(403, PNG),
    "elsewhere": Answer(302, b"", {"location": "http://169.254.169.254/latest/meta-data"}),
    "cut short": Answer(200, PNG, missing=100),
    "packed": Answer(200, b"\x1f\x8b\x08\x00" + b"g" * 40, {"content-encoding": "gzip"}),
    "no HTTP": Answer(200, PNG, {"content-encoding": "what", "transfer-encoding": "chunked"}),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_is_no_picture_is_left_out_and_the_others_are_kept(
    store: Store, wire: Wire, account: int, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    wire.reply = lambda asked: Answer(200, PNG) if asked.path.endswith("good.png") else ANSWERS[name]
    await link(store, 7, f"{wire.url}/good.png")
    await link(store, 8, f"{wire.url}/odd.png?oh=signature")
    with caplog.at_level("INFO", "lib"):
        assert await fetch_pictures(store, account, wire.url) == Kept(1, 1)
    assert set(await kept(store)) == {7}
    assert "act_11: the picture of creative 8 was not kept" in caplog.text
    assert "signature" not in caplog.text


async def test_what_failed_keeps_what_was_there_and_is_tried_again(store: Store, wire: Wire, account: int) -> None:
    wire.answers(Answer(200, PNG))
    await link(store, 7, f"{wire.url}/one.png")
    await fetch_pictures(store, account, wire.url)
    wire.answers(Answer(500), Answer(200, JPEG))
    await link(store, 7, f"{wire.url}/two.png")
    assert await fetch_pictures(store, account, wire.url) == Kept(0, 1)
    assert (await kept(store))[7] == (PNG, "image/png")
    assert await fetch_pictures(store, account, wire.url) == Kept(1, 0)
    assert (await kept(store))[7] == (JPEG, "image/jpeg")


async def test_a_store_that_refuses_pictures_is_told_as_the_stores_own_error(
    store: Store, wire: Wire, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "STORED_TOGETHER", 1)
    wire.answers(Answer(200, PNG))
    await link(store, 7, f"{wire.url}/one.png")
    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE creative_picture ADD CONSTRAINT no_picture CHECK (false)"))
    try:
        with pytest.raises(StoreError):
            await fetch_pictures(store, account, wire.url)
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE creative_picture DROP CONSTRAINT no_picture"))


async def test_no_address_but_metas_and_the_clients_own_is_asked(store: Store, wire: Wire, account: int) -> None:
    await link(store, 7, f"{wire.url}/one.png")
    await link(store, 8, f"{wire.url.replace('127.0.0.1', 'localhost')}/two.png")
    assert await fetch_pictures(store, account, GRAPH) == Kept(0, 2)
    assert wire.asked == []


async def test_at_most_some_are_downloaded_at_once(store: Store, wire: Wire, account: int) -> None:
    at_once, most, guard = 0, 0, threading.Lock()
    together = threading.Barrier(pictures.MOST_AT_ONCE, timeout=10)

    def reply(asked: Asked) -> Answer:
        nonlocal at_once, most
        with guard:
            at_once += 1
            most = max(most, at_once)
        together.wait()
        with guard:
            at_once -= 1
        return Answer(200, PNG)

    wire.reply = reply
    for number in range(3 * pictures.MOST_AT_ONCE):
        await link(store, number + 1, f"{wire.url}/{number}.png")
    assert await fetch_pictures(store, account, wire.url) == Kept(3 * pictures.MOST_AT_ONCE, 0)
    assert most == pictures.MOST_AT_ONCE


async def test_once_the_time_is_over_what_came_until_then_is_kept(store: Store, wire: Wire, account: int) -> None:
    wire.reply = lambda asked: Answer(200, PNG) if asked.path.endswith("quick.png") else Answer(silent=True)
    await link(store, 7, f"{wire.url}/quick.png")
    await link(store, 8, f"{wire.url}/never.png")
    found = await fetch_pictures(store, account, wire.url, most_s=1.0)
    assert found == Kept(1, 0)
    assert set(await kept(store)) == {7}


async def test_a_download_that_drips_is_given_up(
    store: Store, wire: Wire, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "EACH_S", 0.3)
    wire.answers(Answer(200, PNG, drip_s=0.2))
    await link(store, 7, f"{wire.url}/slow.png")
    assert await fetch_pictures(store, account, wire.url) == Kept(0, 1)


async def test_the_sandboxs_pictures_are_kept(store: Store, sandbox: Sandbox, account: int) -> None:
    found: list[dict[str, Any]] = sandbox.objects(sandbox.ids[0], "adcreatives", fields="id,thumbnail_url", limit="5")
    for one in found[:5]:
        await link(store, int(one["id"]), one["thumbnail_url"])
    assert (await fetch_pictures(store, account, sandbox.url)).stored == len(found[:5])
    assert {kind for _, kind in (await kept(store)).values()} == {"image/png"}


async def test_the_first_refresh_keeps_pictures_and_later_ones_of_named_days_none(
    store: Store, sandbox: Sandbox
) -> None:
    number, days = sandbox.ids[0], {"now": PRESENT, "span": (LAST_DAY, LAST_DAY), "graph_url": sandbox.url}
    await add_account(store, number)
    await refresh(store, sandbox.url, number, **days)
    first = await kept(store)
    async with store.working() as session:
        assert len(first) == await session.scalar(text("SELECT count(*) FROM creative")) > 0
        await session.execute(text("DELETE FROM creative_picture"))
    await refresh(store, sandbox.url, number, **days)
    assert await kept(store) == {}
    await refresh(store, sandbox.url, number, now=PRESENT, kind="nightly", graph_url=sandbox.url)
    assert await kept(store) == first


async def test_a_picture_is_shown_to_whoever_sees_its_account(store: Store, wire: Wire, account: int) -> None:
    wire.answers(Answer(200, PNG))
    await link(store, 7, f"{wire.url}/one.png")
    await fetch_pictures(store, account, wire.url)
    assert await picture(store, viewer_of([11]), 11, 7) == (PNG, "image/png")
    assert await picture(store, viewer_of([11]), 11, 8) is None
    for stranger in (viewer_of([]), viewer_of([12]), dataclasses.replace(viewer_of([11]), account_ids=frozenset())):
        assert await picture(store, stranger, 11, 7) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://scontent.xx.fbcdn.net/a.png",
        "https://fbcdn.net.evil.test/a.png",
        "https://evilfbcdn.net/a.png",
        "https://scontent.fbcdn.net:8443/a.png",
        "https://user@scontent.fbcdn.net/a.png",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
        "http://127.0.0.1:10/a.png",
        "https://127.0.0.1:9/a.png",
        "http://localhost:9/a.png",
        "http://user:word@127.0.0.1:9/a.png",
        "file:///etc/passwd",
        "//scontent.fbcdn.net/a.png",
        "https://",
        "http://[bad",
        "a\x00b",
        "",
    ],
)
def test_links_that_lead_elsewhere_are_not_followed(url: str) -> None:
    with pytest.raises(NoPicture):
        checked_link(url, httpx.URL(GRAPH))


@pytest.mark.parametrize(
    "url",
    [
        "https://scontent-fra3-1.xx.fbcdn.net/v/t45/1_n.png?oe=1",
        "https://fbcdn.net/a",
        "https://www.facebook.com/ads/image/?d=1",
        f"{GRAPH}/__sandbox/thumb/1.png",
    ],
)
def test_links_to_metas_hosts_and_to_the_clients_own_are(url: str) -> None:
    assert str(checked_link(url, httpx.URL(GRAPH))) == url


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"GIF87a....", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_a_picture_is_known_by_how_it_begins(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


def test_a_sound_is_no_picture() -> None:
    with pytest.raises(NoPicture):
        kind_of(b"RIFF\x10\x00\x00\x00WAVEfmt ")
