"""The live websocket: who may watch a run, what is told, and what neither strangers nor slow readers can do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import json
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.edge import PREFIX
from api.main import create_api
from api.routes.live import Pace
from lib.access import sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.people import put_person
from lib.access.personal_tokens import create_token, list_tokens, revoke_token
from lib.access.viewer import Role
from lib.refresh.live import Feed, Live
from lib.refresh.progress import RunProgress
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.repositories import runs
from tests.fixtures_sandbox import Sandbox
from tests.fixtures_wire import Wire
from tests.integration.api import houses
from tests.integration.api.conftest import House
from tests.integration.api.test_refresh_runs import managed
from tests.issuing import AUDIENCE, LocalIssuer
from tests.serving import Served, arrives, serving

QUICK = Pace(poll_s=0.02, heartbeat_s=30, recheck_s=0.05, patience_s=0.3)
QUIET = Pace(poll_s=0.02, heartbeat_s=30, recheck_s=30, patience_s=5)
Message = dict[str, Any]


@dataclass
class Site:
    """A served API at some pace."""

    house: House
    served: Served
    live: Live

    @property
    def store(self) -> Store:
        return self.house.store

    def address(self, run: object, **more: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in {"run": str(run), **more}.items())
        return f"{self.served.ws_url}{PREFIX}/live?{query}"

    def watch(self, run: object, who: str = "viewer", **options: Any) -> connect:
        """A websocket of this person's, by their token; of nobody's without a name."""
        bearer = {"authorization": f"Bearer {self.house.tokens[who]}"} if who else {}
        headers = {**bearer, **options.pop("headers", {})}
        return connect(self.address(run), additional_headers=headers, proxy=None, **options)

    async def do(self, statement: str, **values: Any) -> None:
        async with self.store.working() as session:
            await session.execute(text(statement), values)

    async def advance(self, run: uuid.UUID, days: int, account_id: int = 1101) -> None:
        """So many days of the account are stored."""
        await self.do(
            "UPDATE refresh_run_account SET days_done = :days, days_total = 1000000"
            " WHERE run_id = :run AND account_id = :account",
            days=days,
            run=run,
            account=account_id,
        )

    async def finish(self, run: uuid.UUID, state: str = "complete") -> None:
        """The run has ended."""
        await self.do(
            "UPDATE refresh_run SET state = :state, finished_at = now() WHERE id = :run", state=state, run=run
        )

    async def end(self, run: uuid.UUID, account_id: int, state: str) -> None:
        """Nothing more is to come of this account."""
        async with self.store.working() as session:
            await runs.write_account(session, run, account_id, {"state": state})
            await runs.end_run(session, run)

    async def run(self, *account_ids: int) -> uuid.UUID:
        """A run of these accounts that is going on."""
        return await houses.add_run(self.store, list(account_ids or (1101, 1102)), state="running")


@asynccontextmanager
async def at_pace(house: House, pace: Pace, settings: Settings | None = None) -> AsyncIterator[Site]:
    api = create_api(lambda: house.store, settings=settings or Settings(_env_file=None))
    api.state.pace, api.state.live = pace, Live(lambda: house.store, poll_s=pace.poll_s)
    async with serving(Starlette(routes=[Mount(PREFIX, app=api)])) as served:
        yield Site(house, served, api.state.live)


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    async with at_pace(house, QUICK) as found:
        yield found


async def heard(websocket: ClientConnection) -> Message:
    found: Message = json.loads(await asyncio.wait_for(websocket.recv(), 20))
    return found


async def heard_until(websocket: ClientConnection, holds: Callable[[Message], Any]) -> Message:
    while not holds(message := await heard(websocket)):
        pass
    return message


async def closed(websocket: ClientConnection) -> tuple[int, str]:
    """How the server ends it; what it says before is passed over."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await heard(websocket)
    return websocket.close_code or 0, websocket.close_reason or ""


async def refused(opening: connect) -> tuple[int, Message]:
    """The answer in the place of a websocket."""
    with pytest.raises(InvalidStatus) as problem:
        async with opening:
            pass
    body: Message = json.loads(problem.value.response.body or b"{}")
    return problem.value.response.status_code, body["error"]


def days(message: Message) -> list[int]:
    return [account["days_done"] for account in message["run"]["accounts"]]


