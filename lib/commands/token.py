"""``token add``, ``token list`` and ``token revoke``: what programs ask the API with."""

from __future__ import annotations

import argparse
import sys
import uuid

from lib.access.audit import OPERATOR_ACTOR
from lib.access.personal_tokens import DAYS, MOST_DAYS, TokenInfo, create_token, list_tokens, revoke_token
from lib.access.scopes import READ, SCOPES
from lib.errors import UsageError
from lib.store.engine import Store

HELP = "personal tokens for the API: add, list, revoke"
_ADD = (
    "Make a token by which a program asks the API as this person, with the person's role and clients. It is printed"
    " once, last on its line, and stored hashed."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a token and print it once", description=_ADD)
    add.add_argument("email", metavar="EMAIL")
    add.add_argument(
        "--scope", action="append", choices=SCOPES, help="what it is for; may be repeated; write includes read"
    )
    add.add_argument("--days", type=int, default=DAYS, metavar="N", help=f"1 to {MOST_DAYS}; default {DAYS}")
    add.add_argument("--name", default="", help="what the token is for, in your words")
    listing = actions.add_parser("list", help="tokens with their states, without the tokens themselves")
    whose = listing.add_mutually_exclusive_group(required=True)
    whose.add_argument("email", nargs="?", metavar="EMAIL")
    whose.add_argument("--all", action="store_true", help="everyone's")
    actions.add_parser("revoke", help="end a token at once").add_argument("id", metavar="ID")


async def run(args: argparse.Namespace, store: Store) -> int:
    """Do it; UsageError where the words are off, and then nothing is changed."""
    action = {"add": _add, "list": _list, "revoke": _revoke}[args.action]
    return await action(args, store)


async def _add(args: argparse.Namespace, store: Store) -> int:
    made = await create_token(store, args.email, name=args.name, scopes=args.scope or [READ], days=args.days)
    until = "" if made.info.expires_at is None else f" until {made.info.expires_at:%Y-%m-%d}"
    words = f"Token {made.info.id} of {made.info.email} for {' and '.join(made.info.scopes)}{until}, shown this once:"
    sys.stdout.write(f"{words} {made.secret}\n")
    return 0


async def _list(args: argparse.Namespace, store: Store) -> int:
    found = await list_tokens(store, args.email)
    for info in found:
        sys.stdout.write(f"{_line(info)}\n")
    if not found:
        sys.stderr.write("There is no token yet. `python -m lib token add` makes one.\n")
    return 0


def _line(info: TokenInfo) -> str:
    until = "without end" if info.expires_at is None else f"until {info.expires_at:%Y-%m-%d}"
    used = "never used" if info.last_used_at is None else f"last used {info.last_used_at:%Y-%m-%d %H:%M} UTC"
    words = [str(info.id), info.email, info.name or "-", " ".join(info.scopes), info.state, until, used]
    return "  ".join(words)


async def _revoke(args: argparse.Namespace, store: Store) -> int:
    try:
        token_id = uuid.UUID(args.id)
    except ValueError as error:
        raise UsageError(f"{args.id!r} is not a token's id.", "`python -m lib token list --all` shows them.") from error
    await revoke_token(store, OPERATOR_ACTOR, token_id)
    sys.stdout.write(f"Revoked {token_id}; it opens nothing from now on.\n")
    return 0
