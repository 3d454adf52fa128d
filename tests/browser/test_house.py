"""What holds for the whole dashboard in a browser: nothing comes from elsewhere, and what must stay off is off."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from lib.settings import ROOT
from tests.browser.conftest import Dashboard
from tests.browser.reruns import settled


def test_a_signed_in_page_asks_no_other_host(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.goto(dashboard.url)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    settled(page)
    page.wait_for_load_state("networkidle")
    assert {host for host in asked if host} == {urlsplit(dashboard.url).netloc}


MARKS = """() => {
    const root = document.documentElement, observer = new MutationObserver(() => marks.push(root.dataset.answered));
    window.marks = [];
    observer.observe(root, { attributeFilter: ["data-answered"] });
}"""


def test_a_page_is_settled_once_the_last_click_was_answered_and_not_before(
    dashboard: Dashboard, signed_in: Callable[..., Page]
) -> None:
    page = signed_in()
    page.goto(f"{dashboard.url}/people")
    settled(page)
    page.evaluate(MARKS)
    page.get_by_role("button", name="Invite someone").click()
    settled(page)
    assert page.evaluate("marks") == ["no", "yes"]
    assert page.get_by_label("E-mail").is_visible()


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
