"""``uvicorn api.main:app`` as a process of its own, on a real PostgreSQL, with and without a mirror of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.engine import URL

from api import main
from api.alone import build
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.errors import SettingsError
from lib.settings import Settings
from tests.conftest import emptied
from tests.fixtures_processes import ROOT, environment, settings_for, until
from tests.integration.api import houses
from tests.integration.api.whose import check_whose

EMAIL, PASSWORD = "ana@example.com", "correct horse battery"
ASKED = {"since": "2026-01-05", "until": "2026-01-25", "group_by": "account,campaign", "metrics": "spend,ctr"}


@dataclass
class Alone:
    """A running process and what it says."""

    process: subprocess.Popen[bytes]
    said: Path
    url: str

    def asking(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, trust_env=False, timeout=30)


@contextmanager
def alone(url: URL, folder: Path, **more: str) -> Iterator[Alone]:
    """It serves on a free port, and is ended by its id."""
    said, address = folder / "said.log", re.compile(r"running on (http://127\.0\.0\.1:\d+)")
    settings = {**settings_for(url), "DATA_DIR": str(folder), "LOG_LEVEL": "DEBUG", **more}
    command = [sys.executable, "-m", "uvicorn", "api.main:app", "--port", "0"]
    with said.open("wb") as log:
        running = subprocess.Popen(command, cwd=ROOT, env=environment(**settings), stdout=log, stderr=log)
    try:
        found = until(lambda: running.poll() is not None or address.search(said.read_text()), "it serves", within_s=60)
        assert isinstance(found, re.Match), said.read_text()
        yield Alone(running, said, found[1])
    finally:
        running.kill()
        running.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def token(database_url: URL) -> str:
    """A token of Ana's, who sees acme, in a store with both clients."""
    async with emptied(database_url) as store:
        await houses.build(store)
        await put_person(store, EMAIL, Role.ANALYST, password=PASSWORD, slugs=["acme"])
        return await houses.token_of(store, EMAIL)


@pytest.fixture(scope="module")
def on_postgres(token: str, database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    with alone(database_url, tmp_path_factory.mktemp("postgres")) as found:
        yield found


def test_it_answers_as_the_dashboards_own(on_postgres: Alone, token: str) -> None:
    assert httpx.get(f"{on_postgres.url}/healthz", trust_env=False).json() == {"status": "ok"}
    assert httpx.get(f"{on_postgres.url}/readyz", trust_env=False).status_code == 200
    with on_postgres.asking(authorization=f"Bearer {token}") as ana:
        answer = ana.get("/insights", params=ASKED)
        assert answer.json()["meta"]["engine"] == "postgres"
        assert check_whose(answer.content, answer.headers["content-type"], "analyst") == 8
        assert ana.get("/insights", params={**ASKED, "engine": "mirror"}).status_code == 503
        assert ana.get("/openapi.json").json()["servers"] == [{"url": "/api/v1"}]


@pytest.mark.parametrize("path", ["/", "/explore", "/api", "/api/v2/me", "/_stcore/health"])
def test_beside_the_api_there_is_nothing(on_postgres: Alone, path: str) -> None:
    answer = httpx.get(f"{on_postgres.url}{path}", trust_env=False)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_people_sign_in_and_strangers_do_not(on_postgres: Alone) -> None:
    view = {"name": "Mine", "page": "explore", "address": ""}
    with on_postgres.asking() as ana:
        assert ana.get("/me").status_code == 401
        assert ana.post("/auth/login", data={"username": EMAIL, "password": "wrong"}).status_code == 401
        assert ana.post("/auth/login", data={"username": EMAIL, "password": PASSWORD}).status_code == 204
        assert ana.get("/me").json()["data"]["email"] == EMAIL
        assert ana.post("/saved-views", json=view, headers={"origin": "https://evil.test"}).status_code == 403
        assert ana.post("/saved-views", json=view, headers={"origin": on_postgres.url}).status_code == 201
        assert ana.post("/auth/logout", headers={"origin": on_postgres.url}).status_code == 204
        assert ana.get("/me").status_code == 401


def test_with_a_mirror_of_its_own_the_answers_are_the_same(
    on_postgres: Alone, token: str, database_url: URL, tmp_path: Path
) -> None:
    bearer = f"Bearer {token}"
    with alone(database_url, tmp_path, API_ENGINE="mirror") as mirrored:
        with mirrored.asking(authorization=bearer) as ana, on_postgres.asking(authorization=bearer) as other:
            until(lambda: ana.get("/insights", params={**ASKED, "engine": "mirror"}).status_code == 200, "it stands")
            answer, same = ana.get("/insights", params=ASKED).json(), other.get("/insights", params=ASKED).json()
        assert (answer["meta"].pop("engine"), same["meta"].pop("engine")) == ("mirror", "postgres")
        assert answer == same
        assert (tmp_path / "mirror" / "api.duckdb").exists()
        mirrored.process.send_signal(signal.SIGTERM)
        assert mirrored.process.wait(20) in (0, -signal.SIGTERM)
        assert token not in mirrored.said.read_text()
        assert "Traceback" not in mirrored.said.read_text()


def test_what_keeps_it_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="API_ENGINE is mirror, and MIRROR_MEMORY_MB is 0"):
        build(Settings(_env_file=None, api_engine="mirror", mirror_memory_mb=0))
    monkeypatch.setattr(main, "get_settings", lambda: Settings(_env_file=None, host="192.0.2.1"))
    with pytest.raises(SystemExit, match="people would sign in without encryption"):
        _ = main.app
