"""``run``: store, sandbox with the sample clients, a first refresh, a worker and the dashboard, until Ctrl-C."""

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
from lib.access.audit import OPERATOR_ACTOR, Action, note
from lib.commands.processes import Child, free_port, is_free
from lib.commands.refresh import followed, say
from lib.errors import AppError, Conflict
from lib.refresh.run import note_run
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
    link, has_samples = asyncio.run(_prepare(url, settings))
    dashboard = _start_dashboard(settings, everything)
    watched = [dashboard]
    if has_samples:
        watched.append(_start_sandbox(settings, url, everything))
    watched.append(_start_worker(settings, everything))
    if has_samples:
        asyncio.run(_first_refresh(url))
    dashboard.wait_until_answers(f"http://{settings.host}:{settings.port}/healthz")
    json.dump({"url": settings.base_url}, lock)
    lock.flush()
    _say(link, stream=sys.stdout)
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
    base_url = json.loads(text)["url"]
    _say(f"The dashboard runs already at {base_url}; it was left alone.")
    with opened(settings) as url:
        _say(asyncio.run(_way_in(url, base_url)), stream=sys.stdout)
    return 0


async def _way_in(url: URL, base_url: str) -> str:
    """The line with a new link to sign in; without one and with the reason where the local admin is disabled."""
    store = Store(url, pool_size=1)
    try:
        token = await sessions.make_link(store, await people.ensure_local_admin(store), LINK_LIVES)
    except Conflict as error:
        return f"Open {base_url}\n{error}"
    finally:
        await store.dispose()
    return f"Open {base_url}/sign-in?token={token}"


async def _prepare(url: URL, settings: Settings) -> tuple[str, bool]:
    """The line with the way in, and whether there are sample clients or are to be some."""
    TokenVault(settings)
    way_in = await _way_in(url, settings.base_url)
    store = Store(url, pool_size=1)
    try:
        async with store.working() as session:
            wanted = not settings.meta_graph_url and await clients.claim_samples(session)
            known = [client for client in await clients.all_clients(session) if client.is_sample]
        return way_in, wanted or bool(known)
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
            vault = TokenVault(settings)
            for name, some in SAMPLE_CLIENTS:
                client = await clients.add_client(
                    session,
                    name=name,
                    graph_url=address,
                    account_ids=accounts[some],
                    seal=lambda: vault.seal("sandbox"),
                    is_sample=True,
                )
                after = {"name": name, "accounts": [str(number) for number in accounts[some]], "is_sample": True}
                about = {"subject": client.slug, "client_id": client.id, "after": after}
                await note(session, OPERATOR_ACTOR, Action.ADDED_CLIENT, via="cli", **about)
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
        say(await followed(store, await note_run(store, account_ids=frozenset(waiting), since=since)))
    finally:
        await store.dispose()


def _start_dashboard(settings: Settings, everything: ExitStack) -> Child:
    words = ["-m", "uvicorn", "dashboard.server:app", "--host", settings.host, "--port", str(settings.port)]
    quiet = ["--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    dashboard = Child("dashboard", words + quiet, settings.data_path / "logs" / "dashboard.log")
    everything.callback(dashboard.stop)
    return dashboard


def _start_worker(settings: Settings, everything: ExitStack) -> Child:
    worker = Child("worker", ["-m", "lib", "worker"], settings.data_path / "logs" / "worker.log")
    everything.callback(worker.stop)
    return worker


def _say(sentence: str, stream: IO[str] = sys.stderr) -> None:
    stream.write(f"{sentence}\n")
    stream.flush()
