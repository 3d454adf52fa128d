"""The doctor, the disk, the clock, the mirrors, the sign-in, and checks that hang or break."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
from pathlib import Path

import pytest

from lib.doctor.finding import Finding, State
from lib.doctor.guarding import guarded
from lib.doctor.machine import clock, disk
from lib.doctor.mirrors import mirrors
from lib.errors import AppError
from lib.insights.mirror import mirror_of, mirror_path
from lib.settings import Settings
from lib.store.engine import Store
from tests.fixtures_database import Database
from tests.fixtures_processes import run_here
from tests.fixtures_wire import Answer, Asked, Wire, ok
from tests.integration.doctor.conftest import Doctor

NOW = dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(("mounted", "state"), [(64, "failed"), (1024, "warning"), (4096, "ok")], indirect=["mounted"])
def test_a_disk_by_its_room(
    doctor: Doctor, place: dict[str, str], database: Database, mounted: Path, state: str
) -> None:
    place["DATA_DIR"] = str(mounted / "not" / "made" / "yet")
    found = doctor()
    assert found.states["Disk"] == state
    assert ("Free some space" in found.words["Disk"]) == (state != "ok")
    assert found.code == (1 if state == "failed" else 0)


def test_a_room_is_told_in_whole_numbers(tmp_path: Path) -> None:
    assert disk(tmp_path).sentence.endswith(f"are free on the disk of {tmp_path}.")


def test_the_clock_that_is_furthest_away_counts() -> None:
    assert clock({}).state is State.SKIPPED
    assert clock({"PostgreSQL": 0.1, "Meta": -0.9}).sentence == "It agrees with PostgreSQL and Meta."
    slow = clock({"PostgreSQL": 7.0, "Meta": 0.2})
    assert (slow.state, slow.sentence) == (State.WARNING, "This machine's clock is 7 s behind PostgreSQL's.")
    fast = clock({"PostgreSQL": 0.0, "Meta": -3600.0})
    assert (fast.state, fast.sentence) == (State.FAILED, "This machine's clock is 3,600 s ahead of Meta's.")


def test_a_mirror_is_looked_at_from_outside(doctor: Doctor, place: dict[str, str], database: Database) -> None:
    assert run_here(place, "mirror", "rebuild").code == 0
    found = doctor()
    assert found.states["Mirror cli"] == "ok"
    assert "No process uses it" in found.words["Mirror cli"]
    file = Path(place["DATA_DIR"]) / "mirror" / "cli.duckdb"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    found = doctor()
    assert (found.states["Mirror cli"], found.code) == ("warning", 0)
    assert "PostgreSQL meanwhile" in found.words["Mirror cli"]
    place["MIRROR_MEMORY_MB"] = "0"
    found = doctor()
    assert (found.states["Mirror"], found.code) == ("skipped", 0)
    assert "switched off" in found.words["Mirror"]


async def test_a_mirror_that_a_process_keeps_says_how_it_is(store: Store, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, mirror_memory_mb=64)  # type: ignore[call-arg]  # pydantic's
    mirror = mirror_of(store, settings, "dashboard")
    try:
        await mirror.catch_up()
        (found,) = mirrors(settings)
        assert (found.name, found.state) == ("Mirror dashboard", State.OK)
        assert found.sentence.startswith("It stands: 0 ad-days")
        (old,) = mirrors(settings, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))
        assert old.state is State.WARNING
        assert str(os.getpid()) in old.sentence
        mirror.fail(AppError("The disk is full.", "Free some."))
        (fallen,) = mirrors(settings)
        assert (fallen.state, fallen.sentence) == (State.WARNING, "The disk is full. Free some.")
    finally:
        await mirror.close()
    (left,) = mirrors(settings)
    assert left.state is State.OK
    assert mirror_path(settings, "dashboard").exists()


def provider(wire: Wire, issuer: str) -> None:
    document = {name: f"{issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}

    def reply(asked: Asked) -> Answer:
        known = asked.path == "/.well-known/openid-configuration"
        return ok(document | {"issuer": f"{issuer}/"}) if known else Answer(404)

    wire.reply = reply


@pytest.fixture
def oidc(place: dict[str, str], wire: Wire, database: Database) -> dict[str, str]:
    """Sign-in by a provider that answers, behind https."""
    provider(wire, wire.url)
    place |= {
        "AUTH_ISSUER": wire.url, "AUTH_CLIENT_ID": "id", "AUTH_CLIENT_SECRET": "secret-of-the-client",
        "AUTH_COOKIE_SECRET": "c" * 32, "PUBLIC_URL": "https://ads.example.com",
    }  # fmt: skip
    return place


def test_a_provider_that_answers_is_well(doctor: Doctor, oidc: dict[str, str]) -> None:
    found = doctor()
    assert not found.failed
    assert found.words["Sign-in"] == f"The provider {oidc['AUTH_ISSUER']} answers."
    assert found.words["Address"] == "People open https://ads.example.com."
    assert [found.states[name] for name in ("Sign-in", "Address", "Cookie secret", "API tokens")] == ["ok"] * 4


@pytest.mark.parametrize(
    ("change", "failed", "words"),
    [
        ({"AUTH_CLIENT_ID": ""}, {"Sign-in"}, "AUTH_CLIENT_ID not set"),
        ({"AUTH_ISSUER": "http://127.0.0.1:9"}, {"Sign-in"}, "does not answer"),
        ({"AUTH_POPUP_CLIENT_ID": "id"}, {"Sign-in"}, "popup is half-configured"),
        (
            {"AUTH_POPUP_DOMAIN": "127.0.0.1:9", "AUTH_POPUP_CLIENT_ID": "id"},
            {"Sign-in"},
            "https://127.0.0.1:9 does not",
        ),
        ({"AUTH_COOKIE_SECRET": "short"}, {"Cookie secret"}, "32 or more"),
        ({"AUTH_COOKIE_SECRET": ""}, {"Cookie secret"}, "AUTH_COOKIE_SECRET is not set"),
        ({"AUTH_AUDIENCE": "id"}, {"API tokens"}, "AUTH_AUDIENCE cannot be used"),
    ],
)
def test_what_is_wrong_with_the_sign_in(
    doctor: Doctor, oidc: dict[str, str], change: dict[str, str], failed: set[str], words: str
) -> None:
    oidc |= change
    found = doctor()
    assert (found.code, found.failed) == (1, failed)
    assert any(words in found.words[name] for name in failed)
    assert "secret-of-the-client" not in found.everything


def test_an_answer_of_another_provider_is_none(doctor: Doctor, oidc: dict[str, str], wire: Wire) -> None:
    provider(wire, "https://another.example.com")
    found = doctor()
    assert found.failed == {"Sign-in"}
    assert "is not this provider" in found.words["Sign-in"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"PUBLIC_URL": "http://ads.example.com"}, "without encryption"),
        ({"PUBLIC_URL": "", "HOST": "0.0.0.0"}, "links and sign-ins lead to http://localhost"),  # noqa: S104 - warned of
    ],
)
def test_an_address_that_should_be_another(
    doctor: Doctor, oidc: dict[str, str], change: dict[str, str], words: str
) -> None:
    oidc |= change
    found = doctor()
    assert (found.states["Address"], found.code) == ("warning", 0)
    assert words in found.words["Address"]
    assert "PUBLIC_URL" in found.words["Address"]


async def test_a_check_that_hangs_or_breaks_is_told(caplog: pytest.LogCaptureFixture) -> None:
    hanging = await guarded("Clients", asyncio.Event().wait(), 0.01)
    assert isinstance(hanging, Finding)
    assert (hanging.state, hanging.name) == (State.FAILED, "Clients")
    assert "no answer" in hanging.sentence

    async def breaking() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.WARNING):
        broken = await guarded("Clock", breaking(), 1)
    assert isinstance(broken, Finding)
    assert (broken.state, "ZeroDivisionError" in broken.sentence) == (State.FAILED, True)
    assert "The check Clock broke." in caplog.text
