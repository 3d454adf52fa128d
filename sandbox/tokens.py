"""What a token may do. The token's first letters choose its fate, so a test needs no set-up."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.model import rand

DEAD = {"expired": 463, "password": 460, "removed": 458}
APP_ID = "123456789012345"


def _dead_subcode(token: str) -> int | None:
    return next((subcode for prefix, subcode in DEAD.items() if token.startswith(prefix)), None)


def check(token: str) -> None:
    """Refuse a missing or dead token; any other non-empty text is good."""
    if not token:
        raise errors.no_token()
    subcode = _dead_subcode(token)
    if subcode is not None:
        raise errors.dead_token(subcode)


def sees_accounts(token: str) -> bool:
    """Whether the token was granted the ad accounts."""
    return not token.startswith("forbidden")


def user_id(token: str) -> str:
    """The person behind the token: the same token is always the same person."""
    return str(10_000_000_000_000_000 + rand.key(*token.encode()) % 90_000_000_000_000_000)


def describe(token: str) -> dict[str, Any]:
    """The answer of `debug_token`."""
    valid = bool(token) and _dead_subcode(token) is None
    scopes = ["ads_read", "ads_management", "business_management", "public_profile"]
    if not sees_accounts(token):
        scopes = ["public_profile"]
    data: dict[str, Any] = {"app_id": APP_ID, "type": "SYSTEM_USER", "application": "Ads Administrator sandbox",
                            "is_valid": valid, "expires_at": 0, "data_access_expires_at": 0, "scopes": scopes,
                            "granular_scopes": [{"scope": scope} for scope in scopes],
                            "user_id": user_id(token)}  # fmt: skip
    subcode = _dead_subcode(token)
    if subcode is not None:
        refused = errors.dead_token(subcode).error
        data["error"] = {"code": 190, "message": refused["message"], "subcode": subcode}
        data["expires_at"] = 1_790_946_000
    return {"data": data}
