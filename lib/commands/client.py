"""``client add``, ``client list``, ``client token`` and ``client remove-samples``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from lib.commands.words import account_id, secret_from_stdin
from lib.errors import MetaError, UsageError
from lib.meta.errors import TokenDead
from lib.meta.service import MetaService
from lib.refresh.entities import account_values
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.repositories import clients
from lib.store.secrets import TokenVault

HELP = "whom the agency serves: add, list, give a new token, remove the samples"

JOINERS = {0x200C: None, 0x200D: None}
"""Parts of Persian words and of emoji that show nothing by themselves."""


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
    token = actions.add_parser("token", help="put a new token in the place of a client's old one")
    token.add_argument("slug", help="the client's slug")
    token.add_argument(
        "--token-stdin", action="store_true", required=True, help="read the Meta token from standard input"
    )
    actions.add_parser("remove-samples", help="remove the sample clients and all their numbers")


async def run(args: argparse.Namespace, store: Store) -> int:
    action = {"add": _add, "list": _list, "token": _token, "remove-samples": _remove_samples}[args.action]
    return await action(args, store)


async def _add(args: argparse.Namespace, store: Store) -> int:
    name, account_ids = args.name.strip(), list(dict.fromkeys(args.account))
    letters = name.translate(JOINERS)
    if not letters.strip() or not letters.isprintable():
        raise UsageError("A client needs a name of printable characters; nothing was stored.")
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
            sealed_token=vault.seal(token),
            is_sample=False,
        )
    _warn(f"Stored {name} as {client.slug} with {len(account_ids)} account(s).")
    await _check(store, client.id, token, client.graph_url, account_ids)
    sys.stdout.write(f"{client.slug}\n")
    return 0


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


async def _check(store: Store, client_id: int, token: str, graph_url: str, account_ids: Sequence[int]) -> None:
    """Ask Meta what the accounts are; a failure is a warning, because all is stored and a refresh asks again."""
    service = MetaService(token, graph_url)
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
    async with store.working() as session:
        await clients.note_credential(session, client_id, "dead" if is_dead else "unchecked" if failures else "valid")


async def _list(args: argparse.Namespace, store: Store) -> int:
    async with store.working() as session:
        found = await clients.all_clients(session)
    if args.json:
        sys.stdout.write(json.dumps([_as_json(client) for client in found], indent=2, ensure_ascii=False) + "\n")
        return 0
    for client in found:
        accounts = ", ".join(f"act_{account.account_id}" for account in client.accounts)
        sample = "  (sample)" if client.is_sample else ""
        sys.stdout.write(f"{client.slug}  {client.name}  {accounts}{sample}\n")
    if not found:
        _warn("No clients yet. `python -m lib client add` adds one.")
    return 0


def _as_json(client: Any) -> dict[str, Any]:
    accounts = [
        {
            "account_id": str(account.account_id),
            "name": account.name,
            "currency": account.currency,
            "timezone_name": account.timezone_name,
        }
        for account in client.accounts
    ]
    return {"slug": client.slug, "name": client.name, "is_sample": client.is_sample, "accounts": accounts}


async def _token(args: argparse.Namespace, store: Store) -> int:
    vault = TokenVault(get_settings())
    async with store.working() as session:
        client = await clients.client_of_slug(session, args.slug)
    if client is None:
        raise UsageError(
            f"There is no client {args.slug}; nothing was stored.", "`python -m lib client list` shows them."
        )
    token = secret_from_stdin("Meta token")
    async with store.working() as session:
        await clients.set_token(session, client.id, vault.seal(token))
    _warn(f"Stored the new token of {client.name}.")
    await _check(store, client.id, token, client.graph_url, [account.account_id for account in client.accounts])
    return 0


async def _remove_samples(args: argparse.Namespace, store: Store) -> int:
    async with store.working() as session:
        removed = await clients.remove_samples(session)
    _warn(f"Removed {removed} sample client(s) with all their numbers; they do not come back.")
    return 0


def _warn(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
