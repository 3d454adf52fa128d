"""Holds back what the server says to a page, as a slow line would."""

from __future__ import annotations

from playwright.sync_api import Page, WebSocketRoute
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.fixtures_processes import until


class Holding:
    """Stands between a page and its server: a handler for ``page.route_web_socket``; it holds while ``is_on``."""

    def __init__(self) -> None:
        self.is_on = False
        self.held: list[bytes] = []
        self._browser: WebSocketRoute | None = None

    def between(self, browser: WebSocketRoute) -> None:
        """Let pass what the page says, and what the server says unless it is held."""
        server = browser.connect_to_server()
        browser.on_message(server.send)
        server.on_message(lambda message: self.held.append(message) if self.is_on else browser.send(message))
        self._browser = browser

    def whole_answer(self, page: Page, behind: int = 0) -> int:
        """Wait until a run's end is held behind so many other messages; how many are held then."""

        def holds() -> bool:
            page.wait_for_timeout(20)  # hears of the messages meanwhile
            return any(map(_ends_a_run, self.held[behind:]))

        until(holds, "the server's answer")
        return len(self.held)

    def drawn(self) -> int:
        """How many of the held messages draw the answer; the next one says that it is whole."""
        return next(at for at, message in enumerate(self.held) if _ends_a_run(message))

    def release(self, count: int) -> None:
        """Let the first of what is held pass."""
        assert self._browser is not None
        for _ in range(count):
            self._browser.send(self.held.pop(0))

    def end(self) -> None:
        """Let everything pass from now on."""
        while self.held:
            self.release(1)
        self.is_on = False


def _ends_a_run(message: bytes) -> bool:
    said = ForwardMsg.FromString(message)
    is_end = said.WhichOneof("type") == "script_finished"
    return is_end and said.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
