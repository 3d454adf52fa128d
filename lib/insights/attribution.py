"""Attribution windows that a query may ask for in place of each account's own setting."""

from __future__ import annotations

from collections.abc import Mapping

WINDOWS: Mapping[str, str] = {
    "1d_click": "1 day after a click",
    "7d_click": "7 days after a click",
    "1d_view": "1 day after a view",
}
"""What a client may have fetched beside the accounts' own setting. Windows nest, so they are never added up."""


def not_fetched(window: str, chosen: int, accounts: int) -> str:
    """Why a metric of conversions has no value, and what to do: of so many ``accounts`` it is ``chosen`` for some."""
    said = f"not fetched for {WINDOWS[window]} on each of these days"
    if chosen == accounts:
        return f"{said}: refresh these days"
    if not chosen:
        return f"{said}: choose the window for the client under Clients"
    lacking = f"{accounts - chosen:,} of {accounts:,} accounts"
    return f"{said}: choose the window for the clients of {lacking} under Clients, and refresh these days"
