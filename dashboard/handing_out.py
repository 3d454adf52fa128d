"""What a click on a download runs into. Streamlit alone would hold each file in memory, on a thread that others need,
and tell people only that it failed.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Callable
from typing import cast

from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
from streamlit.proto.ForwardMsg_pb2 import BackendOperationResponse, DeferredFileResponsePayload
from streamlit.runtime import app_session
from streamlit.runtime.backend_operation_handler import DeferredFileHandler
from streamlit.runtime.media_file_manager import MediaFileManager

from dashboard.shelf import Made, Make, Shelf
from lib.errors import AppError, StoreError

TIMEOUT_S = 170.0
"""The browser gives up after three minutes."""

_log = logging.getLogger(__name__)


class NoLongerThere(AppError):
    """The button is of a page that has been drawn anew since."""


class SayingHandler(DeferredFileHandler):
    """Makes the file in its turn; where that fails, the person reads our sentence beside the button.

    ``places`` are those of everyone in this process who writes files, and ``shelf`` is where they wait.
    """

    def __init__(
        self, get_media_file_mgr: Callable[[], MediaFileManager], *, shelf: Shelf, places: asyncio.Semaphore
    ) -> None:
        super().__init__(get_media_file_mgr)
        self._shelf = shelf
        self._places = places

    async def handle(self, request: BackendOperationRequest, session_id: str) -> BackendOperationResponse:
        """The address of the file, or the sentence."""
        try:
            made = await self._made(self._make(request.deferred_file.file_id, session_id))
        except Exception as error:  # noqa: BLE001 (else the person reads the name of its class)
            return BackendOperationResponse(request_id=request.request_id, error_msg=sentence(error))
        found = DeferredFileResponsePayload(url=self._shelf.put(made))
        return BackendOperationResponse(request_id=request.request_id, deferred_file=found)

    def _make(self, file_id: str, session_id: str) -> Make:
        """What the button's page left with Streamlit; NoLongerThere to another page than that one."""
        files = self._get_media_file_mgr()
        with files._lock:
            entry = files._deferred_callables.get(file_id)
        if entry is None or entry["session_id"] != session_id:
            raise NoLongerThere("This page has changed since it was drawn.", "Reload it and download again.")
        return cast("Make", entry["callable"])

    async def _made(self, make: Make) -> Made:
        has_begun = False
        try:
            async with asyncio.timeout(TIMEOUT_S), self._places:
                has_begun = True
                return await make()
        except TimeoutError as error:
            if has_begun:
                raise StoreError(
                    "The file took too long and was given up.",
                    "Ask for a shorter period; the command line's export has no such limit.",
                ) from error
            raise StoreError("Too many files are being made just now.", "Try again in a minute.") from error


def install(shelf: Shelf, places: asyncio.Semaphore) -> None:
    """Let every session from now on use it."""
    # The name under which sessions look it up.
    vars(app_session)["DeferredFileHandler"] = functools.partial(SayingHandler, shelf=shelf, places=places)


def sentence(error: Exception) -> str:
    """What to tell of a file that could not be made; the log has the rest."""
    if isinstance(error, AppError):
        _log.warning("A download was refused: %s", error)
        return str(error)
    number = uuid.uuid4().hex[:8]
    _log.error("A download failed; its number is %s.", number, exc_info=error)
    return f"The file could not be made. Tell your administrator the number {number}."
