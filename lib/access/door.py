"""Whether others could reach a sign-in that sends passwords in the clear, or one without secrets of its own."""

from __future__ import annotations

from lib.access.issuers import checked_address, is_loopback
from lib.errors import SettingsError
from lib.settings import Settings


def refuse_open_door(settings: Settings) -> None:
    """SettingsError where others could listen in on a sign-in or come in by a door that nobody closed.

    Also where nobody could come in.
    """
    if settings.has_oidc:
        _refuse_open_provider(settings.auth_issuer)
    if not (settings.local_accounts or settings.has_oidc or settings.has_popup):
        raise SettingsError(
            "LOCAL_ACCOUNTS is no, and there is no other way to sign in.",
            "Set AUTH_ISSUER, AUTH_CLIENT_ID and AUTH_CLIENT_SECRET, or AUTH_POPUP_DOMAIN and AUTH_POPUP_CLIENT_ID, or"
            " leave LOCAL_ACCOUNTS out.",
        )
    if is_loopback(settings.host):
        return
    if not (settings.has_oidc or settings.base_url.startswith("https://")):
        raise SettingsError(
            f"HOST is {settings.host}, which others can reach, and people would sign in without encryption.",
            "Set PUBLIC_URL to the https address that people type, set AUTH_ISSUER, AUTH_CLIENT_ID and"
            " AUTH_CLIENT_SECRET, or leave HOST at 127.0.0.1.",
        )
    if settings.has_oidc and not settings.auth_cookie_secret.get_secret_value():
        raise SettingsError(
            f"HOST is {settings.host}, which others can reach, and AUTH_COOKIE_SECRET is not set.",
            "Set it to 32 random characters or more, or leave HOST at 127.0.0.1.",
        )


def _refuse_open_provider(issuer: str) -> None:
    try:
        checked_address(issuer)
    except ValueError as error:
        raise SettingsError(
            f"AUTH_ISSUER is {issuer}, and whoever sits on the way there could sign in as anyone.",
            "Name the provider by its https address.",
        ) from error
