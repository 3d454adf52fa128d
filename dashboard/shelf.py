"""Files that were made and wait to be fetched: on disk, each for the sign-in that asked for it, for a minute."""

from __future__ import annotations

import asyncio
import hmac
import io
import os
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from lib.access.viewer import Viewer

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

KEPT_S = 60.0
"""The browser fetches a file as soon as it has the address; one that is on its way is not cut off."""
ADDRESS = "/media/made/"
"""Streamlit's own files lie straight under /media."""


@dataclass(frozen=True)
class Made:
    """A whole file without a name on disk; whoever holds it closes it, and it is gone. ``size`` is in bytes."""

    file: BinaryIO
    size: int
    name: str
    media_type: str
    viewer: Viewer

    def is_for(self, viewer: Viewer) -> bool:
        """Whether ``viewer`` came by the sign-in that asked for it."""
        mine = self.viewer.session_hash
        return bool(mine) and hmac.compare_digest(mine, viewer.session_hash)


Make: TypeAlias = Callable[[], Awaitable[Made]]
"""Makes a file at a click; AppError has the sentence where it does not."""


class Shelf:
    """Where files wait. Everything here is for the loop's thread."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._waiting: dict[str, tuple[Made, asyncio.TimerHandle]] = {}

    def put(self, made: Made) -> str:
        """The address from which it can be fetched until its time is over."""
        token = secrets.token_urlsafe(32)
        timer = asyncio.get_running_loop().call_later(self._kept_s, self._forget, token)
        self._waiting[token] = (made, timer)
        return ADDRESS + token

    def read(self, address: str, viewer: Viewer) -> tuple[Made, BinaryIO] | None:
        """The file of this address, and a reading of it from its beginning, which the caller closes.

        ``None`` to everyone but the one who asked for it.
        """
        made, _ = self._waiting.get(address.removeprefix(ADDRESS), (None, None))
        if made is None or not made.is_for(viewer):
            return None
        return made, cast("BinaryIO", _Reading(made.file.fileno()))

    def clear(self) -> None:
        """Let go of all of them."""
        for token, (_, timer) in tuple(self._waiting.items()):
            timer.cancel()
            self._forget(token)

    def _forget(self, token: str) -> None:
        self._waiting.pop(token)[0].file.close()


class _Reading(io.RawIOBase):
    """A place of its own in a file without a name, which is there until the last of its readings is closed."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._mine = os.dup(descriptor)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence != os.SEEK_SET:
            raise io.UnsupportedOperation
        self._at = offset
        return offset

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        count = os.preadv(self._mine, [buffer], self._at)
        self._at += count
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._mine)
        super().close()
