"""After everything that can happen to the store, the mirror is what PostgreSQL is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from lib.insights.mirror import Mirror
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import Cli
from tests.integration.insights import world
from tests.integration.mirror.holding import Holder

SPAN = ("--since", world.FIRST.isoformat(), "--until", world.LAST.isoformat())
DAYS = [world.FIRST + dt.timedelta(days=number) for number in range((world.LAST - world.FIRST).days + 1)]


def _add_ads(meta: HandMade, account_id: int) -> None:
    """Three campaigns of two ads, each day."""
    meta.add_account(account_id, currency="JPY" if account_id == 102 else "EUR")
    for number, day in ((number, day) for number in range(6) for day in DAYS):
        campaign = account_id * 1000 + 100 + number // 2
        names = {"campaign_id": str(campaign), "campaign_name": world.NAMES[number // 2]}
        spend, impressions = str(number + day.day), str(100 * number + day.day)
        meta.add_row(account_id, day, account_id * 1000 + number, **names, spend=spend, impressions=impressions)


@pytest.fixture
def meta(hand_made: HandMade, command: Cli, settings_of_test: dict[str, str], holder: Holder) -> HandMade:
    """Two clients with accounts 101 and 102, and 103, all refreshed."""
    settings_of_test["META_GRAPH_URL"] = hand_made.url
    for number in (101, 102, 103):
        _add_ads(hand_made, number)
    for name, accounts in (("Acme", ("101", "102")), ("Söhne", ("103",))):
        words = [word for account in accounts for word in ("--account", account)]
        assert command("client", "add", "--name", name, *words, "--token-stdin", stdin="fine").code == 0
    assert command("refresh", *SPAN).code == 0
    return hand_made


@pytest.fixture
def mirror(meta: HandMade, holder: Holder, path: Path) -> Mirror:
    """The mirror of the refreshed accounts."""
    mirror = holder.opened(path)
    holder.check(mirror, drawn=0)
    assert mirror.status().rows == 3 * 6 * len(DAYS)
    return mirror


def test_a_refresh_that_finds_the_same(holder: Holder, mirror: Mirror, command: Cli) -> None:
    assert command("refresh", *SPAN).code == 0
    result = holder.catch_up(mirror)
    assert result.accounts == {101, 102, 103}
    assert holder.catch_up(mirror).accounts == set()


def test_one_account_is_taken_in_alone(holder: Holder, mirror: Mirror, command: Cli) -> None:
    assert command("refresh", *SPAN, "--account", "102").code == 0
    result = holder.catch_up(mirror)
    assert (result.accounts, result.slices, result.rows) == ({102}, len(DAYS), 6 * len(DAYS))


def test_a_restatement(holder: Holder, mirror: Mirror, meta: HandMade, command: Cli) -> None:
    for row in meta.rows[101][::3]:
        row["spend"], row["impressions"] = "77.70", "7777"
    assert command("refresh", *SPAN).code == 0
    holder.catch_up(mirror)
    assert holder.database.one("SELECT count(*) FROM insight WHERE spend_micros = 77700000") == 12


def test_a_withdrawal_of_rows_and_of_whole_days(holder: Holder, mirror: Mirror, meta: HandMade, command: Cli) -> None:
    meta.rows[101] = [row for row in meta.rows[101] if row["date_start"] > DAYS[1].isoformat()]
    meta.rows[102] = meta.rows[102][::2]
    meta.rows[103] = []
    assert command("refresh", *SPAN).code == 0
    holder.catch_up(mirror)
    assert mirror.status().rows == 6 * (len(DAYS) - 2) + 18


def test_a_new_account_and_a_new_client(holder: Holder, mirror: Mirror, meta: HandMade, command: Cli) -> None:
    _add_ads(meta, 104)
    assert command("client", "add", "--name", "New", "--account", "104", "--token-stdin", stdin="fine").code == 0
    holder.catch_up(mirror)
    assert command("refresh", *SPAN, "--account", "104").code == 0
    assert holder.catch_up(mirror).accounts == {104}


def test_a_client_without_an_account(holder: Holder, mirror: Mirror) -> None:
    holder.database.owner("INSERT INTO client (slug, name, graph_url) VALUES ('none', 'None', '')")
    assert holder.catch_up(mirror).is_changed
    assert not holder.catch_up(mirror).is_changed, "it was taken in, not looked at again and again"


def test_a_deleted_client(holder: Holder, mirror: Mirror) -> None:
    holder.database.owner("DELETE FROM client WHERE name = 'Acme'")
    assert holder.catch_up(mirror).accounts == {101, 102}
    assert mirror.status().rows == 6 * len(DAYS)
    holder.database.owner("DELETE FROM client")
    holder.catch_up(mirror)
    assert mirror.status().rows == 0


def test_an_account_that_goes_to_another_client(holder: Holder, mirror: Mirror) -> None:
    holder.database.owner("UPDATE account SET client_id = (SELECT id FROM client WHERE name = 'Söhne'), name = 'Moved'"
                          " WHERE account_id = 101")  # fmt: skip
    assert holder.catch_up(mirror).accounts == {101}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE client SET name = 'Renamed ' || slug",
        "UPDATE account SET name = 'Renamed' WHERE account_id = 101",
        "UPDATE campaign SET name = 'Renamed' WHERE account_id = 101",
        "UPDATE ad SET effective_status = 'PAUSED' WHERE account_id = 102",
        "UPDATE adset SET optimization_goal = 'REACH'",
        "DELETE FROM campaign WHERE account_id = 101",
        "UPDATE slice SET is_complete = false, version = nextval('slice_version') WHERE account_id = 103",
        "DELETE FROM slice WHERE account_id = 103 AND date > '2026-02-01'",
    ],
)
def test_changed_objects(holder: Holder, mirror: Mirror, change: str) -> None:
    before = holder.database.rows("SELECT account_id, date, version FROM slice")
    holder.database.owner(change)
    if "slice" in change:
        holder.database.owner("DELETE FROM insight i WHERE NOT EXISTS (SELECT FROM slice s"
                              " WHERE s.account_id = i.account_id AND s.date = i.date)")  # fmt: skip
    else:
        assert holder.database.rows("SELECT account_id, date, version FROM slice") == before
    assert holder.catch_up(mirror).accounts


def test_versions_that_become_visible_out_of_order(holder: Holder, mirror: Mirror) -> None:
    take = "UPDATE slice SET version = nextval('slice_version') WHERE account_id = %s AND date = %s"
    spend = "UPDATE insight SET spend_micros = %s WHERE account_id = %s AND date = %s"
    with holder.database.connect() as early, holder.database.connect() as late:
        early.execute("BEGIN")
        early.execute(take, [101, DAYS[0]])
        early.execute(spend, [1_000_000, 101, DAYS[0]])
        for account, day in ((101, DAYS[1]), (102, DAYS[0])):
            late.execute("BEGIN")
            late.execute(take, [account, day])
            late.execute(spend, [2_000_000, account, day])
            late.execute("COMMIT")
        newest = holder.database.one("SELECT max(version) FROM slice")
        assert holder.catch_up(mirror).accounts == {101, 102}
        assert mirror.status().version == newest
        early.execute("COMMIT")
    assert holder.database.one("SELECT max(version) FROM slice") == newest
    assert holder.catch_up(mirror).accounts == {101}


def test_changes_whose_versions_add_up_to_the_same(holder: Holder, mirror: Mirror) -> None:
    swap = "UPDATE slice SET version = version + %s WHERE account_id = 101 AND date = %s"
    spend = "UPDATE insight SET spend_micros = 5000000 WHERE account_id = 101 AND date = %s"
    for day, by in ((DAYS[0], 1000), (DAYS[1], -1000)):
        holder.database.owner(swap, [by, day])
        holder.database.owner(spend, [day])
    assert holder.catch_up(mirror).accounts == {101}


def test_many_changes_at_once_by_the_names_of_their_accounts(holder: Holder, mirror: Mirror) -> None:
    for account in (101, 102):
        holder.database.owner("UPDATE insight SET clicks = clicks + 1 WHERE account_id = %s", [account])
        holder.database.owner("UPDATE slice SET version = nextval('slice_version') WHERE account_id = %s", [account])
    assert holder.run(mirror.catch_up({101})).accounts == {101}
    assert holder.run(mirror.catch_up({102, 999})).accounts == {102}
    holder.check(mirror)