async def test_progress_is_told_until_the_run_ends(site: Site) -> None:
    run = await site.run()
    async with site.watch(run) as websocket:
        first = await heard(websocket)
        assert (first["type"], first["run"]["state"], days(first)) == ("progress", "running", [0, 0])
        assert [account["account_id"] for account in first["run"]["accounts"]] == ["1101", "1102"]
        for number in (1, 5, 9):
            await site.advance(run, number)
            assert days(await heard(websocket)) == [number, 0]
        await site.finish(run, "partial")
        last = await heard(websocket)
        assert (last["type"], last["run"]["state"]) == ("end", "partial")
        assert 0 < last["run"]["fraction"] < 1, "nobody had all of it"
        assert await closed(websocket) == (1000, "The run has ended.")
    await arrives(lambda: site.live.watchers == 0, "nobody watches")
    by_http = await (await site.house.asking("viewer")).get(f"/refresh-runs/{run}")
    assert by_http.json()["data"] == last["run"]


async def test_a_run_that_ended_before_is_told_at_once(site: Site) -> None:
    run = await houses.add_run(site.store, [1101], finished_at=dt.datetime.now(dt.UTC))
    async with site.watch(run) as websocket:
        assert (await heard(websocket))["type"] == "end"
        assert (await closed(websocket))[0] == 1000


async def test_a_run_whose_worker_was_killed_says_that_nobody_works_on_it(site: Site) -> None:
    run = await site.run()
    async with site.watch(run) as websocket:
        first = await heard(websocket)
        assert (first["type"], first["run"]["has_worker"]) == ("progress", True)
        await site.do("UPDATE refresh_run SET heartbeat_at = now() - interval '61 s'")
        later = await heard(websocket)
        assert (later["type"], later["run"]["state"], later["run"]["has_worker"]) == ("progress", "running", False)


async def test_each_sees_the_accounts_that_are_open_to_them(site: Site) -> None:
    run = await site.run(1101, 1102, 990011)
    seen = {}
    for who in ("viewer", "zed", "admin"):
        async with site.watch(run, who) as websocket:
            text_of_it = json.dumps(message := await heard(websocket))
            seen[who] = [account["account_id"] for account in message["run"]["accounts"]]
            assert who != "viewer" or not houses.FOREIGN.search(text_of_it)
    assert seen == {"viewer": ["1101", "1102"], "zed": ["990011"], "admin": ["1101", "1102", "990011"]}


async def test_what_becomes_of_accounts_of_others_is_no_news(site: Site) -> None:
    run = await site.run(1101, 990011)
    async with site.watch(run) as websocket, site.watch(run, "admin") as whole:
        assert (await heard(websocket))["run"]["state"] == "running"
        await site.end(run, 990011, "failed")
        told = await heard_until(whole, lambda message: message["run"]["accounts"][1]["state"] == "failed")
        assert (told["type"], told["run"]["state"]) == ("progress", "running")
        await site.end(run, 1101, "complete")
        last = await heard(websocket)
        assert (last["type"], last["run"]["state"]) == ("end", "complete")
        ended = last["run"]["finished_at"]
        assert ended == (await heard_until(whole, lambda message: message["type"] == "end"))["run"]["finished_at"]
    other = await site.run(1101, 990011)
    async with site.watch(other) as websocket:
        await site.end(other, 1101, "complete")
        last = await heard_until(websocket, lambda message: message["type"] == "end")
        assert last["run"]["finished_at"] is not None
        assert await closed(websocket) == (1000, "The run has ended.")
        async with site.watch(other, "zed") as theirs:
            assert (await heard(theirs))["run"]["finished_at"] is None


async def test_a_foreign_run_is_as_little_there_as_an_unknown_one(site: Site) -> None:
    foreign = await site.run(990011)
    told = [await refused(site.watch(run)) for run in (foreign, uuid.uuid4(), "", "x", "a" * 3000, "%00")]
    assert told[0][0] == 404
    assert told[0][1]["code"] == "not_found"
    assert all(each == told[0] for each in told)
    assert site.live.watchers == 0


async def test_nobody_watches_without_signing_in(site: Site) -> None:
    run = await site.run()
    good = site.house.tokens["viewer"]
    assert (await refused(site.watch(run, "")))[0] == 401
    for bad in ("Bearer x", "Bearer", f"Basic {good}", "Bearer ads_pat_unknown"):
        status, problem = await refused(site.watch(run, "", headers={"authorization": bad}))
        assert (status, problem["code"]) == (401, "unauthorized")
    for name in ("token", "access_token", "authorization", "bearer"):
        opening = connect(site.address(run, **{name: good}), proxy=None)
        assert (await refused(opening))[0] == 401


