"""Whose access tokens the API takes: what the settings may say, and what they may not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from lib.access.issuers import Issuer
from lib.errors import SettingsError
from lib.settings import ROOT, Settings, get_settings

OIDC = {"auth_issuer": "https://x.eu.auth0.com", "auth_client_id": "id", "auth_client_secret": "secret"}
OTHER = {"issuer": "https://issuer.test/", "audience": "ads"}


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_none_are_taken_unless_they_are_configured() -> None:
    assert settings().issuers == ()
    assert settings(**OIDC).issuers == ()


def test_auth_issuer_with_an_audience_and_others() -> None:
    chosen = settings(
        **OIDC, auth_audience="https://ads.test", auth_email_claim="https://ads.test/email", jwt_issuers=[OTHER]
    )
    first, second = chosen.issuers
    assert (first.issuer, first.audience, first.algorithms) == (OIDC["auth_issuer"], "https://ads.test", ("RS256",))
    assert (first.email_claim, first.verified_claim) == ("https://ads.test/email", "https://ads.test/email_verified")
    assert (second.name, second.jwks_url, second.email_claim) == ("https://issuer.test", None, "email")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"auth_audience": "ads"}, "AUTH_AUDIENCE cannot be used: it belongs to AUTH_ISSUER"),
        ({**OIDC, "auth_audience": "id"}, "differs from AUTH_CLIENT_ID"),
        ({**OIDC, "auth_issuer": "http://x.test", "auth_audience": "ads"}, "AUTH_ISSUER is no https address"),
        ({"jwt_issuers": [OTHER, {**OTHER, "audience": "else"}]}, "https://issuer.test is named twice"),
        ({"jwt_issuers": [OTHER, {**OTHER, "issuer": "https://issuer.test"}]}, "https://issuer.test is named twice"),
        (
            {**OIDC, "auth_audience": "ads", "jwt_issuers": [{**OTHER, "issuer": OIDC["auth_issuer"]}]},
            "x.eu.auth0.com is named twice",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        assert settings(**values).issuers


@pytest.mark.parametrize(
    "off",
    [
        {"issuer": "http://issuer.test/"},
        {"issuer": "http://localhost.evil.test/"},
        {"issuer": "issuer.test"},
        {"issuer": "https://"},
        {"issuer": "https://issuer.test/?a=b"},
        {"issuer": "https://issuer .test/"},
        {"issuer": "ftp://issuer.test"},
        {"audience": ""},
        {"audience": ["ads"]},
        {"jwks_url": "http://issuer.test/keys"},
        {"jwks_url": "file:///etc/passwd"},
        {"algorithms": []},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": ["RS256", "HS256"]},
        {"email_claim": ""},
        {"secret": "x"},
    ],
)
def test_an_issuer_of_another_shape_is_refused(off: dict[str, Any]) -> None:
    assert Issuer(**OTHER)
    with pytest.raises(ValidationError):
        Issuer(**{**OTHER, **off})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_this_machine_may_do_without_encryption(host: str) -> None:
    assert Issuer(issuer=f"http://{host}:9000/", audience="ads").issuer


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("[", "JWT_ISSUERS cannot be used: .*not a JSON list such as"),
        ("{}", "JWT_ISSUERS cannot be used: .*tuple"),
        ('[{"issuer": "https://x"}]', r"Field required \(0\.audience\)"),
        (json.dumps([{**OTHER, "algorithms": ["none"]}]), r"\(0\.algorithms\.0\)"),
        (json.dumps([{**OTHER, "issuer": "http://x.test"}]), r"https address .*\(0\.issuer\)"),
    ],
)
def test_the_variable_is_json(monkeypatch: pytest.MonkeyPatch, value: str, sentence: str) -> None:
    monkeypatch.setenv("JWT_ISSUERS", value)
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match=sentence):
        get_settings()
    monkeypatch.setenv("JWT_ISSUERS", json.dumps([OTHER]))
    assert [issuer.issuer for issuer in get_settings().issuers] == ["https://issuer.test/"]
    get_settings.cache_clear()


def test_the_examples_of_the_documents_can_be_used() -> None:
    lines = [line.strip() for line in (ROOT / "docs" / "auth0.md").read_text().splitlines()]
    found = [line.removeprefix("JWT_ISSUERS=") for line in lines if line.startswith("JWT_ISSUERS=")]
    assert [settings(jwt_issuers=each).issuers[0].algorithms for each in found] == [("ES256",), ("HS256",)]


SHARED = {"issuer": "https://p.supabase.co/auth/v1", "audience": "authenticated", "secret": "s" * 32}


def test_an_issuer_with_a_shared_secret_is_of_a_kind_of_its_own() -> None:
    issuer = Issuer(**SHARED, algorithms=["HS256"])
    assert "sss" not in repr(issuer) + str(issuer)


@pytest.mark.parametrize(
    "off",
    [
        {"algorithms": ["RS256"]},
        {"algorithms": ["HS256", "RS256"]},
        {},
        {"algorithms": ["HS256"], "secret": None},
        {"algorithms": ["HS256"], "secret": "s" * 31},
        {"algorithms": ["HS256"], "secret": ""},
        {"algorithms": ["HS256"], "jwks_url": "https://p.supabase.co/keys"},
        {"algorithms": ["HS512"]},
    ],
)
def test_a_secret_is_mixed_with_nothing(off: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        Issuer(**{**SHARED, **off})
    assert "sss" not in str(raised.value)


def test_a_secret_in_a_setting_that_cannot_be_used_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_ISSUERS", json.dumps([{**SHARED, "algorithms": ["RS256"]}]))
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match="JWT_ISSUERS cannot be used") as raised:
        get_settings()
    assert "sss" not in f"{raised.value} {raised.value.__cause__}"
    get_settings.cache_clear()
