"""``client``: whom the agency serves. Happy paths, and every bad input as a sentence that stores nothing."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from tests.fixtures_database import Database
from tests.fixtures_processes import KEY, Cli, Finished
from tests.fixtures_sandbox import Sandbox

GOOD = "fine"


def add(command: Cli, name: str, *accounts: str, token: str = GOOD) -> Finished:
    words = [word for account in accounts for word in ("--account", account)]
    return command("client", "add", "--name", name, *words, "--token-stdin", stdin=token)


def counts(database: Database) -> tuple[int, ...]:
    return tuple(database.one(f"SELECT count(*) FROM {table}") for table in ("client", "account", "credential"))


@pytest.fixture(autouse=True)
def _empty(database: Database) -> None:
    """Every test here begins without clients."""


def test_a_client_is_added_asked_for_and_listed(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database
) -> None:
    settings_of_test["META_GRAPH_URL"] = f"{sandbox.url}/"
    first, second = sandbox.accounts[:2]
    done = add(command, "  Crème & Brûlée 🍮 ", f"act_{first.account_id}", str(second.account_id), token="  good\n")
    assert (done.code, done.stdout) == (0, "creme-brulee\n")
    assert "Warning" not in done.stderr
    assert database.rows("SELECT slug, name, graph_url, is_sample FROM client") == [
        ("creme-brulee", "Crème & Brûlée 🍮", sandbox.url, False)
    ]
    ((sealed, state),) = database.rows("SELECT token_encrypted, state FROM credential")
    assert (Fernet(KEY).decrypt(sealed), state) == (b"good", "valid")
    (client,) = json.loads(command("client", "list", "--json").stdout)
    assert (client["slug"], client["name"], client["is_sample"]) == ("creme-brulee", "Crème & Brûlée 🍮", False)
    assert {one["account_id"]: one["currency"] for one in client["accounts"]} == {
        str(first.account_id): "EUR",
        str(second.account_id): "USD",
    }
    listed = command("client", "list").stdout
    assert all(word in listed for word in ("creme-brulee", "Crème", f"act_{first.account_id}"))


def test_with_meta_down_all_is_stored_and_one_is_warned(command: Cli, database: Database) -> None:
    done = add(command, "Early", "act_17")
    assert (done.code, done.stdout) == (0, "early\n")
    assert "Warning" in done.stderr
    assert "act_17" in done.stderr
    assert counts(database) == (1, 1, 1)
    ((sealed, state),) = database.rows("SELECT token_encrypted, state FROM credential")
    assert (Fernet(KEY).decrypt(sealed), state) == (b"fine", "unchecked")


@pytest.mark.parametrize(("token", "state"), [("expired", "dead"), ("forbidden", "unchecked")])
def test_a_token_that_meta_refuses_is_stored_and_warned_of(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database, token: str, state: str
) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    done = add(command, "Sick", f"act_{sandbox.ids[0]}", token=token)
    assert done.code == 0
    assert "Warning" in done.stderr
    assert database.rows("SELECT state FROM credential") == [(state,)]


NAMES = ["🚀", "a" * 300, "Zwei\u200dteiler 👨‍👩‍👧", "نمی\u200cخواهم", 'O\'Neil "x"; DROP TABLE client', "%_\\"]


def test_any_name_that_can_be_read_is_a_name_and_every_slug_is_its_own(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database
) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    for number, name in enumerate(NAMES):
        done = add(command, name, f"act_{100 + number}")
        assert done.code == 0, done.stderr
    assert {name for (name,) in database.rows("SELECT name FROM client")} == set(NAMES)
    slugs = [slug for (slug,) in database.rows("SELECT slug FROM client")]
    assert len(set(slugs)) == len(NAMES)
    assert all(slug.isascii() and len(slug) <= 64 for slug in slugs)


BAD: list[tuple[str, dict[str, object], str]] = [
    ("no account id", {"accounts": ("act_",)}, "account id"),
    ("letters", {"accounts": ("act_12a",)}, "account id"),
    ("too long", {"accounts": ("9" * 30,)}, "account id"),
    ("other digits", {"accounts": ("act_\u0661\u0662",)}, "account id"),
    ("two lines", {"accounts": ("act_1\nact_2",)}, "account id"),
    ("no token", {"token": ""}, "token"),
    ("blank token", {"token": " \n\n"}, "token"),
    ("two tokens", {"token": "one\ntwo\n"}, "token"),
    ("token of control characters", {"token": "to\x07ken"}, "token"),
    ("no name", {"name": ""}, "name"),
    ("blank name", {"name": " \t "}, "name"),
    ("invisible name", {"name": "\u200d\u200c"}, "name"),
    ("name of control characters", {"name": "a\x1b[31mb"}, "name"),
    ("name of two lines", {"name": "a\nb"}, "name"),
    ("name that turns around", {"name": "a\u202eb"}, "name"),
    ("name that is no text", {"name": "a\udc80"}, "name"),
]


@pytest.mark.parametrize("case", BAD, ids=[name for name, *_ in BAD])
def test_bad_input_is_a_sentence_and_stores_nothing(
    command: Cli, database: Database, case: tuple[str, dict[str, object], str]
) -> None:
    _, changed, said = case
    words = {"name": "Fine", "accounts": ("act_1",), "token": "fine"} | changed
    done = add(command, words["name"], *words["accounts"], token=words["token"])  # type: ignore[arg-type, misc]
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert counts(database) == (0, 0, 0)


@pytest.mark.parametrize(
    "words",
    [
        ("client",),
        ("client", "add"),
        ("client", "add", "--name", "A", "--account", "1"),
        ("client", "add", "--name", "A", "--token-stdin"),
        ("client", "rename"),
        ("client", "token", "nobody", "--token-stdin"),
        ("client", "token", "nobody"),
        ("clients",),
        (),
    ],
)
def test_words_that_are_off(command: Cli, database: Database, words: tuple[str, ...]) -> None:
    done = command(*words, stdin="fine")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_and_an_account_belong_to_one_client(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database
) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    assert add(command, "Acme", f"act_{sandbox.ids[0]}").code == 0
    same_name = add(command, "ACME", f"act_{sandbox.ids[1]}", token="other")
    assert same_name.code == 2
    assert "client token acme" in same_name.stderr
    foreign = add(command, "Other", f"act_{sandbox.ids[1]}", str(sandbox.ids[0]))
    assert foreign.code == 2
    assert f"act_{sandbox.ids[0]} belongs to Acme" in foreign.stderr
    assert counts(database) == (1, 1, 1)


def test_a_new_token_takes_the_place_of_the_old_one(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database
) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    add(command, "Acme", f"act_{sandbox.ids[0]}", token="expired")
    assert command("client", "token", "acme", "--token-stdin", stdin="").code == 2
    assert database.rows("SELECT state FROM credential") == [("dead",)]
    assert command("client", "token", "acme", "--token-stdin", stdin="fresh").code == 0
    ((sealed, state),) = database.rows("SELECT token_encrypted, state FROM credential")
    assert (Fernet(KEY).decrypt(sealed), state) == (b"fresh", "valid")


def test_removing_the_samples_leaves_the_others(command: Cli, database: Database) -> None:
    for slug, sample in (("real", False), ("sample", True)):
        database.owner("INSERT INTO client (slug, name, graph_url, is_sample) VALUES (%s, %s, '', %s)",
                       [slug, slug, sample])  # fmt: skip
        database.owner("INSERT INTO account (account_id, client_id, name) SELECT id, id, slug FROM client"
                       " WHERE slug = %s", [slug])  # fmt: skip
    database.owner("INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id)"
                   " SELECT account_id, '2026-01-01', 1, 1, 1 FROM account")  # fmt: skip
    done = command("client", "remove-samples")
    assert done.code == 0
    assert "1 sample" in done.stderr
    assert database.rows("SELECT slug FROM client") == [("real",)]
    assert database.one("SELECT count(*) FROM insight") == 1
    assert database.rows("SELECT action, after FROM audit_log") == [("removed sample clients", {"removed_samples": 1})]


def test_an_outside_store_without_a_key_is_refused(command: Cli, settings_of_test: dict[str, str]) -> None:
    del settings_of_test["TOKEN_KEYS"]
    done = add(command, "Acme", "act_1")
    assert done.code == 1
    assert "TOKEN_KEYS" in done.stderr


def test_a_key_that_is_none_is_named(command: Cli, settings_of_test: dict[str, str]) -> None:
    settings_of_test["TOKEN_KEYS"] = "short"
    done = add(command, "Acme", "act_1")
    assert done.code == 1
    assert "TOKEN_KEYS" in done.stderr


def test_keys_can_be_rotated_and_a_lost_one_is_told(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database
) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    add(command, "Acme", f"act_{sandbox.ids[0]}")
    other = Fernet.generate_key().decode()
    settings_of_test["TOKEN_KEYS"] = f"{other}, {KEY}"
    assert command("refresh", "--account", str(sandbox.ids[0])).code == 0
    settings_of_test["TOKEN_KEYS"] = other
    done = command("refresh", "--json")
    (account,) = json.loads(done.stdout)["accounts"]
    assert (done.code, account["state"]) == (3, "failed")
    assert "TOKEN_KEYS" in account["error"]["remedy"]


def test_users_are_added(command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    add(command, "Acme", f"act_{sandbox.ids[0]}")
    done = command("user", "add", "Ann@Example.com", "--role", "viewer", "--client", "acme")
    assert done.code == 0
    assert "sign-in?token=" in done.stdout
    role = "SELECT u.role, c.slug FROM app_user u JOIN client_grant g ON g.user_id = u.id JOIN client c" \
           " ON c.id = g.client_id"  # fmt: skip
    assert database.rows(role) == [("viewer", "acme")]


@pytest.mark.parametrize(
    "words",
    [("ann",), ("ann@example.com", "--role", "boss"), ("ann@example.com", "--role", "viewer", "--client", "nobody"),
     ("ann@example.com",), ("a@b", "--role", "viewer"), ("ann@example.com", "--role", "admin", "--password-stdin")],
)  # fmt: skip
def test_users_that_cannot_be(command: Cli, database: Database, words: tuple[str, ...]) -> None:
    done = command("user", "add", *words)
    assert (done.code, done.stdout) == (2, "")
    assert database.one("SELECT count(*) FROM app_user") == 0


def test_a_real_process_says_the_same(cli: Cli, sandbox: Sandbox, settings_of_test: dict[str, str]) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    assert add(cli, "Käse", f"act_{sandbox.ids[0]}").stdout == "kase\n"
    done = add(cli, "käse", "act_5")
    assert (done.code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
