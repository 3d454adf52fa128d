"""What the page of clients says; nothing here draws."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

import pandas as pd

from dashboard import formats
from lib.clients.facts import AccountFacts, ClientFacts, TokenState
from lib.clients.probe import Opened, TokenVerdict
from lib.clients.tokens import Found, Standing
from lib.clients.words import status_words

_TOKENS: dict[TokenState, tuple[str, str, str]] = {
    "valid": ("green", "check_circle", "Token valid"),
    "dead": ("red", "error", "Token dead"),
    "unchecked": ("gray", "help", "Token not tested"),
    "missing": ("orange", "key_off", "Token missing"),
}
SAMPLE = ":orange-badge[:material/science: Sample data]"
ARCHIVED = ":gray-badge[:material/inventory_2: Archived]"
VERDICTS = {
    TokenVerdict.GOOD: ":green[:material/check_circle:]",
    TokenVerdict.ENDS_SOON: ":orange[:material/schedule:]",
    TokenVerdict.UNTOLD: ":orange[:material/help:]",
    TokenVerdict.DEAD: ":red[:material/error:]",
    TokenVerdict.NO_PERMISSION: ":red[:material/error:]",
    TokenVerdict.UNREACHED: ":orange[:material/cloud_off:]",
}


def row_words(client: ClientFacts, *, is_open: bool) -> str:
    """3 accounts, and the badges of a client; of one that is open, the panel says how its token stands."""
    badges = [SAMPLE] if client.is_sample else []
    if client.is_archived:
        badges.append(ARCHIVED)
    elif not is_open:
        badges.append(token_badge(client))
    return f"{formats.counted(client.account_count, 'account')} {' '.join(badges)}".strip()


def token_badge(client: ClientFacts) -> str:
    """How the client's token stands."""
    colour, icon, words = _TOKENS[client.token_state]
    return f":{colour}-badge[:material/{icon}: {words}]"


def of_pasted(words: str) -> str:
    """What Meta said of a token, of one that was pasted: beside it stands how the stored one does."""
    for named, pasted in (("The token ", "The pasted token "), ("This token ", "The pasted token ")):
        words = words.replace(named, pasted, 1) if words.startswith(named) else words
    return words.replace(" this token ", " the pasted token ", 1)


def sum_words(found: Iterable[ClientFacts]) -> str:
    """12 clients with 31 accounts, 2 archived, 1 token to be seen to."""
    clients = list(found)
    live = [client for client in clients if not client.is_archived]
    accounts = sum(client.account_count for client in live)
    words = [f"{formats.counted(len(live), 'client')} with {formats.counted(accounts, 'account')}"]
    if len(live) < len(clients):
        words.append(f"{len(clients) - len(live)} archived")
    sick = sum(client.token_state in ("dead", "missing") for client in live)
    if sick:
        words.append(f"{formats.counted(sick, 'token')} to be seen to")
    return ", ".join(words)


def sought_part(sought: str) -> str:
    """What is looked for in names and in the ids of accounts."""
    part = sought.strip()
    return part[4:] if part.casefold().startswith("act_") else part


def sought_in(found: Iterable[ClientFacts], part: str, also: Collection[int] = ()) -> list[ClientFacts]:
    """Those with ``part`` in their name, and ``also`` those with these ids; archived ones stand at the end."""
    folded = part.casefold()
    fitting = [client for client in found if client.id in also or folded in f"{client.name}\n{client.slug}".casefold()]
    return sorted(fitting, key=lambda client: client.is_archived)


def checked_words(client: ClientFacts, now: dt.datetime) -> str:
    """When Meta was last asked of the client's token."""
    if not client.has_token:
        return "No token is stored, so nothing can be fetched from Meta."
    if client.token_checked_at is None:
        return "It was not tested since it was stored."
    return f"Meta was last asked {formats.ago(client.token_checked_at, now)}."


def account_words(account: AccountFacts | Opened) -> str:
    """act_12 · EUR · Europe/Berlin · disabled by Meta; what Meta has not told is left out."""
    parts = [f"act_{account.account_id}", account.currency, account.timezone_name]
    if account.status != 1:
        parts.append(status_words(account.status))
    return " · ".join(part for part in parts if part)


def choice_words(account: Opened) -> str:
    """Acme EU · act_12 · EUR."""
    return " · ".join(part for part in (account.name, f"act_{account.account_id}", account.currency) if part)


def opened_rows(found: Iterable[Found]) -> pd.DataFrame:
    """One row an account that a token opens."""
    rows = [
        {
            "Account": each.account.name,
            "Connected": standing_words(each),
            "Currency": each.account.currency or formats.MISSING,
            "Time zone": each.account.timezone_name or formats.MISSING,
            "Status": status_words(each.account.status) or formats.MISSING,
            "Account id": f"act_{each.account.account_id}",
        }
        for each in found
    ]
    return pd.DataFrame(rows)


def standing_words(found: Found) -> str:
    """Whose the account is."""
    if found.standing is Standing.ELSEWHERE:
        return f"To {formats.short(found.holder, 60)}" if found.holder else "To another client"
    return {Standing.CONNECTED: "Yes", Standing.DISCONNECTED: "Was before", Standing.FREE: "No"}[found.standing]