async def test_the_token_may_come_as_a_subprotocol_and_is_not_said_again(site: Site) -> None:
    run = await site.run()
    good = site.house.tokens["viewer"]
    async with site.watch(run, "", subprotocols=["ads.live", f"bearer.{good}"]) as websocket:
        assert websocket.subprotocol == "ads.live"
        assert websocket.response is not None
        assert good not in str(websocket.response.headers)
        assert (await heard(websocket))["type"] == "progress"
    for ill in (["ads.live", "bearer.x"], ["ads.live", f"bearer.{good}", f"bearer.{good}"], ["ads.live", good]):
        assert (await refused(site.watch(run, "", subprotocols=ill)))[0] == 401
    assert (await refused(site.watch(run, "viewer", subprotocols=["ads.live", f"bearer.{good}"])))[0] == 401


async def test_a_cookie_counts_for_pages_of_ours_alone(site: Site) -> None:
    run = await site.run()
    token = await sessions.create_session(site.store, site.house.people["viewer"], "local")
    cookie = {"cookie": f"ads_session={token}"}
    for origin in (site.served.url, "http://localhost:8501"):
        async with site.watch(run, "", headers=cookie, origin=origin) as websocket:
            assert (await heard(websocket))["type"] == "progress"
    for origin in (None, "https://evil.test", "null", site.served.url + ".evil.test", "http://127.0.0.1:9"):
        assert (await refused(site.watch(run, "", headers=cookie, origin=origin)))[0] == 403
    both = {**cookie, "authorization": "Bearer ads_pat_unknown"}
    assert (await refused(site.watch(run, "", headers=both, origin=site.served.url)))[0] == 401


async def test_a_heartbeat_comes_where_nothing_is_new(house: House) -> None:
    async with at_pace(house, Pace(poll_s=0.02, heartbeat_s=0.05, recheck_s=30)) as site:
        run = await site.run()
        async with site.watch(run) as websocket:
            assert (await heard(websocket))["type"] == "progress"
            assert [await heard(websocket) for _ in range(3)] == [{"type": "heartbeat"}] * 3
            await site.advance(run, 3)
            assert days(await heard_until(websocket, lambda message: message["type"] == "progress")) == [3, 0]


@pytest.mark.parametrize("what", ["session", "token", "person", "expired"])
async def test_a_sign_in_that_ends_ends_the_websocket(site: Site, what: str) -> None:
    run = await site.run()
    session = await sessions.create_session(site.store, site.house.people["viewer"], "local")
    by_cookie = {"headers": {"cookie": f"ads_session={session}"}, "origin": site.served.url}
    options: dict[str, Any] = {"who": "", **by_cookie} if what == "session" else {}
    async with site.watch(run, **options) as websocket, site.watch(run, "manager") as other:
        assert (await heard(websocket))["type"] == (await heard(other))["type"] == "progress"
        if what == "session":
            await sessions.revoke(site.store, sessions.token_hash(session))
        elif what == "token":
            await revoke_token(site.store, OPERATOR_ACTOR, (await list_tokens(site.store, "viewer@example.com"))[0].id)
        elif what == "person":
            await site.do("UPDATE app_user SET is_active = false WHERE email = 'viewer@example.com'")
        else:
            person = site.house.people["viewer"]
            await site.do("UPDATE personal_token SET expires_at = now() WHERE user_id = :person", person=person)
        assert await closed(websocket) == (4401, "The sign-in has ended.")
        await site.advance(run, 4)
        assert days(await heard(other)) == [4, 0]


async def test_a_signed_token_that_runs_out_ends_the_websocket(house: House, wire: Wire) -> None:
    issuer = LocalIssuer(wire)
    settings = Settings(_env_file=None, jwt_issuers=[{"issuer": issuer.name, "audience": AUDIENCE}])
    leeway_s, left_s = 30, 2
    async with at_pace(house, QUICK, settings) as site:
        run = await site.run()
        ends = int(dt.datetime.now(dt.UTC).timestamp()) - leeway_s + left_s
        token = issuer.token(email="viewer@example.com", exp=ends)
        async with site.watch(run, "", headers={"authorization": f"Bearer {token}"}) as websocket:
            assert (await heard(websocket))["type"] == "progress"
            assert await closed(websocket) == (4401, "The sign-in has ended.")


async def test_grants_that_change_change_what_is_told(site: Site) -> None:
    run = await site.run(1101, 990011)
    async with site.watch(run) as websocket:
        assert [one["account_id"] for one in (await heard(websocket))["run"]["accounts"]] == ["1101"]
        await put_person(site.store, "viewer@example.com", Role.VIEWER, slugs=["acme", "zebra"])
        assert [one["account_id"] for one in (await heard(websocket))["run"]["accounts"]] == ["1101", "990011"]
        await put_person(site.store, "viewer@example.com", Role.VIEWER, slugs=["zebra"])
        assert [one["account_id"] for one in (await heard(websocket))["run"]["accounts"]] == ["990011"]
        await put_person(site.store, "viewer@example.com", Role.VIEWER, slugs=[])
        assert await closed(websocket) == (4404, "The run is not there any more.")
    await arrives(lambda: site.live.watchers == 0, "nobody watches")


