"""``user``: who may sign in, what they may see, and who may not come in any more."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import uuid
from urllib.parse import urlencode

from lib.access.audit import OPERATOR_ACTOR
from lib.access.identities import forget_identities
from lib.access.invitations import LASTS, LONGEST, invite
from lib.access.people import PutPerson, change_person, put_person
from lib.access.roster import Person, people_of
from lib.access.sessions import make_link
from lib.access.viewer import Role
from lib.commands.running import url_of_running
from lib.errors import UsageError
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.repositories import people

HELP = "add, list, invite, disable and enable people, and say what they may see"
_ADD = (
    "Add a person, or change one who exists. Without a password a sign-in link is printed that works once, within"
    " 24 hours. Admins see every client; the others see the clients named here. Without --client, the clients of a"
    " person who exists stay as they are."
)
_INVITE = (
    "Offer someone a role, clients and teams. The link is printed once, last on its line; whoever opens it chooses a"
    " password. A sign-in under that address by the sign-in service uses the invitation too. A new invitation takes"
    " the place of an open one."
)
_DISABLE = "Shut a person out at once: their sign-ins, links, personal tokens and the invitations by them end."
_UNLINK = (
    "Forget the accounts at sign-in services that a person came by, so that they may come by a new one under the same"
    " address. Their sign-ins end."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a person, or change one who exists", description=_ADD)
    add.add_argument("email", metavar="EMAIL")
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--client", action="append", metavar="SLUG", help="a client to open; may be repeated")
    add.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")
    actions.add_parser("list", help="everyone with role, clients, teams and last visit")
    _configure_invite(actions.add_parser("invite", help="offer someone a role and clients", description=_INVITE))
    for action, words, more in (
        ("disable", "shut a person out at once", _DISABLE),
        ("enable", "let a person in again, with the role and clients that they had", ""),
        ("unlink", "let a person come by a new account of the sign-in service", _UNLINK),
    ):
        actions.add_parser(action, help=words, description=more or None).add_argument("email", metavar="EMAIL")


def _configure_invite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--role", default=Role.VIEWER.value, choices=[role.value for role in Role])
    parser.add_argument("--client", action="append", default=[], metavar="SLUG", help="may be repeated")
    parser.add_argument("--team", action="append", default=[], metavar="NAME", help="may be repeated")
    limits = f"1 to {LONGEST.days}; default {LASTS.days}"
    parser.add_argument("--days", type=int, default=LASTS.days, metavar="N", help=limits)


async def run(args: argparse.Namespace, store: Store) -> int:
    """Do it; UsageError where the words are off, and then nothing is stored."""
    actions = {"add": _add, "list": _list, "invite": _invite, "disable": _disable, "enable": _enable, "unlink": _unlink}
    await actions[args.action](args, store)
    return 0


async def _add(args: argparse.Namespace, store: Store) -> None:
    password = _read_password() if args.password_stdin else None
    person = await put_person(store, args.email, Role(args.role), slugs=args.client, password=password)
    sys.stdout.write(_report(person, Role(args.role), args.client) + "\n")
    if not person.is_active:
        sys.stdout.write(f"{person.email} is disabled; `python -m lib user enable {person.email}` lets them in.\n")
    elif password is None:
        address = _address("sign-in", await make_link(store, person.user_id))
        sys.stdout.write(f"Sign-in link, works once and for 24 hours: {address}\n")


async def _list(args: argparse.Namespace, store: Store) -> None:
    for person in await people_of(store, OPERATOR_ACTOR):
        sys.stdout.write(f"{_line(person)}\n")


def _line(person: Person) -> str:
    every = "every client" if person.role is Role.ADMIN else ", ".join(person.client_slugs) or "-"
    seen = "never seen" if person.last_seen_at is None else f"seen {person.last_seen_at:%Y-%m-%d %H:%M} UTC"
    teams = f"teams {', '.join(person.team_names)}" if person.team_names else "no team"
    return "  ".join([person.email, person.role, "active" if person.is_active else "disabled", every, teams, seen])


async def _invite(args: argparse.Namespace, store: Store) -> None:
    made = await invite(
        store,
        OPERATOR_ACTOR,
        args.email,
        Role(args.role),
        slugs=args.client,
        teams=args.team,
        # Clipped, because a number of any size may be written.
        ttl=dt.timedelta(days=max(0, min(args.days, LONGEST.days + 1))),
    )
    words = f"Invited {made.email} as {args.role} until {made.expires_at:%Y-%m-%d %H:%M} UTC"
    if get_settings().local_accounts:
        sys.stdout.write(f"{words}, shown this once: {_address('invitation', made.token)}\n")
    else:
        sys.stdout.write(f"{words}: whoever signs in with this address comes in at {get_settings().base_url}\n")


async def _disable(args: argparse.Namespace, store: Store) -> None:
    changes = await change_person(store, OPERATOR_ACTOR, await _id_of(store, args.email), is_active=False)
    sys.stdout.write(f"{args.email}: {'; '.join(changes) or 'disabled already'}.\n")


async def _enable(args: argparse.Namespace, store: Store) -> None:
    changes = await change_person(store, OPERATOR_ACTOR, await _id_of(store, args.email), is_active=True)
    sys.stdout.write(f"{args.email}: {'; '.join(changes) or 'enabled already'}.\n")


async def _unlink(args: argparse.Namespace, store: Store) -> None:
    issuers = await forget_identities(store, OPERATOR_ACTOR, await _id_of(store, args.email))
    sys.stdout.write(f"{args.email}: {'forgot the account at ' + ', '.join(issuers) if issuers else 'had none'}.\n")


async def _id_of(store: Store, email: str) -> uuid.UUID:
    async with store.working() as session:
        user = await people.find_user(session, email)
    if user is None:
        raise UsageError(f"There is no person {email}; nothing was changed.", "`python -m lib user list` shows them.")
    return user.id


def _address(page: str, token: str) -> str:
    settings = get_settings()
    return f"{url_of_running(settings) or settings.base_url}/{page}?{urlencode({'token': token})}"


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
