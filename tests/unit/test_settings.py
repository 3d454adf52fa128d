"""Every setting is listed in .env.example and in the README's table, and a wrong one is named in a sentence."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

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


COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
NOT_COMPOSED = {"HOST", "PORT", "DATA_DIR", "TEST_DATABASE_URL", "API_ENGINE"}
"""The image's own, the tests', and the lone API's."""


def test_compose_hands_on_every_setting_that_a_container_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    handed = COMPOSE["services"]["dashboard"]["environment"]
    assert handed.keys() - {"FORWARDED_ALLOW_IPS"} == NAMES - NOT_COMPOSED
    for name, value in handed.items():
        assert value.startswith(f"${{{name}:") or name == "DATABASE_URL"
        if value.endswith(":-}"):
            monkeypatch.setenv(name, "")
    assert Settings(_env_file=None).session_idle_hours == 4, "what .env leaves out has its default"


@pytest.mark.parametrize("sender", ["172.31.251.2", "172.16.0.9", "172.20.1.2", "10.0.0.1"])
async def test_compose_believes_the_gateway_of_its_own_network_and_nobody_else(sender: str) -> None:
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    gateway = network["gateway"]
    assert ipaddress.ip_address(gateway) in ipaddress.ip_network(network["subnet"])
    believed = COMPOSE["services"]["dashboard"]["environment"]["FORWARDED_ALLOW_IPS"]
    assert believed == f"${{FORWARDED_ALLOW_IPS:-{gateway}}}"
    assert await client_of(gateway, sender, "203.0.113.66") == sender
    assert await client_of(gateway, gateway, f"203.0.113.66, {sender}") == sender


async def client_of(believed: str, sender: str, forwarded: str) -> str:
    """Whom uvicorn takes for the client of what ``sender`` sends with this X-Forwarded-For."""
    found = []

    async def app(scope: Any, *_: Any) -> None:
        found.append(scope["client"][0])

    scope: Any = {"type": "http", "client": (sender, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    await ProxyHeadersMiddleware(app, believed)(scope, None, None)  # type: ignore[arg-type]
    return str(found[0])


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
