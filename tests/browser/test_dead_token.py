"""A token that is dead is told with its client, its day and what to do, on the page, by the API and in the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from lib.access.personal_tokens import create_token
from tests.browser.conftest import Dashboard
from tests.browser.overview import add_client, command
from tests.fixtures_sandbox import Sandbox

MESSAGE = "The token of Acme Shoes expired on 2 October 2026."
REMEDY = "Create a new system-user token with ads_read and paste it under Clients"


def test_every_door_names_the_client_the_day_and_the_remedy(
    dashboard: Dashboard, sandbox: Sandbox, signed_in: Callable[..., Page]
) -> None:
    page = signed_in()
    add_client(dashboard, sandbox, "Acme Shoes", sandbox.ids[:1])
    command(dashboard, sandbox, "client", "token", "acme-shoes", "--token-stdin", stdin="expired")
    with pytest.raises(RuntimeError) as ended:
        command(dashboard, sandbox, "refresh")
    (line,) = [line for line in str(ended.value).splitlines() if f"act_{sandbox.ids[0]} (" in line]
    assert f"failed: {MESSAGE} {REMEDY}" in line
    assert "client token acme-shoes" in line

    bearer = dashboard.prepare(lambda store: create_token(store, "ana@example.com")).secret
    answer = httpx.get(
        f"{dashboard.url}/api/v1/refresh-runs", headers={"authorization": f"Bearer {bearer}"}, timeout=20
    )
    (run,) = answer.json()["data"]
    (account,) = run["accounts"]
    assert (run["state"], account["state"], account["error_code"], account["error_subcode"]) == (
        *["failed"] * 2,
        190,
        463,
    )
    assert account["error"] == MESSAGE
    assert account["remedy"].startswith(REMEDY)
    assert "expired" not in json.dumps(run).replace(MESSAGE, ""), "not the token"

    page.goto(f"{dashboard.url}/data?run={run['id']}")
    expect(page.get_by_text(re.compile(f"{re.escape(MESSAGE)} {REMEDY}")).first).to_be_visible()