async def test_many_watch_with_one_look_at_the_store(house: House) -> None:
    async with at_pace(house, QUIET) as site:
        run = await site.run()
        names = ("viewer", "analyst", "manager")
        looking = 5  # the transaction, the run, its accounts and their names; one of the two in advance
        opened = [await site.watch(run, names[number % 3]).__aenter__() for number in range(20)]
        assert [days(await heard(websocket)) for websocket in opened] == [[0, 0]] * 20
        assert site.live.watchers == 20
        before, started = site.store.statements, asyncio.get_running_loop().time()
        for number in range(1, 11):
            await site.advance(run, number)
            told = [await heard(websocket) for websocket in opened]
            assert [days(message) for message in told] == [[number, 0]] * 20
        looks = (asyncio.get_running_loop().time() - started) / QUIET.poll_s + 1
        assert site.store.statements - before <= 10 * 2 + looks * looking
        for websocket in opened:
            await websocket.close()
        await arrives(lambda: site.live.watchers == 0, "nobody watches")
        quiet = site.store.statements
        await asyncio.sleep(5 * QUIET.poll_s)
        assert site.store.statements == quiet


async def test_twenty_who_come_at_once_cause_one_look(house: House) -> None:
    async with at_pace(house, Pace(poll_s=60, heartbeat_s=30, recheck_s=30)) as site:
        run = await site.run()
        for who in ("viewer", "analyst"):
            await (await house.asking(who)).get("/me")
        before = site.store.statements
        openings = [site.watch(run, ("viewer", "analyst")[number % 2]) for number in range(20)]
        opened = await asyncio.gather(*(opening.__aenter__() for opening in openings))
        assert [days(await heard(websocket)) for websocket in opened] == [[0, 0]] * 20
        # Two statements say who someone is; three how far the run is.
        assert site.store.statements - before == 20 * 2 + 3
        await asyncio.gather(*(websocket.close() for websocket in opened))


async def crowded(site: Site) -> uuid.UUID:
    """A run whose every message is long: two hundred accounts with long names."""
    acme = site.house.clients["acme"]
    await site.do(
        "INSERT INTO account (account_id, client_id, name)"
        " SELECT n, :acme, repeat(md5(n::text), 12) FROM generate_series(500001, 500200) n",
        acme=acme,
    )
    return await site.run(1101, *range(500001, 500201))


@asynccontextmanager
async def silent_reader(site: Site, run: uuid.UUID) -> AsyncIterator[None]:
    """A websocket that is opened by hand and never read from."""
    loop = asyncio.get_running_loop()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.setblocking(False)
        await loop.sock_connect(reader, ("127.0.0.1", site.served.port))
        lines = [
            f"GET {PREFIX}/live?run={run} HTTP/1.1", "Host: ads.test", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "Sec-WebSocket-Version: 13",
            f"Authorization: Bearer {site.house.tokens['viewer']}", "", "",
        ]  # fmt: skip
        await loop.sock_sendall(reader, "\r\n".join(lines).encode())
        assert await loop.sock_recv(reader, 12) == b"HTTP/1.1 101"
        yield


async def test_who_does_not_read_is_dropped_and_holds_nobody_up(house: House) -> None:
    async with at_pace(house, Pace(poll_s=0.01, heartbeat_s=30, recheck_s=30, patience_s=0.3)) as site:
        run = await crowded(site)
        async with site.watch(run, "manager") as websocket:
            longest, waiting, number = len(json.dumps(await heard(websocket))), 0, 0
            async with silent_reader(site, run):
                await arrives(lambda: site.live.watchers == 2, "both watch")
                while site.live.watchers > 1:
                    number += 1
                    await site.advance(run, number)
                    assert days(await heard(websocket))[0] == number
                    waiting = max(waiting, *_waiting(site))
                    assert number < 2000, "the slow one is dropped"
                assert number > 5
                assert waiting < 64 * 1024 + 2 * longest
                await site.advance(run, 5000)
                assert days(await heard(websocket))[0] == 5000
            await site.finish(run)
            assert (await heard(websocket))["type"] == "end"
        await arrives(lambda: not _waiting(site), "the connections are gone")


