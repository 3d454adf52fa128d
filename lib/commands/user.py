"""``user add``: who may sign in, and what they may see."""

from __future__ import annotations

import argparse
import sys
from urllib.parse import urlencode

from lib.access.people import PutPerson, put_person
from lib.access.sessions import make_link
from lib.access.viewer import Role
from lib.commands.running import url_of_running
from lib.errors import UsageError
from lib.settings import get_settings
from lib.store.engine import Store

HELP = "add people and say what they may see"
_ADD = (
    "Add a person, or change one who exists. Without a password a sign-in link is printed that works once, within"
    " 24 hours. Admins see every client; the others see the clients named here. Without --client, the clients of a"
    " person who exists stay as they are."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a person, or change one who exists", description=_ADD)
    add.add_argument("email", metavar="EMAIL")
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--client", action="append", metavar="SLUG", help="a client to open; may be repeated")
    add.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")


async def run(args: argparse.Namespace, store: Store) -> int:
    """Add or change the person; UsageError where the words are off, and then nothing is stored."""
    password = _read_password() if args.password_stdin else None
    person = await put_person(store, args.email, Role(args.role), slugs=args.client, password=password)
    sys.stdout.write(_report(person, Role(args.role), args.client) + "\n")
    if password is None:
        token = await make_link(store, person.user_id)
        settings = get_settings()
        address = f"{url_of_running(settings) or settings.base_url}/sign-in?{urlencode({'token': token})}"
        sys.stdout.write(f"Sign-in link, works once and for 24 hours: {address}\n")
    return 0


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageError(
            "No password came on stdin.", "Nothing was stored. Pipe one in, or leave --password-stdin out."
        )
    return password


def _report(person: PutPerson, role: Role, slugs: list[str] | None) -> str:
    if not person.is_new:
        changed = "; ".join(person.changes) or "nothing"
        return f"{person.email} exists already. Changed: {changed}."
    if role is Role.ADMIN:
        return f"Added {person.email} as {role.value}, who sees every client."
    sees = ", ".join(sorted(set(slugs))) if slugs else "no client yet: run this again with --client"
    return f"Added {person.email} as {role.value}, who sees {sees}."
