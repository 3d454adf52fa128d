"""``team put``, ``list``, ``rename`` and ``remove``: people who see the same clients."""

from __future__ import annotations

import argparse
import sys

from lib.access.audit import OPERATOR_ACTOR
from lib.access.roster import teams_of
from lib.access.teams import put_team, remove_team, rename_team
from lib.store.engine import Store

HELP = "teams, whose people see the same clients: put, list, rename, remove"
_PUT = (
    "Make a team, or bring one that exists to exactly the clients and people named here. Without --client its clients,"
    " without --member its people stay as they are."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    put = actions.add_parser("put", help="make a team, or change one that exists", description=_PUT)
    put.add_argument("name", metavar="NAME")
    put.add_argument("--client", action="append", metavar="SLUG", help="a client that it opens; may be repeated")
    put.add_argument("--member", action="append", metavar="EMAIL", help="who belongs to it; may be repeated")
    actions.add_parser("list", help="every team with its people and clients")
    rename = actions.add_parser("rename", help="give a team another name")
    rename.add_argument("name", metavar="NAME")
    rename.add_argument("new_name", metavar="NEW_NAME")
    remove = actions.add_parser("remove", help="remove a team; its people stay, and lose what only the team opened")
    remove.add_argument("name", metavar="NAME")


async def run(args: argparse.Namespace, store: Store) -> int:
    """Do it; UsageError where the words are off, and then nothing is changed."""
    if args.action == "put":
        changes = await put_team(store, OPERATOR_ACTOR, args.name, slugs=args.client, emails=args.member)
        sys.stdout.write(f"{args.name}: {'; '.join(changes) or 'nothing changed'}.\n")
    elif args.action == "list":
        await _list(store)
    elif args.action == "rename":
        await rename_team(store, OPERATOR_ACTOR, args.name, args.new_name)
        sys.stdout.write(f"{args.name} is called {args.new_name} now.\n")
    else:
        await remove_team(store, OPERATOR_ACTOR, args.name)
        sys.stdout.write(f"Removed {args.name}; its people stay.\n")
    return 0


async def _list(store: Store) -> None:
    found = await teams_of(store, OPERATOR_ACTOR)
    for team in found:
        clients, emails = ", ".join(team.client_slugs) or "no client", ", ".join(team.emails) or "nobody"
        sys.stdout.write(f"{team.name}  {clients}  {emails}\n")
    if not found:
        sys.stderr.write("There is no team yet. `python -m lib team put` makes one.\n")
