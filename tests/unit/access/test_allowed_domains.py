"""AUTH_ALLOWED_DOMAINS is a list of whole domains; whatever else is in it is named before anyone comes in."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lib.access.admission import Vouched, vouched
from lib.access.viewer import Role
from lib.settings import Settings


def test_domains_are_kept_in_small_letters() -> None:
    domains = Settings(_env_file=None, auth_allowed_domains=" Example.com,two.example.org ").auth_allowed_domains
    assert domains == ("example.com", "two.example.org")
    assert Settings(_env_file=None).auth_allowed_domains == ()


@pytest.mark.parametrize(
    "said", ["@example.com", "*.example.com", "com", "example.com,", ",", "a b.com", "https://a.b"]
)
def test_what_is_no_domain_is_refused(said: str) -> None:
    with pytest.raises(ValidationError, match="not a list of domains"):
        Settings(_env_file=None, auth_allowed_domains=said)


@pytest.mark.parametrize(
    ("roles", "role"),
    [(None, None), ((), Role.VIEWER), ((Role.ANALYST,), Role.ANALYST), ((Role.ADMIN, Role.VIEWER), Role.ADMIN)],
)
def test_the_highest_role_of_a_claim_counts(roles: tuple[Role, ...] | None, role: Role | None) -> None:
    assert Vouched("issuer", "subject", "ana@example.com", roles).role is role


def test_an_issuer_is_the_same_with_and_without_its_slash() -> None:
    claims = {"sub": 7, "email": "ana@example.com", "email_verified": True}
    with_slash, without = (vouched({**claims, "iss": name}) for name in ("https://i.example/", "https://i.example"))
    assert with_slash == without == Vouched("https://i.example", "7", "ana@example.com")
