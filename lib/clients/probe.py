"""What Meta says of a token: ``debug_token`` and ``me/adaccounts``. It waits for Meta: take a thread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lib.errors import MetaError
from lib.meta.errors import NoAccess, TokenDead, WrongRequest
from lib.meta.parse import LARGEST, Unreadable
from lib.meta.service import MetaService
from lib.meta.tokens import TokenFacts
from lib.refresh.entities import account_values, text

SOON = dt.timedelta(days=14)
TIMEOUT_S = (5.0, 15.0)
ASKED = 10
"""Of the accounts that the token does not list, so many are asked one by one; the others count as closed."""
NEW_TOKEN = "Create a system-user token with ads_read in Meta's Business settings and paste that."  # noqa: S105 (words)


class TokenVerdict(StrEnum):
    """``ENDS_SOON`` and ``UNTOLD`` (Meta does not describe it, but it may work) can be used like ``GOOD``."""

    GOOD = "good"
    ENDS_SOON = "ends soon"
    UNTOLD = "untold"
    DEAD = "dead"
    NO_PERMISSION = "no permission"
    UNREACHED = "unreached"

    @property
    def is_of_use(self) -> bool:
        """Whether a token of which this was found may be stored."""
        return self in (TokenVerdict.GOOD, TokenVerdict.ENDS_SOON, TokenVerdict.UNTOLD)


@dataclass(frozen=True)
class Opened:
    """An account that the token opens; currency and time zone are None where Meta does not tell them."""

    account_id: int
    name: str
    currency: str | None = None
    timezone_name: str | None = None
    status: int | None = None

    @property
    def values(self) -> dict[str, Any]:
        """What the account table holds of it."""
        values = asdict(self)
        del values["account_id"]
        return values


@dataclass(frozen=True)
class Probe:
    """What was found, in words and as accounts; ``closed`` are those that were asked for and it does not open."""

    verdict: TokenVerdict
    words: str
    accounts: tuple[Opened, ...] = ()
    closed: tuple[int, ...] = ()


def probe(token: str, graph_url: str, wanted: Collection[int] = ()) -> Probe:
    """Look at ``token``. What Meta refuses is in the words; nothing is raised for it, and no word holds the token."""
    service = MetaService(token, graph_url, timeout_s=TIMEOUT_S, tries=1, most_wait_s=0)
    try:
        verdict, words = _judged(service)
        if not verdict.is_of_use:
            return Probe(verdict, words)
        opened = _opened(service)
        unlisted = sorted(set(wanted) - {account.account_id for account in opened})
        return Probe(verdict, words, opened, _closed(service, unlisted))
    except MetaError as error:
        return Probe(*_refused(error))
    finally:
        service.close()


def _judged(service: MetaService) -> tuple[TokenVerdict, str]:
    try:
        return _verdict(service.get_token_facts(), dt.datetime.now(dt.UTC))
    except (NoAccess, WrongRequest):
        return TokenVerdict.UNTOLD, "Meta does not describe this token. What it opens is asked all the same."


def _verdict(facts: TokenFacts, now: dt.datetime) -> tuple[TokenVerdict, str]:
    if not facts.is_valid:
        reason = facts.reason.rstrip(".") or "no reason given"
        return TokenVerdict.DEAD, f"Meta calls this token invalid: {reason}. {NEW_TOKEN}"
    if not facts.may_read:
        granted = ", ".join(sorted(facts.scopes)) or "nothing"
        return (
            TokenVerdict.NO_PERMISSION,
            f"This token lacks the permission ads_read; it was granted {granted}. {NEW_TOKEN}",
        )
    if facts.ends_at is None:
        return TokenVerdict.GOOD, "The token is valid, may read (ads_read) and does not expire."
    ends = f"{facts.ends_at.day} {facts.ends_at:%b %Y}"
    if facts.ends_at - now < SOON:
        return TokenVerdict.ENDS_SOON, f"The token is valid, but expires on {ends}. Replace it before that day."
    return TokenVerdict.GOOD, f"The token is valid, may read (ads_read) and expires on {ends}."


def _refused(error: MetaError) -> tuple[TokenVerdict, str]:
    if isinstance(error, TokenDead):
        return TokenVerdict.DEAD, f"{error.message} {NEW_TOKEN}"
    if isinstance(error, NoAccess):
        return TokenVerdict.NO_PERMISSION, f"{error.message} {NEW_TOKEN}"
    return TokenVerdict.UNREACHED, f"{error.message} Nothing was changed; ask again in a few minutes."


def _opened(service: MetaService) -> tuple[Opened, ...]:
    """The accounts in the order of their names, each once."""
    found = {}
    for row in service.get_accounts():
        number = str(row.get("account_id"))
        if not number.isascii() or not number.isdigit() or int(number) > LARGEST:
            raise Unreadable("Meta listed an account without its id.")
        found[int(number)] = _described(int(number), row)
    return tuple(sorted(found.values(), key=lambda account: (account.name.casefold(), account.account_id)))


def _described(account_id: int, row: dict[str, object]) -> Opened:
    try:
        return Opened(account_id, **account_values(account_id, row))
    except Unreadable:
        return Opened(account_id, text(row.get("name")) or f"act_{account_id}")


def _closed(service: MetaService, unlisted: Sequence[int]) -> tuple[int, ...]:
    closed = list(unlisted[ASKED:])
    for number in unlisted[:ASKED]:
        try:
            service.get_account(number)
        except NoAccess:
            closed.append(number)
    return tuple(sorted(closed))
