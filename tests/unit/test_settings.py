"""Every setting is listed in .env.example and in the README's table, and a wrong one is named in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lib.errors import SettingsError
from lib.settings import ROOT, Settings, get_settings
from lib.store.engine import store_url

NAMES = {name.upper() for name in Settings.model_fields}


def test_env_example_lists_every_setting_and_no_other() -> None:
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert listed == NAMES


def test_the_readme_has_a_row_for_every_setting() -> None:
    rows = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert rows == NAMES


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match="PORT cannot be used"):
        get_settings()
    get_settings.cache_clear()


def test_half_an_oidc_configuration_is_refused_by_name() -> None:
    settings = Settings(auth_issuer="https://tenant.example", auth_client_id="dashboard", _env_file=None)
    with pytest.raises(SettingsError, match="AUTH_CLIENT_SECRET"):
        assert settings.has_oidc


def test_a_relative_data_folder_starts_at_the_repository() -> None:
    assert Settings(data_dir=Path("var"), _env_file=None).data_path == ROOT / "var"


@pytest.mark.parametrize(
    ("name", "value"),
    [("META_GRAPH_URL", "notaurl"), ("PUBLIC_URL", "ads.example.com"), ("LOG_LEVEL", "LOUD"), ("AUTH_ISSUER", "x y")],
)
def test_a_setting_of_another_shape_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match=f"{name} cannot be used"):
        get_settings()
    get_settings.cache_clear()


def test_a_database_address_with_a_wrong_port_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match="not the address of a database"):
        store_url("postgresql://x:y@127.0.0.1:abc/db")
