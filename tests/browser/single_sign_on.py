"""A dashboard whose people come by a provider of this machine that speaks OpenID Connect."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from tests.browser.conftest import Dashboard, free_port, running_dashboard, serving


@contextmanager
def running_provider(folder: Path, people: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The provider's address; ``people`` are the claims of those who may sign in there, by their ``sub``."""
    port = free_port()
    claims = [word for person in people for word in ("--user-claims", json.dumps(person))]
    words = [sys.executable, "-m", "oidc_provider_mock", "-p", str(port), *claims]
    url = f"http://localhost:{port}"
    with serving(words, f"{url}/.well-known/openid-configuration", folder / "provider.log", dict(os.environ)):
        yield url


@contextmanager
def running_behind(
    database_url: URL, folder: Path, people: Sequence[Mapping[str, Any]], **settings: str
) -> Iterator[Dashboard]:
    """The dashboard with such a provider, and with these settings besides."""
    with running_provider(folder, people) as issuer:
        chosen = {
            "AUTH_ISSUER": issuer,
            "AUTH_CLIENT_ID": "dashboard",
            "AUTH_CLIENT_SECRET": "the client's own secret",
            "AUTH_COOKIE_SECRET": "a secret of forty characters, just for tests",
            "LOG_LEVEL": "INFO",
        }
        with running_dashboard(database_url, folder, **chosen, **settings) as dashboard:
            yield dashboard
