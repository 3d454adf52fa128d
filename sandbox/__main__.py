"""`python -m sandbox`: serve the Marketing API of this sandbox until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import os
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn

from sandbox.app import create
from sandbox.faults import command
from sandbox.faults.wire import hush
from sandbox.world import Settings


class _Server(uvicorn.Server):
    """A server that lets hanging answers go before it waits for the others."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._stopping.set()
        await super().shutdown(sockets)


def _between(low: int, high: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"must be from {low} to {high}, not {number}")
        return number

    return whole


def _moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as broken:
        raise argparse.ArgumentTypeError(f"not an ISO 8601 date and time: {text}") from broken
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=_between(0, 65535), required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--accounts", type=_between(1, 1000), default=3, help="how many ad accounts (default 3)")
    parser.add_argument("--days", type=_between(1, 1200), default=400, help="how far back data goes (default 400)")
    parser.add_argument("--seed", type=_between(0, 2**31), default=7, help="another seed is another world")
    parser.add_argument("--ads", type=_between(1, 10000), default=72, help="ads live on a day in each account")
    parser.add_argument("--now", type=_moment, help="a fixed present, as ISO 8601; UTC where no zone is given")
    parser.add_argument("--job-polls", type=_between(1, 4), default=4, help="polls until a job has completed")
    command.arguments(parser, _between(0, 2**31))
    return parser.parse_args(argv)


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else, so that a busy one is told in a sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches off the send delay (40 ms an answer) only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as refused:
        listener.close()
        reason = refused.strerror or str(refused)
        sys.exit(f"The sandbox cannot listen on {host} port {port}: {reason}. Choose another --port.")
    return listener


def main(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. There is no access log: request lines carry access tokens."""
    asked = _arguments(argv)
    listener = _listen(asked.host, asked.port)
    settings = Settings(asked.accounts, asked.days, asked.seed, asked.ads, asked.now, asked.job_polls)
    app = create(settings, command.rules(asked), asked.fault_seed)
    config = uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off",
                            timeout_graceful_shutdown=2, timeout_keep_alive=75, server_header=False)  # fmt: skip
    hush()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again once it has stopped
    sys.stdout.write(
        f"Sandbox Marketing API at http://{asked.host}:{listener.getsockname()[1]} ({asked.accounts} accounts)\n"
    )
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, app.state.stopping).run(sockets=[listener])


if __name__ == "__main__":
    main()
