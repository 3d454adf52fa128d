"""``run``: the store, the sandbox with the sample clients, a first refresh and the dashboard, until Ctrl-C."""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import json
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import IO

from sqlalchemy.engine import URL

from lib.access import people, sessions
from lib.commands.processes import Child, free_port, is_free
from lib.commands.refresh import say
from lib.commands.terminal import progress_bar
from lib.errors import AppError
from lib.refresh.run import execute_run, prepare, start_run
from lib.settings import Settings
from lib.store.embedded import prepare_data_dir
from lib.store.engine import Store
from lib.store.opening import opened
from lib.store.repositories import clients
from lib.store.secrets import TokenVault

HELP = "start everything and serve the dashboard until Ctrl-C"
LINK_LIVES = dt.timedelta(hours=12)
FIRST_DAYS = 90
"""What the samples begin with: enough for the periods before the ones that people look at first."""
SAMPLES = ("--accounts", "3", "--days", "400", "--seed", "7")
SAMPLE_CLIENTS = (("Nordlicht Outdoor (sample)", slice(0, 2)), ("Hanami Tea (sample)", slice(2, None)))
"""Two clients share the sandbox's accounts; the first has two currencies. The names are in every page and export."""


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(KeyboardInterrupt):
    """Ctrl-C, SIGTERM or a closed terminal: time to go home."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def serve(settings: Settings) -> int:
    """Start everything, print the link, and serve until a signal; 0 when it was asked to stop."""
    prepare_data_dir(settings.data_path)
    with _only_one(settings) as lock:
        if lock is None:
            return _point_to_the_other(settings)
        for number in STOPPING:
            signal.signal(number, _stop)
        try:
            with ExitStack() as everything:
                try:
                    _start(settings, everything, lock)
                finally:
                    # A second Ctrl-C would cut the servers' own endings short.
                    for number in STOPPING:
                        signal.signal(number, signal.SIG_IGN)
        except _Stopped:
            _say("Stopped. Everything is stored; `make run` goes on from here.")
    return 0


def _start(settings: Settings, everything: ExitStack, lock: IO[str]) -> None:
    if not is_free(settings.host, settings.port):
        raise AppError(
            f"Port {settings.port} is taken by another program; nothing was started.",
            f"Stop that program, or choose another port: `PORT={settings.port + 1} make run`.",
        )
    url = everything.enter_context(opened(settings))
    link_token, has_samples = asyncio.run(_prepare(url, settings))
    dashboard = _start_dashboard(settings, everything)
    watched = [dashboard]
    if has_samples:
        watched.append(_start_sandbox(settings, url, everything))
        asyncio.run(_first_refresh(url))
    dashboard.wait_until_answers(f"http://{settings.host}:{settings.port}/healthz")
    json.dump({"url": settings.base_url}, lock)
    lock.flush()
    _say(_link(settings, link_token), stream=sys.stdout)
    while True:
        for child in watched:
            if child.has_ended:
                raise child.failure("ended")
        time.sleep(0.5)  # nothing else to do until a signal comes or a server ends


@contextmanager
def _only_one(settings: Settings) -> Iterator[IO[str] | None]:
    """The lock of a running ``run`` in this DATA_DIR; ``None`` where another holds it."""
    with (settings.data_path / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        file.truncate(0)
        yield file


def _point_to_the_other(settings: Settings) -> int:
    text = (settings.data_path / "run.lock").read_text()
    if not text:
        _say("Another `make run` with this data folder is starting; it was left alone.")
        return 0
    _say(f"The dashboard runs already at {json.loads(text)['url']}; it was left alone. A new link to sign in:")
    with opened(settings) as url:
        _say(_link(settings, asyncio.run(_make_link(url)), json.loads(text)["url"]), stream=sys.stdout)
    return 0


def _link(settings: Settings, token: str, base_url: str = "") -> str:
    return f"Open {base_url or settings.base_url}/sign-in?token={token}"


async def _make_link(url: URL) -> str:
    store = Store(url, pool_size=1)
    try:
        return await sessions.make_link(store, await people.ensure_local_admin(store), LINK_LIVES)
    finally:
        await store.dispose()


async def _prepare(url: URL, settings: Settings) -> tuple[str, bool]:
    """A link to sign in, and whether there are sample clients or are to be some."""
    TokenVault(settings)
    token = await _make_link(url)
    store = Store(url, pool_size=1)
    try:
        async with store.working() as session:
            wanted = not settings.meta_graph_url and await clients.claim_samples(session)
            known = [client for client in await clients.all_clients(session) if client.is_sample]
        return token, wanted or bool(known)
    finally:
        await store.dispose()


def _start_sandbox(settings: Settings, url: URL, everything: ExitStack) -> Child:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    sandbox = Child(
        "sandbox", ["-m", "sandbox", "--port", str(port), *SAMPLES], settings.data_path / "logs" / "sandbox.log"
    )
    everything.callback(sandbox.stop)
    sandbox.wait_until_answers(f"{address}/__sandbox/health")
    asyncio.run(_point_samples(url, settings, address))
    return sandbox


async def _point_samples(url: URL, settings: Settings, address: str) -> None:
    """Tell the sample clients where the sandbox listens now; add them where the store has none yet."""
    store = Store(url, pool_size=1)
    try:
        async with store.working() as session:
            if await clients.point_samples_at(session, address):
                return
            with urllib.request.urlopen(f"{address}/__sandbox/accounts", timeout=10) as answer:  # noqa: S310, ASYNC210 (ours)
                body = json.load(answer)
            accounts = [int(one["account_id"]) for one in (body["accounts"] if isinstance(body, dict) else body)]
            sealed = TokenVault(settings).seal("sandbox")
            for name, some in SAMPLE_CLIENTS:
                await clients.add_client(
                    session,
                    name=name,
                    graph_url=address,
                    account_ids=accounts[some],
                    sealed_token=sealed,
                    is_sample=True,
                )
    finally:
        await store.dispose()


async def _first_refresh(url: URL) -> None:
    """Refresh the sample accounts that have no day yet."""
    store = Store(url)
    try:
        async with store.working() as session:
            waiting = await clients.samples_without_days(session)
        if not waiting:
            return
        since = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=FIRST_DAYS)
        run_id = await start_run(store, account_ids=frozenset(waiting), since=since)
        report = await prepare(store, run_id)
        async with progress_bar(report):
            await execute_run(store, run_id, report)
        say(report)
    finally:
        await store.dispose()


def _start_dashboard(settings: Settings, everything: ExitStack) -> Child:
    words = ["-m", "uvicorn", "dashboard.server:app", "--host", settings.host, "--port", str(settings.port)]
    quiet = ["--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    dashboard = Child("dashboard", words + quiet, settings.data_path / "logs" / "dashboard.log")
    everything.callback(dashboard.stop)
    return dashboard


def _say(sentence: str, stream: IO[str] = sys.stderr) -> None:
    stream.write(f"{sentence}\n")
    stream.flush()
