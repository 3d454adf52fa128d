"""The secret of Streamlit's cookies."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lib.access.cookie_key import cookie_secret
from lib.errors import SettingsError
from lib.settings import Settings

OIDC = {"auth_issuer": "https://x.eu.auth0.com", "auth_client_id": "id", "auth_client_secret": "secret"}


def settings(data_dir: Path, **values: str) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, **values)


def test_none_is_made_where_nothing_needs_it(tmp_path: Path) -> None:
    assert cookie_secret(settings(tmp_path)) == ""
    assert not list(tmp_path.iterdir())


def test_one_is_made_once_for_everyone(tmp_path: Path) -> None:
    chosen = settings(tmp_path, **OIDC)
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: cookie_secret(chosen), range(16)))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 32
    assert stat.S_IMODE((tmp_path / "cookie.key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["cookie.key"]


def test_an_outside_store_needs_one_that_is_set(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="AUTH_COOKIE_SECRET is not set"):
        cookie_secret(settings(tmp_path, **OIDC, database_url="postgresql://x@y/z"))
    given = settings(tmp_path, **OIDC, database_url="postgresql://x@y/z", auth_cookie_secret="k" * 32)
    assert cookie_secret(given) == "k" * 32


def test_a_short_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="32 or more"):
        cookie_secret(settings(tmp_path, auth_cookie_secret="short"))
