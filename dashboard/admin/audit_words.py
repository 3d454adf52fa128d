"""The entries of the audit log as people read them: names for ids, words for keys, and only what differs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dashboard import formats
from lib.access.audit import Action
from lib.access.audit_reading import AuditEntry, KnownClient
from lib.clients.choice import SETS, WINDOWS

WAYS = {"page": "page", "api": "API", "cli": "command line", "sign-in": "sign-in"}
NONE = "none"
_SIGN_INS = {Action.SIGNED_IN.value, Action.SIGN_IN_FAILED.value}
_KEYS = {
    "why": "Reason",
    "replaced": "Token",
    "put_back": "Token",
    "token": "Fingerprint",
    "is_active": "May come in",
    "is_archived": "Archived",
    "is_sample": "Sample data",
    "is_shared": "Shared",
    "client_id": "Client",
    "granted_to": "Opened to",
    "seen_as": "Eyes",
    "sha256": "Hash (SHA-256)",
    "for": "For",
    "until": "Until",
    "by": "Because of",
    "account": "Account at the sign-in service",
    "of_clients": "Clients asked for",
    "person": "Person asked for",
    "action": "What was asked for",
    "removed_samples": "Sample clients removed",
    "run": "Refresh run",
}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "replaced": {"True": "replaced"},
    "put_back": {"True": "the one before was put back"},
    "state": {"unchecked": "not checked yet", "dead": "not valid any more", "missing": NONE},
    "seen_as": {"": "their own"},
    "for": {"sign-in": "signing in", "reset": "a new password", "verify": "confirming the address"},
    "way": {
        "local": "e-mail and password",
        "link": "one-time link",
        "oidc": "sign-in service",
        "popup": "sign-in service (popup)",
        "jwt": "bearer token",
    },
}
_FIRST = ("why", "replaced", "put_back")
_NOT_IN_BRIEF = {"sha256", "size", "run"}


@dataclass(frozen=True)
class Names:
    """What ids are called: clients by slug and by id, accounts by id."""

    slugs: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[int, str] = field(default_factory=dict)
    accounts: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One field of an entry: what it is now, and what it was where it was anything. ``brief`` is what a row says."""

    label: str
    now: str
    was: str | None = None
    brief: str = ""

    @property
    def words(self) -> str:
        """viewer → analyst."""
        return self.now if self.was is None else f"{self.was} → {self.now}"


def names(known: Sequence[KnownClient], accounts: Mapping[int, str]) -> Names:
    """The names of these clients and accounts."""
    return Names({one.slug: one.name for one in known}, {one.id: one.name for one in known}, accounts)


def accounts_in(entries: Iterable[AuditEntry]) -> set[int]:
    """The ids of the accounts that these entries are about."""
    found = [values.get("accounts") for each in entries for values in (each.before, each.after) if values]
    return {int(each) for some in found if isinstance(some, list) for each in some if _is_id(each)}


def when(at: dt.datetime, now: dt.datetime) -> str:
    """21 Nov 22:03; the year only where it is another."""
    return f"{at.day} {at:%b}{'' if at.year == now.year else f' {at.year}'} {at:%H:%M}"


def who(entry: AuditEntry) -> str:
    """ana@example.com; boss@example.com as ana@example.com where the one looked through the other's eyes."""
    return f"{entry.person} as {entry.seen_as}" if entry.seen_as else entry.person


def did(entry: AuditEntry) -> str:
    """Saw client."""
    return entry.action.capitalize()


def to_what(entry: AuditEntry, known: Names) -> str:
    """The client by its name alone where the entry is about that; else what it is about, and whose that is."""
    if _is_asked(entry):
        after = entry.after or {}
        return entry.client or formats.counted(len(after.get("clients", ())), "client")
    if entry.client and entry.subject in ("", *(slug for slug, name in known.slugs.items() if name == entry.client)):
        return entry.client
    subject = known.slugs.get(entry.subject, entry.subject)
    return f"{subject} ({entry.client})" if entry.client else subject


def lines(entry: AuditEntry, known: Names) -> list[Line]:
    """What was changed or is told, one line a field; what stayed is left out."""
    old, new = entry.before or {}, entry.after or {}
    # What makes the others plain comes first.
    keys = sorted(dict.fromkeys((*new, *old)), key=lambda key: key not in _FIRST)
    found = [_line(entry, key, known) for key in keys if key not in old or old[key] != new.get(key)]
    if entry.action == Action.CHANGED_TOKEN.value and not {"replaced", "put_back"} & new.keys():
        found.insert(0, Line("Token", "replaced", brief="token: replaced"))
    return found


