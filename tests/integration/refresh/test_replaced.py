"""A slice is replaced whole: restated values, withdrawn rows, days without delivery, objects nobody lists."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from lib.meta.parse import COPY_COLUMNS
from lib.store.engine import Store
from lib.store.repositories.slices import NewSlice, replace_slice
from tests.fixtures_database import Database, Rows
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import Cli
from tests.fixtures_sandbox import LAST_DAY, PRESENT, Serve
from tests.fixtures_wire import Answer, ok, refusal

BIG = 9007199254740993
SPAN = ("--since", LAST_DAY.isoformat(), "--until", LAST_DAY.isoformat())


def days_before(days: int) -> dt.date:
    return LAST_DAY - dt.timedelta(days=days)


def span(first: int, last: int = 0) -> tuple[str, ...]:
    """The words for the days from ``first`` to ``last`` days before the last one."""
    return ("--since", days_before(first).isoformat(), "--until", days_before(last).isoformat())


def add(command: Cli, settings: dict[str, str], graph_url: str, *account_ids: int, name: str = "One") -> None:
    settings["META_GRAPH_URL"] = graph_url
    words = [word for number in account_ids for word in ("--account", str(number))]
    done = command("client", "add", "--name", name, *words, "--token-stdin", stdin="fine\n")
    assert done.code == 0, done.stderr


@pytest.fixture
def stored(database: Database) -> Callable[[], Rows]:
    return lambda: database.rows("SELECT account_id, date, ad_id, spend_micros FROM insight ORDER BY 1, 2, 3")


def test_restated_values_take_the_place_of_the_old_ones(
    serve_sandbox: Serve, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    words = ("--accounts", "3", "--days", "60", "--seed", "7", "--ads", "48")
    early, late = serve_sandbox(*words, now=PRESENT - dt.timedelta(days=20)), serve_sandbox(*words)
    add(command, settings_of_test, early.url, *early.ids)
    asked, first, last = span(30, 24), days_before(30), days_before(24)

    def totals() -> dict[int, tuple[Decimal, ...]]:
        found = database.rows("SELECT account_id, sum(spend_micros) / 1000000, sum(purchases), sum(revenue_micros)"
                              " / 1000000, sum(leads) FROM insight GROUP BY 1")  # fmt: skip
        return {number: tuple(map(Decimal, values)) for number, *values in found}

    def truth(sandbox: object) -> dict[int, tuple[Decimal, ...]]:
        names = ("spend", "purchases", "revenue", "leads")
        days = {number: sandbox.days(number, first, last) for number in early.ids}  # type: ignore[attr-defined]
        return {
            number: tuple(sum(Decimal(day[name]) for day in some) for name in names) for number, some in days.items()
        }

    assert command("refresh", *asked).code == 0
    assert totals() == truth(early)
    versions = set(database.rows("SELECT version FROM slice"))
    database.owner("UPDATE client SET graph_url = %s", [late.url])
    again = command("refresh", *asked, "--json")
    assert totals() == truth(late) != truth(early)
    assert versions.isdisjoint(database.rows("SELECT version FROM slice")), "every slice is a new one"
    assert [account["slices"] for account in json.loads(again.stdout)["accounts"]] == [7, 7, 7]


def test_rows_that_meta_withdraws_vanish_and_its_new_ones_come(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], stored: Callable[[], Rows]
) -> None:
    hand_made.add_account(1)
    for ad in (1, 2, BIG):
        hand_made.add_row(1, LAST_DAY, ad)
    hand_made.add_row(1, days_before(1), 2)
    add(command, settings_of_test, hand_made.url, 1)
    assert command("refresh", *span(1)).code == 0
    assert len(stored()) == 4
    hand_made.rows[1] = []
    hand_made.add_row(1, LAST_DAY, BIG, spend="2.50")
    hand_made.add_row(1, LAST_DAY, 4)
    assert command("refresh", *SPAN).code == 0
    kept = (1, days_before(1), 2, 1_000_000)
    assert stored() == [kept, (1, LAST_DAY, 4, 1_000_000), (1, LAST_DAY, BIG, 2_500_000)]
    assert command("refresh", *span(1)).code == 0
    assert kept not in stored(), "an explicit span is fetched again whole, fresh or not"


def test_both_dates_are_inclusive_and_a_day_without_delivery_is_a_slice_without_rows(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    hand_made.add_account(1)
    for days in (0, 2, 3):
        hand_made.add_row(1, days_before(days), 1)
    add(command, settings_of_test, hand_made.url, 1)
    done = command("refresh", *span(2), "--json")
    (account,) = json.loads(done.stdout)["accounts"]
    assert (done.code, account["rows"], account["slices"]) == (0, 2, 3)
    found = database.rows("SELECT date, rows, meta_spend_micros, is_complete FROM slice ORDER BY 1")
    assert found == [(days_before(2), 1, 10**6, True), (days_before(1), 0, 0, True), (LAST_DAY, 1, 10**6, True)]


def test_only_the_account_that_is_named_is_fetched(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    for number in (1, 2, 3):
        hand_made.add_account(number)
        hand_made.add_row(number, LAST_DAY, 7)
    add(command, settings_of_test, hand_made.url, 1, 2, 3)
    assert command("refresh", *SPAN, "--account", "act_1", "--account", "3").code == 0
    assert database.rows("SELECT account_id FROM insight ORDER BY 1") == [(1,), (3,)]


def test_money_and_actions_arrive_exactly(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    actions = [{"action_type": "purchase", "value": "2"}, {"action_type": 'odd\t"\\\n🚀', "value": "1"}]
    values = [{"action_type": "purchase", "value": "123456789.123456"}]
    hand_made.add_account(1, currency="JPY", zone="Asia/Tokyo")
    hand_made.add_row(1, LAST_DAY, BIG, spend="90071992547.409931", reach="7", actions=actions, action_values=values)
    add(command, settings_of_test, hand_made.url, 1)
    assert command("refresh", *SPAN).code == 0
    columns = "ad_id, spend_micros, revenue_micros, purchases, reach, actions, action_values, unique_link_clicks"
    (row,) = database.rows(f"SELECT {columns} FROM insight JOIN insight_actions USING (account_id, ad_id)")
    assert row == (BIG, 90071992547409931, 123456789123456, 2, 7, actions, values, None)


AWKWARD = ['Sale 🚀 "50 %"', "two\nlines\tand a tab", "=cmd|' /C calc'!A0", "a\\b\\N", "naïve – עברית 日本", "x" * 400]


def test_ads_that_nobody_lists_keep_the_names_of_their_rows(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    hand_made.add_account(1)
    for number, name in enumerate(AWKWARD, start=1):
        hand_made.add_row(1, LAST_DAY, number, ad_name=name, adset_name=f"s{name}", campaign_name=f"c{name}")
    hand_made.add_row(1, LAST_DAY, 50, ad_name="cut\0short", adset_name=None, campaign_name="")
    add(command, settings_of_test, hand_made.url, 1)
    done = command("refresh", *SPAN)
    assert done.code == 0, done.stderr
    expected = [*enumerate(AWKWARD, start=1), (50, "cutshort")]
    assert database.rows("SELECT ad_id, name FROM ad ORDER BY 1") == expected
    assert database.rows("SELECT campaign_id, name FROM campaign WHERE campaign_id = 5000") == [(5000, "5000")]
    parents = database.rows("SELECT adset_id, campaign_id FROM ad WHERE ad_id = 3")
    assert parents == [(30, 300)]


def test_ads_that_no_edge_lists_are_asked_for_one_by_one(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    hand_made.add_account(1)
    hand_made.add_row(1, LAST_DAY, 1)
    hand_made.nodes = {
        "1": {
            "id": "1",
            "name": "From the node",
            "adset_id": "10",
            "campaign_id": "100",
            "effective_status": "DELETED",
        },
        "10": {"id": "10", "name": "Set node", "campaign_id": "100"},
        "100": {"id": "100", "name": "Campaign node"},
    }
    add(command, settings_of_test, hand_made.url, 1)
    assert command("refresh", *SPAN).code == 0
    assert database.rows("SELECT name, effective_status FROM ad") == [("From the node", "DELETED")]
    assert database.rows("SELECT name FROM adset UNION ALL SELECT name FROM campaign") == [
        ("Set node",), ("Campaign node",)
    ]  # fmt: skip


def test_a_name_of_the_edge_is_not_lost_when_a_later_row_has_another(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    hand_made.add_account(1)
    hand_made.add_row(1, LAST_DAY, 1, ad_name="What the day called it")
    hand_made.edges[1, "ads"] = [{"id": "1", "name": "What it is called now", "adset_id": "10", "campaign_id": "100"}]
    add(command, settings_of_test, hand_made.url, 1)
    for _ in range(2):
        assert command("refresh", *SPAN).code == 0
        assert database.rows("SELECT name FROM ad") == [("What it is called now",)]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("act_2/insights", ok({"data": [], "paging": ["?"]})),
        ("act_2/insights", ok({"data": [None]})),
        ("act_2/insights", ok({"data": [{"account_id": "2", "ad_id": "9" * 30, "adset_id": "1", "campaign_id": "1",
                                         "date_start": LAST_DAY.isoformat(), "date_stop": LAST_DAY.isoformat()}]})),
        ("act_2/", refusal(400, 190, 463, "nul\0", fbtrace_id="x\0y")),
        ("act_2/", ok({"name": "No zone", "currency": "EUR"})),
        ("act_2/", ok({"name": "A", "currency": 978, "timezone_name": ["Europe/Berlin"]})),
        ("act_2/campaigns", ok({"data": [{"name": "no id"}]})),
        ("act_2/campaigns", ok({"data": [{"id": "1", "name": "rich", "daily_budget": "9" * 30}]})),
        ("act_2/campaigns", ok({"data": [{"id": "9" * 30, "name": "far"}]})),
        ("act_2/adsets", ok({"data": ["adset"]})),
        ("act_2/ads", refusal(400, 100, message="(#100) Tried accessing nonexisting field")),
    ],
)  # fmt: skip
def test_a_sick_account_stops_no_other(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database, path: str, answer: Answer
) -> None:
    for number in (1, 2, 3):
        hand_made.add_account(number)
        hand_made.add_row(number, LAST_DAY, 7)
    add(command, settings_of_test, hand_made.url, 1, 2, 3)
    hand_made.refuse = {path: answer}
    done = command("refresh", *SPAN, "--json")
    states = {one["account_id"]: one["state"] for one in json.loads(done.stdout)["accounts"]}
    assert (done.code, states) == (3, {"1": "complete", "2": "failed", "3": "complete"}), done.stderr
    assert {1, 3} <= {number for (number,) in database.rows("SELECT account_id FROM insight")}


def test_an_account_may_have_any_name_and_a_status_that_nobody_knows(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    hand_made.add_account(1)
    hand_made.accounts[1] |= {"name": "A\0B 🚀", "account_status": "?"}
    add(command, settings_of_test, hand_made.url, 1)
    assert command("refresh", *SPAN).code == 0
    assert database.rows("SELECT name, status FROM account") == [("AB 🚀", None)]


def test_one_broken_creative_costs_no_account(
    hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], database: Database
) -> None:
    hand_made.add_account(1)
    hand_made.add_row(1, LAST_DAY, 7)
    hand_made.refuse = {"act_1/adcreatives": refusal(400, 100, 2446289, "Invalid parameter")}
    add(command, settings_of_test, hand_made.url, 1)
    assert command("refresh", *SPAN).code == 0
    assert database.one("SELECT count(*) FROM insight") == 1


NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def new_slice(fetched_at: dt.datetime, *ads: int) -> NewSlice:
    cells = ["0"] * (len(COPY_COLUMNS) - 7)
    lines = ["\t".join(["1", "2026-05-01", str(ad), "2", "3", *cells, "\\N", "\\N"]).encode() + b"\n" for ad in ads]
    meta = dict.fromkeys(("meta_spend_micros", "meta_impressions", "meta_clicks", "meta_link_clicks", "meta_purchases",
                          "meta_revenue_micros", "meta_leads"), 0)  # fmt: skip
    return NewSlice(1, dt.date(2026, 5, 1), COPY_COLUMNS, lines, {**meta, "meta_reach": None}, fetched_at, True)


async def test_an_earlier_fetch_never_overwrites_a_later_one(store: Store, database_of_worker: Database) -> None:
    database_of_worker.owner("INSERT INTO client (slug, name, graph_url) VALUES ('a', 'A', '')")
    database_of_worker.owner("INSERT INTO account (account_id, client_id, name) SELECT 1, id, 'A' FROM client")
    later, earlier = new_slice(NOON, 1, 2), new_slice(NOON - dt.timedelta(seconds=1), 1, 2, 3)
    for new, is_stored in ((later, True), (earlier, False), (new_slice(NOON), True), (later, True)):
        async with store.working() as session:
            assert await replace_slice(session, new) is is_stored
        kept = database_of_worker.rows("SELECT rows, fetched_at FROM slice")
        count = database_of_worker.one("SELECT count(*) FROM insight")
        assert kept == [(count, NOON)]
    assert count == 2


async def test_two_slices_in_one_transaction_keep_to_themselves(store: Store, database_of_worker: Database) -> None:
    database_of_worker.owner("INSERT INTO client (slug, name, graph_url) VALUES ('a', 'A', '')")
    database_of_worker.owner("INSERT INTO account (account_id, client_id, name) SELECT 1, id, 'A' FROM client")
    async with store.working() as session:
        assert await replace_slice(session, new_slice(NOON, 1, 2))
        assert await replace_slice(session, new_slice(NOON, 3))
    assert database_of_worker.rows("SELECT ad_id FROM insight") == [(3,)]
