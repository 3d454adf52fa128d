"""What Meta says of each client's token and of the accounts that it is for. A look waits for Meta: take a thread."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from lib.doctor.finding import Finding, failed, of_error, ok, skipped, warning
from lib.errors import MetaError
from lib.meta.errors import NoAccess, RateLimited, TokenDead, Unreachable, WrongRequest
from lib.meta.service import MetaService
from lib.meta.tokens import TokenFacts

SOON = dt.timedelta(days=14)
TIMEOUT_S = (5.0, 15.0)
ASKED = 3
"""Of the accounts that the token does not list, so many are asked for the reason."""


@dataclass(frozen=True)
class Patient:
    """A client with what its token is for."""

    name: str
    slug: str
    is_sample: bool
    graph_url: str
    account_ids: tuple[int, ...]

    @property
    def token(self) -> str:
        """What the check of the token is called."""
        return f"Token of {self.name}"

    @property
    def accounts(self) -> str:
        """What the check of the accounts is called."""
        return f"Accounts of {self.name}"

    @property
    def refreshes(self) -> str:
        """What the check of its last refreshes is called."""
        return f"Refreshes of {self.name}"

    @property
    def new_token(self) -> str:
        """How the client gets a new token."""
        command = f"`python -m lib client token {self.slug} --token-stdin`"
        return f"Create a new system-user token with ads_read and store it with {command}."


@dataclass(frozen=True)
class Look:
    """What was found, and how far Meta's clock is ahead of ours where it said."""

    findings: tuple[Finding, ...]
    clock_ahead_s: float | None = None


def look(patient: Patient, token: str) -> Look:
    """Ask Meta about the token and its accounts."""
    service = MetaService(token, patient.graph_url, timeout_s=TIMEOUT_S, tries=1, most_wait_s=0)
    try:
        found, is_of_use = _token(patient, service)
        accounts = _accounts(patient, service) if is_of_use else skipped(patient.accounts, "They could not be asked.")
        return Look((found, accounts), service.clock_ahead_s)
    finally:
        service.close()


def _token(patient: Patient, service: MetaService) -> tuple[Finding, bool]:
    """The finding, and whether it is of use to go on with this token."""
    name = patient.token
    try:
        facts = service.get_token_facts()
    except TokenDead as error:
        return failed(name, error.message, patient.new_token), False
    except RateLimited as error:
        return warning(name, error.message, "Meta makes this token wait; ask again later."), False
    except Unreachable as error:
        return _unreached(patient, error), False
    except (NoAccess, WrongRequest) as error:
        return warning(name, f"Meta does not describe this token: {error.message}", "The next check tells more."), True
    except MetaError as error:
        return of_error(name, error), False
    return _judge(patient, facts, dt.datetime.now(dt.UTC)), facts.is_valid


def _unreached(patient: Patient, error: Unreachable) -> Finding:
    if patient.is_sample:
        return skipped(patient.token, "The sandbox of the sample clients does not run.", "`make run` starts it.")
    return failed(patient.token, error.message, "Check that this machine reaches Meta, then look again.")


def _judge(patient: Patient, facts: TokenFacts, now: dt.datetime) -> Finding:
    name = patient.token
    if not facts.is_valid:
        return failed(name, f"Meta calls it invalid: {facts.reason or 'no reason given'}", patient.new_token)
    if not facts.may_read:
        granted = ", ".join(sorted(facts.scopes)) or "nothing"
        return failed(name, f"It lacks the permission ads_read; it was granted {granted}.", patient.new_token)
    if facts.ends_at is None:
        return ok(name, "It is valid, may read (ads_read) and does not expire.")
    days = (facts.ends_at - now).days
    if facts.ends_at - now < SOON:
        when = f"on {facts.ends_at:%Y-%m-%d}, in {days} days" if days > 0 else f"on {facts.ends_at:%Y-%m-%d}"
        return warning(name, f"It expires {when}.", patient.new_token)
    return ok(name, f"It is valid, may read (ads_read) and expires on {facts.ends_at:%Y-%m-%d}.")


def _accounts(patient: Patient, service: MetaService) -> Finding:
    """Whether the token opens each account: those that it does not list are asked one by one."""
    name, wanted = patient.accounts, patient.account_ids
    try:
        listed = {str(row.get("account_id")) for row in service.get_accounts()}
        closed = _closed(service, [number for number in wanted if str(number) not in listed])
    except MetaError as error:
        return of_error(name, error)
    if not closed:
        return ok(name, f"It opens {'its account' if len(wanted) == 1 else f'all {len(wanted)} accounts'}.")
    some = ", ".join(f"act_{number}" for number in list(closed)[:ASKED])
    more = f" and {len(closed) - ASKED} more" if len(closed) > ASKED else ""
    first = next(iter(closed.values()))
    return failed(name, f"It does not open {some}{more}. {first.message}", first.remedy)


def _closed(service: MetaService, unlisted: list[int]) -> dict[int, MetaError]:
    """The accounts that do not answer, with the reason. The first ones tell for the rest, which are not asked."""
    closed: dict[int, MetaError] = {}
    for place, number in enumerate(unlisted):
        if len(closed) == ASKED:
            return closed | dict.fromkeys(unlisted[place:], next(iter(closed.values())))
        try:
            service.get_account(number)
        except NoAccess as error:
            closed[number] = error
    return closed