def facts(entry: AuditEntry, known: Names) -> list[Line]:
    """Everything that an entry holds, one line a field."""
    at = entry.at
    return [
        Line("When (UTC)", f"{formats.day(at.date())}, {at:%H:%M:%S}"),
        Line("Who", entry.person),
        *([Line("Through the eyes of", entry.seen_as)] if entry.seen_as else []),
        Line("What was done", did(entry)),
        *([Line("To what", words)] if (words := to_what(entry, known)) else []),
        *([Line("As a command", entry.subject)] if _is_asked(entry) else []),
        *lines(entry, known),
        Line("By", WAYS.get(entry.via, entry.via)),
        Line("From (IP address)", entry.address or "not known"),
    ]


def change(entry: AuditEntry, known: Names) -> str:
    """role: viewer → analyst; clients: added Bolt. What a row has room for."""
    return "; ".join(filter(None, (line.brief for line in lines(entry, known))))


def _is_asked(entry: AuditEntry) -> bool:
    return entry.action == Action.EXPORTED.value and entry.subject.startswith("--")


def _line(entry: AuditEntry, key: str, known: Names) -> Line:
    old, new = entry.before or {}, entry.after or {}
    label, named = _KEYS.get(key, key.replace("_", " ").capitalize()), key
    if key == "by" and entry.action in _SIGN_INS:
        label, named = "Way in", "way"
    was = value(named, old[key], known) if key in old else None
    line = Line(label, value(named, new.get(key), known), was)
    is_told = key not in old and (new[key] in (None, "", []) or (key == "is_active" and new[key]))
    if key in _NOT_IN_BRIEF or is_told:
        return line
    words = _list_words(key, old.get(key), new.get(key), known) or line.words
    return replace(line, brief=f"{label[0].lower()}{label[1:]}: {words}")


def _list_words(key: str, old: Any, new: Any, known: Names) -> str:
    """Added Bolt, removed Zebra: where both are lists."""
    if not isinstance(old, list) or not isinstance(new, list):
        return ""
    added, gone = [each for each in new if each not in old], [each for each in old if each not in new]
    return ", ".join(
        f"{what} {value(key, some, known)}" for what, some in (("added", added), ("removed", gone)) if some
    )


def value(key: str, held: Any, known: Names) -> str:
    """One value in words; ``key`` says what it is of."""
    said = _VALUES.get(key, {}).get(str(held))
    if said is not None:
        return said
    if held is None or held in ("", []):
        return NONE
    if isinstance(held, list):
        return ", ".join(_named(key, each, known) for each in held)
    if isinstance(held, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {value(name, each, known)}" for name, each in held.items())
    return _named(key, held, known)


def _named(key: str, held: Any, known: Names) -> str:
    if isinstance(held, bool):
        return "yes" if held else "no"
    if key in _WRITTEN:
        return _WRITTEN[key](held, known)
    return str(held)


def _account(held: Any, known: Names) -> str:
    return known.accounts.get(int(held), f"act_{held}") if _is_id(held) else str(held)


def _moment(held: Any, _: Names) -> str:
    """A day stays as it is."""
    if not isinstance(held, str) or "T" not in held:
        return str(held)
    try:
        at = dt.datetime.fromisoformat(held).astimezone(dt.UTC)
    except ValueError:
        return held
    return f"{formats.day(at.date())}, {at:%H:%M} UTC"


_WRITTEN: Mapping[str, Callable[[Any, Names], str]] = {
    "clients": lambda held, known: known.slugs.get(str(held), str(held)),
    "client_id": lambda held, known: known.clients.get(held, f"removed client {held}"),
    "accounts": _account,
    "breakdowns": lambda held, _: SETS.get(str(held), str(held)),
    "attribution_windows": lambda held, _: WINDOWS.get(str(held), str(held)),
    "until": _moment,
    "rows": lambda held, _: f"{held:,}",
    "size": lambda held, _: formats.counted(held, "byte"),
}


def _is_id(held: Any) -> bool:
    return isinstance(held, str) and held.isascii() and held.isdigit()
