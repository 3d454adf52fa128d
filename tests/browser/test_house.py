"""What holds for the whole dashboard in a browser: nothing comes from elsewhere, and what must stay off is off."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from lib.settings import ROOT
from tests.browser.conftest import Dashboard


def test_a_signed_in_page_asks_no_other_host(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert {host for host in asked if host} == {urlsplit(dashboard.url).netloc}


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("server", "enableAgentApi", False),
        ("browser", "gatherUsageStats", False),
        ("client", "disableDataExport", True),
        ("client", "showErrorDetails", "none"),
    ],
)
def test_what_would_leak_stays_off(section: str, name: str, value: object) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings[section][name] == value
