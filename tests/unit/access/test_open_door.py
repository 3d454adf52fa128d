"""Nothing that others can reach starts with passwords in the clear."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dashboard.server import refuse_open_door, streamlit_secrets
from lib.errors import SettingsError
from lib.settings import Settings

OIDC = {"auth_issuer": "https://x.eu.auth0.com/", "auth_client_id": "id", "auth_client_secret": "secret"}


def settings(**values: str) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "ads.example.com"])  # noqa: S104 - what is refused
def test_a_reachable_host_needs_https_or_oidc(host: str) -> None:
    with pytest.raises(SettingsError, match="without encryption"):
        refuse_open_door(settings(host=host))
    with pytest.raises(SettingsError, match="without encryption"):
        refuse_open_door(settings(host=host, public_url="http://ads.example.com"))
    refuse_open_door(settings(host=host, public_url="https://ads.example.com"))
    refuse_open_door(settings(host=host, **OIDC, auth_cookie_secret="c" * 32))


def test_a_reachable_host_needs_a_cookie_secret_of_its_own() -> None:
    for address in ("", "https://ads.example.com"):
        with pytest.raises(SettingsError, match="AUTH_COOKIE_SECRET is not set"):
            refuse_open_door(settings(host="192.168.1.5", **OIDC, public_url=address))


def test_without_local_accounts_there_is_another_way_in() -> None:
    with pytest.raises(SettingsError, match="LOCAL_ACCOUNTS is no, and there is no other way to sign in"):
        refuse_open_door(settings(local_accounts="no"))
    refuse_open_door(settings(local_accounts="no", **OIDC, auth_cookie_secret="c" * 32))
    refuse_open_door(settings(local_accounts="no", auth_popup_domain="x.eu.auth0.com", auth_popup_client_id="id"))


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.5"])
def test_a_provider_without_encryption_is_none(host: str) -> None:
    chosen = {**OIDC, "auth_cookie_secret": "c" * 32, "public_url": "https://ads.example.com", "host": host}
    with pytest.raises(SettingsError, match="could sign in as anyone"):
        refuse_open_door(settings(**chosen | {"auth_issuer": "http://sso.example.com"}))
    refuse_open_door(settings(**chosen | {"auth_issuer": "http://127.0.0.1:9000"}))


def test_a_popup_alone_is_no_encryption() -> None:
    popup = {"auth_popup_domain": "x.eu.auth0.com", "auth_popup_client_id": "id"}
    with pytest.raises(SettingsError, match="without encryption"):
        refuse_open_door(settings(host="192.168.1.5", **popup))
    refuse_open_door(settings(host="192.168.1.5", **popup, public_url="https://ads.example.com"))


@pytest.mark.parametrize("half", ["auth_popup_domain", "auth_popup_client_id"])
def test_half_a_popup_is_refused(half: str) -> None:
    with pytest.raises(SettingsError, match="AUTH_POPUP_DOMAIN and AUTH_POPUP_CLIENT_ID"):
        assert settings(**{half: "x.eu.auth0.com"}).has_popup


@pytest.mark.parametrize(
    "domain", ["https://x.eu.auth0.com", "x.eu.auth0.com/", "x y", "a;script-src *", "-x", "x:port"]
)
def test_a_popup_domain_is_a_domain(domain: str) -> None:
    with pytest.raises(ValidationError):
        settings(auth_popup_domain=domain, auth_popup_client_id="id")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_the_loopback_is_open(host: str) -> None:
    refuse_open_door(settings(host=host))


def test_half_an_oidc_is_refused() -> None:
    with pytest.raises(SettingsError, match="AUTH_CLIENT_SECRET not set"):
        streamlit_secrets(settings(auth_issuer="https://x", auth_client_id="id"), "")


def test_streamlit_is_told_of_the_provider() -> None:
    assert streamlit_secrets(settings(), "") == {}
    auth = streamlit_secrets(settings(**OIDC, public_url="https://ads.test/"), "k" * 32)["auth"]
    assert auth["redirect_uri"] == "https://ads.test/oauth2callback"
    assert auth["auth0"]["server_metadata_url"] == "https://x.eu.auth0.com/.well-known/openid-configuration"
    assert auth["auth0"]["client_kwargs"]["prompt"] == "login"