def _waiting(site: Site) -> list[int]:
    """Bytes that each connection has not got rid of."""
    return [one.transport.get_write_buffer_size() for one in site.served.server.server_state.connections]


async def test_who_is_slow_misses_states_and_gets_the_newest() -> None:
    feed = Feed((uuid.uuid4(), frozenset(), frozenset()))
    now = dt.datetime.now(dt.UTC)
    reading = asyncio.create_task(feed.after(0))
    for number in range(1000):
        feed.tell(RunProgress(uuid.UUID(int=number), "running", (), now, None))
    assert await reading == feed.number == 1000
    assert feed.state is not None
    assert feed.state.run_id.int == 999
    feed.tell(feed.state)
    assert feed.number == 1000


async def test_who_leaves_is_forgotten(site: Site) -> None:
    run = await site.run()
    tasks = len(asyncio.all_tasks())
    for _ in range(5):
        async with site.watch(run) as websocket:
            await heard(websocket)
            await websocket.send("what a watcher says is thrown away" * 100)
            await websocket.send(b"\x00\xff")
            assert site.live.watchers == 1
            await site.advance(run, int.from_bytes(os.urandom(2)) + 1)
            assert (await heard(websocket))["type"] == "progress"
        await arrives(lambda: site.live.watchers == 0, "nobody watches")
    abrupt = site.watch(run)
    websocket = await abrupt.__aenter__()
    await heard(websocket)
    websocket.transport.abort()
    await arrives(lambda: site.live.watchers == 0, "nobody watches")
    await arrives(lambda: len(asyncio.all_tasks()) <= tasks, "no task stays behind")


async def test_the_end_of_the_server_ends_the_websockets(house: House) -> None:
    async with at_pace(house, QUICK) as site:
        run = await site.run()
        async with site.watch(run) as first, site.watch(run, "admin") as second:
            await heard(first)
            await heard(second)
            stopping = asyncio.create_task(site.served.stop())
            assert (await closed(first))[0] == 1012
            assert (await closed(second))[0] == 1012
            await asyncio.wait_for(stopping, 3)
        assert site.live.watchers == 0


async def test_a_hiccup_of_the_store_ends_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async with at_pace(house, QUIET) as site:
        run = await site.run()

        async def as_owner(statement: str) -> None:
            async with site.store.engine.begin() as connection:
                await connection.execute(text(statement))

        async with site.watch(run) as websocket:
            await heard(websocket)
            await as_owner("REVOKE SELECT ON refresh_run FROM ads_app")
            try:
                await arrives(lambda: "was not read" in caplog.text, "a look fails")
            finally:
                await as_owner("GRANT SELECT ON refresh_run TO ads_app")
            await site.advance(run, 8)
            assert days(await heard(websocket)) == [8, 0]


async def test_without_a_store_there_is_a_sentence(house: House) -> None:
    lost = Store(house.store.url.set(database="no_such_database"))
    beside = House(house.url, lost, house.clients, house.people, house.tokens)
    async with at_pace(beside, QUICK) as site:
        status, problem = await refused(site.watch(uuid.uuid4()))
        assert (status, problem["code"]) == (503, "unavailable")
    await lost.dispose()


async def test_a_token_for_reading_is_enough(site: Site) -> None:
    run = await site.run()
    reading = (await create_token(site.store, "viewer@example.com")).secret
    async with site.watch(run, "", headers={"authorization": f"Bearer {reading}"}) as websocket:
        assert (await heard(websocket))["type"] == "progress"


async def test_a_real_refresh_is_followed_to_its_end(store: Store, settings: Settings, sandbox: Sandbox) -> None:
    async with managed(store, settings, sandbox.url, sandbox.ids[:2]) as manager:
        run = (await manager.post("/refresh-runs", json={})).json()["data"]["id"]
        address = f"{str(manager.base_url).replace('http', 'ws', 1)}live?run={run}"
        said: list[Message] = []
        bearer = {"authorization": manager.headers["authorization"]}
        async with connect(address, additional_headers=bearer, proxy=None) as websocket:
            while not said or said[-1]["type"] != "end":
                said.append(await heard(websocket))
            assert (await closed(websocket))[0] == 1000
        stored = [message["run"]["days_done"] for message in said]
        assert stored == sorted(stored)
        assert all(message["run"]["fraction"] < 1 for message in said[:-1])
        last = said[-1]["run"]
        assert (last["state"], last["fraction"], last["days_done"]) == ("complete", 1, last["days_total"])
        assert (await manager.get(f"/refresh-runs/{run}")).json()["data"] == last
