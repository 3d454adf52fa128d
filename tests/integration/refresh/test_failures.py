"""What goes wrong is told in a sentence, with the right exit code, and costs nothing that was stored."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import URL

from lib.errors import MetaError
from lib.meta.service import MetaService
from lib.refresh.account import AccountRefresh
from lib.refresh.run import start_run
from lib.refresh.state import AccountState, Wanted
from lib.store.engine import Store
from tests.fixtures_database import Database, Rows
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import KEY, Cli, Finished, run_here, settings_for
from tests.fixtures_sandbox import LAST_DAY, PRESENT, Sandbox, Serve
from tests.fixtures_wire import Answer, Asked, Wire, refusal

SPAN = ("--since", LAST_DAY.isoformat(), "--until", LAST_DAY.isoformat())
TODAY = dt.datetime.now(dt.UTC).date()
Add = Callable[..., str]
GOOD = "fine"


@pytest.fixture
def add(command: Cli, settings_of_test: dict[str, str]) -> Add:
    """Add a client; its slug."""

    def run(graph_url: str, name: str, *account_ids: int, token: str = GOOD) -> str:
        settings_of_test["META_GRAPH_URL"] = graph_url
        words = [word for number in account_ids for word in ("--account", str(number))]
        done = command("client", "add", "--name", name, *words, "--token-stdin", stdin=token)
        assert done.code == 0, done.stderr
        return done.stdout.strip()

    return run


def sentence(done: Finished) -> str:
    """What was said: nothing on stdout and no traceback."""
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().endswith((".", "`"))
    return done.stderr


@pytest.fixture(scope="module")
def sick(sandbox: Sandbox, database_url: URL, database_of_worker: Database) -> tuple[Finished, Finished, Rows]:
    """Five clients, four of them sick, refreshed together; then one sick one alone; then what is stored."""
    database_of_worker.empty()
    tokens = ("fine", "expired1", "forbidden1", "password1", "fine")
    for number, (token, account_id) in enumerate(zip(tokens, sandbox.ids, strict=False)):
        settings = settings_for(database_url, sandbox.url)
        words = ("--name", f"Client {number}", "--account", f"act_{account_id}", "--token-stdin")
        assert run_here(settings, "client", "add", *words, stdin=token).code == 0
    database_of_worker.owner("UPDATE client SET graph_url = 'http://127.0.0.1:9' WHERE slug = 'client-4'")
    settings = settings_for(database_url)
    done = run_here(settings, "refresh", *SPAN, "--json")
    alone = run_here(settings, "refresh", *SPAN, "--account", f"{sandbox.ids[1]}", "--json")
    count = "SELECT count(*) FROM insight i WHERE i.account_id = a.account_id"
    stored = f"SELECT c.slug, ({count}), k.state FROM client c JOIN account a ON a.client_id = c.id" \
             " JOIN credential k ON k.client_id = c.id ORDER BY 1"  # fmt: skip
    return done, alone, database_of_worker.rows(stored)


def test_sick_accounts_stop_no_other(sick: tuple[Finished, Finished, Rows], sandbox: Sandbox) -> None:
    done, _, stored = sick
    report = json.loads(done.stdout)
    assert (done.code, report["state"]) == (3, "partial")
    found = {int(account["account_id"]): account for account in report["accounts"]}
    healthy, *ill = (found[number] for number in sandbox.ids[:5])
    assert (healthy["state"], healthy["error"]) == ("complete", None)
    assert healthy["rows"] == stored[0][1] > 0
    for account in ill:
        assert (account["state"], account["rows"], account["slices"]) == ("failed", 0, 0)
        assert list(account["error"]) == ["code", "subcode", "trace_id", "message", "remedy"]
        assert (account["error"]["trace_id"] is None) == (account["error"]["code"] is None)
    codes = [(account["error"]["code"], account["error"]["subcode"]) for account in ill]
    assert codes == [(190, 463), (200, None), (190, 460), (None, None)]
    assert [count for _, count, _ in stored] == [healthy["rows"], 0, 0, 0, 0]


def test_each_failure_is_told_with_what_to_do(sick: tuple[Finished, Finished, Rows], sandbox: Sandbox) -> None:
    done, _, stored = sick
    for number, words in enumerate((("expired", "client-1"), ("ads_read",), ("password", "client-3"),
                                    ("cannot be reached", "Nothing was lost")), start=1):  # fmt: skip
        (line,) = [line for line in done.stderr.splitlines() if line.startswith(f"act_{sandbox.ids[number]} ")]
        assert all(word in line for word in words), line
    assert "1 of 5 accounts complete" in done.stderr
    assert [state for *_, state in stored] == ["valid", "dead", "unchecked", "dead", "valid"]


def test_when_all_accounts_fail_the_run_failed(sick: tuple[Finished, Finished, Rows]) -> None:
    report = json.loads(sick[1].stdout)
    assert (sick[1].code, report["state"]) == (3, "failed")
    assert len(report["accounts"]) == 1


def test_a_new_token_cures(add: Add, hand_made: HandMade, command: Cli, sandbox: Sandbox, database: Database) -> None:
    slug = add(sandbox.url, "One", sandbox.ids[0], token="expired")
    assert command("refresh", *SPAN).code == 3
    assert command("client", "token", slug, "--token-stdin", stdin="fresh").code == 0
    assert command("refresh", *SPAN).code == 0
    assert database.rows("SELECT state FROM credential") == [("valid",)]


@pytest.mark.parametrize(
    "asking", [("refresh", *SPAN), ("client", "token", "one", "--token-stdin")], ids=["refresh", "client token"]
)
def test_a_token_that_came_meanwhile_is_not_called_dead(
    add: Add, wire: Wire, hand_made: HandMade, command: Cli, database: Database, asking: tuple[str, ...]
) -> None:
    hand_made.add_account(1)
    assert add(hand_made.url, "One", 1, token="old") == "one"
    good = Fernet(KEY).encrypt(b"good")

    def dead(asked: Asked) -> Answer:
        database.owner("UPDATE credential SET token_encrypted = %s, state = 'valid'", [good])
        return refusal(400, 190, 463, "The access token has expired")

    wire.reply = dead
    command(*asking, stdin="old")
    assert database.rows("SELECT token_encrypted, state FROM credential") == [(good, "valid")]


BAD = [
    (("--since", "2026-05-02", "--until", "2026-05-01"), "after"),
    (("--since", (TODAY + dt.timedelta(days=3)).isoformat()), "future"),
    (("--since", (TODAY - dt.timedelta(days=37 * 31)).isoformat()), "37 months"),
    (("--until", "2019-01-01"), "37 months"),
    (("--since", "yesterday"), "not a date"),
    (("--since", "20260501"), "not a date"),
    (("--since", "2026-02-30"), "not a date"),
    (("--account", "act_4711"), "act_4711"),
    (("--account", "act_x"), "account id"),
    (("--account", ""), "account id"),
    (("--account", "9" * 40), "account id"),
    (("--account", "-5"), ""),
    (("--fast",), "--fast"),
    (("extra",), "extra"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words)[:40] for words, _ in BAD])
def test_words_that_are_off_fetch_and_store_nothing(
    add: Add, hand_made: HandMade, command: Cli, database: Database, words: tuple[str, ...], said: str
) -> None:
    hand_made.add_account(1)
    add(hand_made.url, "One", 1)
    asked = len(hand_made.asked)
    done = command("refresh", *words)
    assert done.code == 2
    assert said in sentence(done)
    assert len(hand_made.asked) == asked
    assert database.one("SELECT count(*) FROM refresh_run") == 0
    assert database.one("SELECT count(*) FROM slice") == 0


def test_without_a_client_there_is_nothing_to_do(command: Cli, database: Database) -> None:
    done = command("refresh", "--json")
    assert done.code == 0
    assert json.loads(done.stdout)["accounts"] == []
    assert "client add" in done.stderr


def test_a_database_that_is_down_is_a_sentence(command: Cli, settings_of_test: dict[str, str]) -> None:
    settings_of_test["DATABASE_URL"] = "postgresql://someone:hunter2@127.0.0.1:9/ads"
    done = command("refresh", *SPAN)
    assert done.code == 1
    assert "cannot be reached" in sentence(done)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("url", ["mysql://x/y", "not an address", "postgresql://"])
def test_an_address_that_is_none_is_a_sentence(command: Cli, settings_of_test: dict[str, str], url: str) -> None:
    settings_of_test["DATABASE_URL"] = url
    done = command("refresh", *SPAN)
    assert done.code == 1
    sentence(done)


def full_disk(database: Database, only_account: int | None = None) -> None:
    """PostgreSQL itself says that its disk is full, at each insert of rows."""
    when = f"IF NEW.account_id = {only_account} THEN" if only_account else "IF true THEN"
    database.owner(
        f"CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {when}"
        " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END IF;"
        " RETURN NEW; END $$"
    )
    database.owner("CREATE TRIGGER full_disk BEFORE INSERT ON insight FOR EACH ROW EXECUTE FUNCTION no_space()")


def empty_disk(database: Database) -> None:
    database.owner("DROP TRIGGER full_disk ON insight")
    database.owner("DROP FUNCTION no_space")


def test_a_full_disk_is_a_sentence_and_the_old_rows_are_whole(
    add: Add, hand_made: HandMade, command: Cli, database: Database
) -> None:
    for number in (1, 2):
        hand_made.add_account(number)
        hand_made.add_row(number, LAST_DAY, 7)
    add(hand_made.url, "One", 1, 2)
    assert command("refresh", *SPAN).code == 0
    everything = "SELECT * FROM insight JOIN slice USING (account_id, date) ORDER BY account_id, ad_id"
    before = database.rows(everything)
    hand_made.add_row(1, LAST_DAY, 8)
    full_disk(database)
    try:
        done = command("refresh", *SPAN, "--json")
    finally:
        empty_disk(database)
    assert done.code == 1
    assert "no space left" in sentence(done)
    assert "whole" in done.stderr
    assert database.rows(everything) == before
    states = "SELECT r.state, a.state, a.error_message IS NULL FROM refresh_run r JOIN refresh_run_account a" \
             " ON a.run_id = r.id ORDER BY r.started_at DESC LIMIT 2"  # fmt: skip
    assert set(database.rows(states)) == {("failed", "failed", False)}
    assert command("refresh", *SPAN).code == 0
    assert database.one("SELECT count(*) FROM insight") == 3


@pytest.fixture
def at_the_date_line(serve_sandbox: Serve) -> tuple[Sandbox, dt.datetime]:
    """A moment when Berlin, Los Angeles and Tokyo do not agree on the date."""
    now = PRESENT.replace(hour=23, minute=30)
    return serve_sandbox("--accounts", "3", "--days", "60", "--seed", "7", "--ads", "12", now=now), now


async def test_by_default_each_account_gets_its_own_28_complete_days_and_today(
    store: Store, at_the_date_line: tuple[Sandbox, dt.datetime], database_of_worker: Database
) -> None:
    sandbox, now = at_the_date_line
    database_of_worker.owner("INSERT INTO client (slug, name, graph_url) VALUES ('a', 'A', '')")
    for account in sandbox.accounts:
        database_of_worker.owner(
            "INSERT INTO account (account_id, client_id, name) SELECT %s, id, 'A' FROM client", [account.account_id]
        )
    run_id = await start_run(store)
    with ThreadPoolExecutor(1) as executor:
        for account_id in sandbox.ids:
            service = MetaService("fine", sandbox.url)
            state = AccountState(account_id, "A")
            await AccountRefresh(store, service, state, Wanted(run_id), executor, now).refresh()
            service.close()
            assert (state.days_total, state.days_done, state.slices) == (29, 29, 29)
    today = now.date()
    tomorrow = today + dt.timedelta(days=1)
    last = dict(database_of_worker.rows("SELECT account_id, max(date) FROM slice GROUP BY 1"))
    assert [last[number] for number in sandbox.ids] == [tomorrow, today, tomorrow], "Berlin, Los Angeles, Tokyo"
    running = database_of_worker.rows("SELECT account_id, date FROM slice WHERE NOT account_day_ended")
    assert dict(running) == last
    spend = database_of_worker.rows(
        "SELECT account_id, date, round(sum(spend_micros) / 1000000.0, 2) FROM insight GROUP BY 1, 2"
    )
    truth = {
        (number, dt.date.fromisoformat(day["date"])): day["spend"]
        for number in sandbox.ids
        for day in sandbox.days(number, last[number] - dt.timedelta(days=28), last[number])
    }
    assert {(number, date): float(amount) for number, date, amount in spend} == {
        key: float(amount) for key, amount in truth.items() if float(amount)
    }


async def test_a_day_of_which_nothing_can_be_read_leaves_every_other(
    store: Store, hand_made: HandMade, database_of_worker: Database
) -> None:
    database_of_worker.owner("INSERT INTO client (slug, name, graph_url) VALUES ('a', 'A', '')")
    database_of_worker.owner("INSERT INTO account (account_id, client_id, name) SELECT 1, id, 'A' FROM client")
    hand_made.add_account(1)
    for days in range(10):
        hand_made.add_row(1, LAST_DAY - dt.timedelta(days=days), 5)
    hand_made.add_row(1, LAST_DAY - dt.timedelta(days=9), 6, clicks="many")
    run_id = await start_run(store)
    service = MetaService("t", hand_made.url)
    with ThreadPoolExecutor(1) as executor:
        state, since = AccountState(1, "A"), LAST_DAY - dt.timedelta(days=9)
        wanted = Wanted(run_id, since=since, until=LAST_DAY)
        work = AccountRefresh(store, service, state, wanted, executor, PRESENT)
        with pytest.raises(MetaError, match="many"):
            await work.refresh()
    service.close()
    found = database_of_worker.rows("SELECT date FROM slice ORDER BY 1 DESC")
    assert found == [(LAST_DAY - dt.timedelta(days=days),) for days in range(9)]
    assert database_of_worker.one("SELECT count(*) FROM insight") == 9
