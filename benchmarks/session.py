"""A person's session over Streamlit's own websocket protocol: what a browser sends, without the browser."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlencode

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from lib.access.sessions import COOKIE

TIMEOUT_S = 120
SMALL = 512
"""A message that ends a script is a few bytes long; larger ones need not be decoded to look for it."""


class PageFailed(Exception):
    """The script ended early, or drew an error in the place of numbers."""


@dataclass(frozen=True)
class Rerun:
    """Milliseconds from sending the rerun to the script's end, and the messages that came."""

    milliseconds: float
    messages: list[bytes]

    def check(self) -> None:
        """PageFailed where an error was drawn; decodes everything, so not while time is taken."""
        for data in self.messages:
            element = _decoded(data).delta.new_element
            kind = element.WhichOneof("type")
            if kind == "exception" or (kind == "alert" and element.alert.format == Alert.ERROR):
                raise PageFailed(element.exception.message or element.alert.body)


class Session:
    """One websocket of whoever holds ``token``; ``page`` is the page's part of the address, empty for the first."""

    def __init__(self, base_url: str, token: str, page: str = "") -> None:
        self._base_url, self._token, self._page = base_url, token, page
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Session:
        self._socket = await connect(
            self._base_url.replace("http", "ws", 1) + "/_stcore/stream",
            origin=Origin(self._base_url),
            additional_headers={"Cookie": f"{COOKIE}={self._token}"},
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            compression=None,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def rerun(self, address: dict[str, str]) -> Rerun:
        """Run the page with these parts of its address; PageFailed where the script did not end well."""
        if self._socket is None:
            raise RuntimeError("The session is not open.")
        ask = BackMsg()
        ask.rerun_script.query_string = urlencode(address)
        ask.rerun_script.page_name = self._page
        messages: list[bytes] = []
        started = time.perf_counter()
        await self._socket.send(ask.SerializeToString())
        while True:
            data = await asyncio.wait_for(self._socket.recv(decode=False), TIMEOUT_S)
            messages.append(data)
            if len(data) <= SMALL and _ends(data):
                return Rerun((time.perf_counter() - started) * 1000, messages)


def _decoded(data: bytes) -> ForwardMsg:
    message = ForwardMsg()
    message.ParseFromString(data)
    return message


def _ends(data: bytes) -> bool:
    message = _decoded(data)
    if message.WhichOneof("type") != "script_finished":
        return False
    if message.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
        raise PageFailed(f"The script ended as {ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)}.")
    return True
