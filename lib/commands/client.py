"""``client add``, ``client list``, ``client set``, ``client token`` and ``client remove-samples``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import OPERATOR_ACTOR, Action, note
from lib.clients.choice import SETS, WINDOWS, Choice, checked_choice, write_choice
from lib.clients.noting import token_action, token_words
from lib.clients.words import checked_line
from lib.commands.words import account_id, secret_from_stdin
from lib.errors import MetaError, UsageError
from lib.meta.errors import TokenDead
from lib.meta.service import MetaService
from lib.refresh.entities import account_values
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.models import Account, Client
from lib.store.repositories import clients, managed_clients
from lib.store.secrets import TokenVault

HELP = "whom the agency serves: add, list, choose what is fetched, give a new token, remove the samples"
NONE = "none"
LONGEST_WAIT_S = 120.0
"""For this long a terminal waits for a limit of Meta's to lift."""


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a client with its accounts and its token")
    add.add_argument("--name", required=True, help="the client's name")
    add.add_argument(
        "--account", action="append", required=True, type=account_id, metavar="ID", help="an ad account's id"
    )
    add.add_argument(
        "--token-stdin", action="store_true", required=True, help="read the Meta token from standard input"
    )
    listing = actions.add_parser("list", help="slug, name and accounts of every client")
    listing.add_argument("--json", action="store_true", help="as a JSON list")
    choosing = actions.add_parser("set", help="choose what is fetched for a client beside the plain ad-days")
    choosing.add_argument("slug", help="the client's slug")
    for name, known in (("breakdowns", SETS), ("windows", WINDOWS)):
        choosing.add_argument(f"--{name}", metavar="LIST", help=f"{NONE}, or some of {','.join(known)}")
    token = actions.add_parser("token", help="put a new token in the place of a client's old one")
    token.add_argument("slug", help="the client's slug")
    token.add_argument(
        "--token-stdin", action="store_true", required=True, help="read the Meta token from standard input"
    )
    actions.add_parser("remove-samples", help="remove the sample clients and all their numbers")


async def run(args: argparse.Namespace, store: Store) -> int:
    actions = {"add": _add, "list": _list, "set": _set, "token": _token, "remove-samples": _remove_samples}
    return await actions[args.action](args, store)


async def _add(args: argparse.Namespace, store: Store) -> int:
    name, account_ids = checked_line(args.name, "A client"), list(dict.fromkeys(args.account))
    settings = get_settings()
    vault = TokenVault(settings)
    token = secret_from_stdin("Meta token")
    async with store.working() as session:
        await _refuse_what_exists(session, name, account_ids)
        client = await clients.add_client(
            session,
            name=name,
            graph_url=settings.graph_url,
            account_ids=account_ids,
            seal=lambda: vault.seal(token),
            is_sample=False,
        )
        sealed = client.credential.token_encrypted if client.credential else b""
        after = {"name": name, "accounts": [str(number) for number in account_ids]}
        await _note(session, Action.ADDED_CLIENT, client, after=after)
    _warn(f"Stored {name} as {client.slug} with {len(account_ids)} account(s).")
    await _check(store, client, token, sealed, account_ids)
    sys.stdout.write(f"{client.slug}\n")
    return 0


async def _note(session: AsyncSession, action: Action, client: Client, **change: Any) -> None:
    await note(session, OPERATOR_ACTOR, action, via="cli", subject=client.slug, client_id=client.id, **change)


async def _refuse_what_exists(session: Any, name: str, account_ids: Sequence[int]) -> None:
    same = await clients.client_named(session, name)
    if same:
        raise UsageError(
            f"A client named {same.name} exists already ({same.slug}); nothing was stored.",
            f"`python -m lib client token {same.slug} --token-stdin` gives it a new token.",
        )
    owners = await clients.owners_of(session, account_ids)
    if owners:
        taken = ", ".join(f"act_{number} belongs to {owner}" for number, owner in owners.items())
        raise UsageError(f"An account has one client: {taken}. Nothing was stored.")


