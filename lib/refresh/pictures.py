"""Keeps the thumbnails of creatives: Meta's links to them expire.

A link is followed to Meta's own hosts, or to the host that the client's Marketing API is at, and nowhere else:
whoever can name a picture must not make this server ask its neighbours.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from lib.access.viewer import Viewer
from lib.errors import AppError
from lib.store.engine import Store
from lib.store.repositories import pictures

logger = logging.getLogger(__name__)

MOST_BYTES = 1_000_000
MOST_AT_ONCE = 4
MOST_A_TIME = 1_000
"""Pictures of one look; the rest waits for the next."""
STORED_TOGETHER = 25
EACH_S = 15.0
"""A download that takes longer, however slowly it drips, is given up."""
ALL_S = 60.0
PLAIN = {"accept-encoding": "identity", "accept": "image/*"}
"""A packed answer could be a thousand times as large as it seems."""
METAS_HOSTS = ("fbcdn.net", "facebook.com")
KINDS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""How files of these kinds begin; WebP has its name a little later."""


class NoPicture(AppError):
    """What a link leads to is not kept; the message says why, and never repeats the link, which may be signed."""


@dataclass
class Kept:
    """What one look did: pictures stored, and links that led to none."""

    stored: int = 0
    failed: int = 0


async def fetch_pictures(store: Store, account_id: int, graph_url: str, *, most_s: float = ALL_S) -> Kept:
    """Download what is missing or was changed since, some at once, for at most ``most_s`` seconds.

    What cannot be downloaded is logged and left out; what was stored until then stays. StoreError.
    """
    async with store.working() as session:
        wanted = await pictures.outdated_pictures(session, account_id, MOST_A_TIME)
    if not wanted:
        return Kept()
    work = _Look(store, account_id, graph_url)
    try:
        async with asyncio.timeout(most_s), httpx.AsyncClient(timeout=10.0, headers=PLAIN) as http:
            places = asyncio.Semaphore(MOST_AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for creative_id, link, path in wanted:
                    group.create_task(work.one(http, places, creative_id, link, path))
    except TimeoutError:
        logger.info("act_%s: the rest of the pictures waits for another look", account_id)
    except ExceptionGroup as several:  # whoever refreshes has to tell a store that is away from a defect
        raise several.exceptions[0] from several
    await work.store_all()
    if work.kept.failed:
        logger.warning("act_%s: %s of %s pictures were not kept", account_id, work.kept.failed, len(wanted))
    return work.kept


class _Look:
    """One look at the links of an account: what was downloaded and is not stored yet."""

    def __init__(self, store: Store, account_id: int, graph_url: str) -> None:
        self._store = store
        self._account_id = account_id
        self._graph = httpx.URL(graph_url)
        self._waiting: list[dict[str, Any]] = []
        self.kept = Kept()

    async def one(
        self, http: httpx.AsyncClient, places: asyncio.Semaphore, creative_id: int, link: str, path: str
    ) -> None:
        """Download one picture, and store what waits once that is enough."""
        try:
            async with places, asyncio.timeout(EACH_S):
                content = await download(http, link, self._graph)
            kind = kind_of(content)
        except (NoPicture, httpx.HTTPError, TimeoutError) as error:
            # The error of a request may name its address, which is signed.
            reason = str(error) if isinstance(error, NoPicture) else type(error).__name__
            logger.info("act_%s: the picture of creative %s was not kept: %s", self._account_id, creative_id, reason)
            self.kept.failed += 1
            return
        self._waiting.append(
            {
                "account_id": self._account_id,
                "creative_id": creative_id,
                "content": content,
                "content_type": kind,
                "source_key": path,
                "fetched_at": dt.datetime.now(dt.UTC),
            }
        )
        if len(self._waiting) >= STORED_TOGETHER:
            await self.store_all()

    async def store_all(self) -> None:
        """Store what waits."""
        storing, self._waiting = self._waiting, []
        async with self._store.working() as session:
            await pictures.keep_pictures(session, storing)
        self.kept.stored += len(storing)


async def download(http: httpx.AsyncClient, link: str, graph: httpx.URL) -> bytes:
    """What ``link`` leads to, at most ``MOST_BYTES``; NoPicture where it may not be followed or leads to none.

    Redirects are not followed: they could lead anywhere.
    """
    url = checked_link(link, graph)
    content = bytearray()
    async with http.stream("GET", url, follow_redirects=False) as answer:
        if answer.status_code != httpx.codes.OK:
            raise NoPicture(f"It was answered with {answer.status_code}.")
        async for part in answer.aiter_raw():
            content += part
            if len(content) > MOST_BYTES:
                raise NoPicture(f"It is larger than {MOST_BYTES:,} bytes.")
    return bytes(content)


def checked_link(link: str, graph: httpx.URL) -> httpx.URL:
    """The link; NoPicture where it leads neither to a host of Meta's by https nor to the host of ``graph``."""
    try:
        url = httpx.URL(link)
    except (httpx.InvalidURL, ValueError) as error:
        raise NoPicture("Its link cannot be read.") from error
    is_graph = (url.scheme, url.host, url.port) == (graph.scheme, graph.host, graph.port)
    is_metas = any(url.host == host or url.host.endswith(f".{host}") for host in METAS_HOSTS)
    if url.userinfo or not (is_graph or (url.scheme == "https" and url.port is None and is_metas)):
        raise NoPicture("Its link leads elsewhere.")
    return url


def kind_of(content: bytes) -> str:
    """The media type by how the content begins; NoPicture where it is no PNG, JPEG, GIF or WebP."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for start, kind in KINDS.items():
        if content.startswith(start):
            return kind
    raise NoPicture("It is no picture.")


async def picture(store: Store, viewer: Viewer, account_id: int, creative_id: int) -> tuple[bytes, str] | None:
    """The picture that is kept of a creative, and its media type; ``None`` also for whoever may not see it."""
    async with store.viewing(viewer) as session:
        return await pictures.picture_of(session, account_id, creative_id)
