"""What a refresh run notes: who started it, and what Meta said of the tokens that it had."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action, Actor, Via, note
from lib.errors import MetaError
from lib.meta.errors import TokenDead
from lib.refresh.account import AccountRefresh
from lib.refresh.state import AccountState
from lib.store.engine import Store
from lib.store.models import Account
from lib.store.repositories.audit import clients_of_accounts
from lib.store.repositories.clients import note_credential_of, note_token_facts

logger = logging.getLogger(__name__)


async def note_start(
    session: AsyncSession, actor: Actor, via: Via, account_ids: frozenset[int], about: Mapping[str, object]
) -> None:
    """Note in the transaction that makes the run who asked for these accounts; ``about`` names the run and its days."""
    await note_run_deed(session, actor, Action.STARTED_REFRESH, via, account_ids=account_ids, about=about)


async def note_run_deed(
    session: AsyncSession,
    actor: Actor,
    action: Action,
    via: Via,
    *,
    account_ids: frozenset[int],
    about: Mapping[str, object],
) -> None:
    """Note what somebody did with a run of these accounts."""
    clients = await clients_of_accounts(session, account_ids)
    slug, client_id = next(iter(clients.items())) if len(clients) == 1 else (f"{len(clients)} clients", None)
    asked = {name: str(value) for name, value in about.items() if value is not None}
    after = {"accounts": len(account_ids), "clients": list(clients), **asked}
    await note(session, actor, action, via=via, subject=slug, client_id=client_id, after=after)


async def note_credential(store: Store, account: Account, state: AccountState) -> None:
    """Remember what Meta said of the token that the run had for this account; another may be stored by now."""
    credential = account.client.credential
    if credential is not None and (state.state == "complete" or isinstance(state.error, TokenDead)):
        said = "dead" if state.error else "valid"
        async with store.working() as session:
            await note_credential_of(session, account.client_id, credential.token_encrypted, said)


async def learn_token_facts(store: Store, account: Account, work: AccountRefresh) -> None:
    """Ask Meta once of each token which app made it and until when it lives; a refusal leaves it for the next run."""
    credential = account.client.credential
    if credential is None or credential.app_id is not None:
        return
    try:
        facts = await work.wait(work.service.get_token_facts)
    except MetaError as error:
        logger.info("What the token of client %s is was not learned: %s", account.client_id, error.message)
        return
    credential.app_id, credential.expires_at = facts.app_id, facts.ends_at
    async with store.working() as session:
        mine = (account.client_id, credential.token_encrypted)
        await note_token_facts(session, *mine, app_id=facts.app_id, expires_at=facts.ends_at)


def is_worth_asking(account: Account) -> bool:
    """Whether the clock asks for an account: its client has a token, and Meta has not called that one dead."""
    credential = account.client.credential
    return credential is not None and credential.state != "dead"