async def _check(store: Store, client: Client, token: str, sealed: bytes, account_ids: Sequence[int]) -> None:
    """Ask Meta what the accounts are; a failure is a warning, because all is stored and a refresh asks again."""
    service = MetaService(token, client.graph_url, most_wait_s=LONGEST_WAIT_S)
    failures = []
    for number in account_ids:
        try:
            described = account_values(number, await asyncio.to_thread(service.get_account, number))
        except MetaError as error:
            _warn(f"Warning: act_{number} is stored, but Meta did not confirm it. {error}")
            failures.append(error)
            continue
        async with store.working() as session:
            await clients.describe_account(session, number, described)
        _warn(f"act_{number} is {described['name']} ({described['currency']}, {described['timezone_name']}).")
    service.close()
    is_dead = any(isinstance(error, TokenDead) for error in failures)
    state = "dead" if is_dead else "unchecked" if failures or not account_ids else "valid"
    async with store.working() as session:
        await clients.note_credential_of(session, client.id, sealed, state)


async def _list(args: argparse.Namespace, store: Store) -> int:
    async with store.working() as session:
        found = await clients.all_clients(session)
    if args.json:
        sys.stdout.write(json.dumps([_as_json(client) for client in found], indent=2, ensure_ascii=False) + "\n")
        return 0
    for client in found:
        accounts = ", ".join(_account_words(account) for account in client.accounts)
        marks = [word for word, holds in (("sample", client.is_sample), ("archived", client.archived_at)) if holds]
        said = f"  ({', '.join(marks)})" if marks else ""
        sys.stdout.write(f"{client.slug}  {client.name}  {accounts}{said}\n")
    if not found:
        _warn("No clients yet. `python -m lib client add` adds one.")
    return 0


def _account_words(account: Account) -> str:
    return f"act_{account.account_id}{' (disconnected)' if account.disconnected_at else ''}"


def _as_json(client: Any) -> dict[str, Any]:
    accounts = [
        {
            "account_id": str(account.account_id),
            "name": account.name,
            "currency": account.currency,
            "timezone_name": account.timezone_name,
            "is_connected": account.disconnected_at is None,
        }
        for account in client.accounts
    ]
    return {
        "slug": client.slug,
        "name": client.name,
        "is_sample": client.is_sample,
        "is_archived": client.archived_at is not None,
        **Choice.of(client).values(),
        "accounts": accounts,
    }


async def _set(args: argparse.Namespace, store: Store) -> int:
    if args.breakdowns is None and args.windows is None:
        raise UsageError("Nothing was chosen; nothing was stored.", "Give --breakdowns or --windows.")
    async with store.working() as session:
        client = await _client_of(session, args.slug)
        held = await managed_clients.client_open_to(session, client.id, None, is_changed=True) or client
        before = Choice.of(held)
        choice = checked_choice(
            _words(args.breakdowns, before.breakdowns), _words(args.windows, before.attribution_windows)
        )
        said = await write_choice(session, held, choice)
        if said:
            await _note(session, Action.CHANGED_CLIENT, held, **said)
    _warn(f"{held.name} is fetched from the next refresh on with {_choice_words(choice)}.")
    return 0


def _words(given: str | None, stored: Sequence[str]) -> Sequence[str]:
    if given is None:
        return stored
    return () if given.strip() == NONE else [word for word in (part.strip() for part in given.split(",")) if word]


def _choice_words(choice: Choice) -> str:
    parts = (("breakdowns", choice.breakdowns), ("attribution windows", choice.attribution_windows))
    return " and ".join(f"{', '.join(chosen) if chosen else 'no'} {what}" for what, chosen in parts)


async def _client_of(session: AsyncSession, slug: str) -> Client:
    client = await clients.client_of_slug(session, slug)
    if client is None:
        raise UsageError(f"There is no client {slug}; nothing was stored.", "`python -m lib client list` shows them.")
    return client


async def _token(args: argparse.Namespace, store: Store) -> int:
    vault = TokenVault(get_settings())
    async with store.working() as session:
        client = await _client_of(session, args.slug)
    token = secret_from_stdin("Meta token")
    async with store.working() as session:
        change = await clients.set_token(session, client.id, lambda: vault.seal(token))
        await _note(session, token_action(change), client, **token_words(vault, change, "unchecked", "replaced"))
    _warn(f"Stored the new token of {client.name}.")
    connected = [account.account_id for account in client.accounts if account.disconnected_at is None]
    await _check(store, client, token, change.new, connected)
    return 0


async def _remove_samples(args: argparse.Namespace, store: Store) -> int:
    async with store.working() as session:
        removed = await clients.remove_samples(session)
        if removed:
            after = {"removed_samples": removed}
            await note(session, OPERATOR_ACTOR, Action.REMOVED_SAMPLES, via="cli", subject="samples", after=after)
    _warn(f"Removed {removed} sample client(s) with all their numbers; they do not come back.")
    return 0


def _warn(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
