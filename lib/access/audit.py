"""Notes what people did, in the transaction that does it: nothing is changed without a note, nor noted unchanged."""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Viewer
from lib.store.repositories.audit import add_entries

Via = Literal["page", "api", "cli", "sign-in"]
OPERATOR = "command line"
"""Who does what a command does: whoever may run commands on the server has no sign-in."""


class Action(StrEnum):
    """What can be noted."""

    SIGNED_IN = "signed in"
    SIGN_IN_FAILED = "sign-in failed"
    SIGNED_OUT = "signed out"
    SAW_CLIENT = "saw client"
    EXPORTED = "exported"
    STARTED_REFRESH = "started refresh"
    CANCELLED_REFRESH = "cancelled refresh"
    ADDED_PERSON = "added person"
    CHANGED_PERSON = "changed person"
    DISABLED_PERSON = "disabled person"
    ENABLED_PERSON = "enabled person"
    INVITED = "invited"
    REVOKED_INVITATION = "revoked invitation"
    ADDED_TEAM = "added team"
    CHANGED_TEAM = "changed team"
    REMOVED_TEAM = "removed team"
    RESTORED_TEAM = "restored team"
    ADDED_CLIENT = "added client"
    CHANGED_CLIENT = "changed client"
    ARCHIVED_CLIENT = "archived client"
    RESTORED_CLIENT = "restored client"
    REMOVED_SAMPLES = "removed sample clients"
    CONNECTED_ACCOUNTS = "connected accounts"
    DISCONNECTED_ACCOUNTS = "disconnected accounts"
    ADDED_TOKEN = "added token"  # noqa: S105 (the name of an action, like those below)
    CHANGED_TOKEN = "changed token"  # noqa: S105
    RESTORED_TOKEN = "restored token"  # noqa: S105
    ADDED_PERSONAL_TOKEN = "added personal token"  # noqa: S105
    REVOKED_PERSONAL_TOKEN = "revoked personal token"  # noqa: S105
    MADE_LINK = "made link"
    ADDED_VIEW = "added saved view"
    CHANGED_VIEW = "changed saved view"
    REMOVED_VIEW = "removed saved view"
    ADDED_GROUP = "added group"
    CHANGED_GROUP = "changed group"
    REMOVED_GROUP = "removed group"
    SEES_AS = "sees as"
    ROTATED_KEYS = "rotated keys"


FORMER_ACTIONS = ("changed accounts", "changed personal token")
"""What older entries were noted as, and no entry is any more."""


def of_change(before: object | None, after: object | None, added: Action, changed: Action, removed: Action) -> Action:
    """Which of the three it was of something that is None where it is not there."""
    return added if before is None else removed if after is None else changed


@dataclass(frozen=True)
class Actor:
    """Whose sign-in it is; ``seen_as`` is the person whose eyes an administrator looks through."""

    email: str
    user_id: uuid.UUID | None = None
    seen_as: str = ""


OPERATOR_ACTOR = Actor(OPERATOR)


def actor_of(viewer: Viewer) -> Actor:
    """The person themselves, or the administrator who looks through their eyes."""
    if viewer.seen_by:
        return Actor(viewer.seen_by, viewer.seen_by_id, viewer.email)
    return Actor(viewer.email, viewer.user_id)


def entry(
    actor: Actor,
    action: Action,
    *,
    via: Via,
    subject: str = "",
    client_id: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    address: str = "",
    day: dt.date | None = None,
) -> Mapping[str, Any]:
    """What is to be noted. ``before`` and ``after`` are plain values and hold no secret.

    With ``day`` it is noted once that day of this actor, action and subject, which is short then: an index holds it.
    """
    return {
        "user_id": actor.user_id,
        "email": actor.email,
        "seen_as": actor.seen_as,
        "action": action.value,
        "via": via,
        "subject": subject,
        "client_id": client_id,
        "before": None if before is None else dict(before),
        "after": None if after is None else dict(after),
        "address": _readable(address),
        "day": day,
    }


def _readable(address: str) -> str:
    """The address; '' where it is none, because what a proxy hands on may be anything that someone sent."""
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return ""


async def note(session: AsyncSession, actor: Actor, action: Action, *, via: Via, **about: Any) -> None:
    """Note one ``entry`` with the transaction of ``session``, whatever its role."""
    await note_all(session, [entry(actor, action, via=via, **about)])


async def note_all(session: AsyncSession, entries: Sequence[Mapping[str, Any]]) -> None:
    """Note several at once."""
    await add_entries(session, entries)
