"""What a client's refreshes fetch beside the plain ad-days: breakdown sets and attribution windows.

Managers and administrators choose. Each change is noted. AccessError below manager, NotFound for a client that is not
open to this person, UsageError or Conflict where it cannot be done; then nothing was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action
from lib.access.viewer import Viewer
from lib.clients.managing import managed
from lib.clients.noting import note_change
from lib.errors import UsageError, changed_meanwhile
from lib.insights.attribution import WINDOWS
from lib.meta.fields import BREAKDOWNS
from lib.store.engine import Store
from lib.store.models import Client
from lib.store.repositories import managed_clients

__all__ = ["SETS", "WINDOWS", "Choice", "checked_choice", "choice_of", "choose", "write_choice"]

SETS: Mapping[str, str] = {slug: one.label for slug, one in BREAKDOWNS.items()}
"""The breakdown sets that can be chosen, and what people call them."""


@dataclass(frozen=True)
class Choice:
    """Slugs of ``SETS`` and of ``WINDOWS``, in their order."""

    breakdowns: tuple[str, ...] = ()
    attribution_windows: tuple[str, ...] = ()

    @classmethod
    def of(cls, client: Client) -> Choice:
        """What is stored of the client."""
        return cls(tuple(client.breakdowns), tuple(client.attribution_windows))

    def values(self) -> dict[str, list[str]]:
        """By the columns of the client."""
        return {"breakdowns": [*self.breakdowns], "attribution_windows": [*self.attribution_windows]}


def checked_choice(breakdowns: Iterable[str], windows: Iterable[str]) -> Choice:
    """The choice in the order that it is offered in; UsageError where a word is none of those."""
    return Choice(
        _checked(breakdowns, SETS, "breakdown set"),
        _checked(windows, WINDOWS, "attribution window"),
    )


def _checked(words: Iterable[str], known: Mapping[str, str], what: str) -> tuple[str, ...]:
    chosen = set(words)
    unknown = sorted(chosen - known.keys())
    if unknown:
        raise UsageError(f"There is no {what} {', '.join(unknown)}; nothing was stored.", f"Known: {', '.join(known)}.")
    return tuple(word for word in known if word in chosen)


async def choice_of(store: Store, viewer: Viewer, client_id: int) -> Choice:
    """What is chosen for the client now."""
    async with store.working(timeout_s=30) as session:
        return Choice.of(await managed(session, viewer, client_id, is_changed=False))


async def choose(store: Store, viewer: Viewer, client_id: int, choice: Choice, *, seen: Choice | None = None) -> Choice:
    """Fetch these from the next refresh on; what was chosen before.

    What is stored of sets and windows that are chosen no more stays. Conflict also where it was not ``seen`` so.
    """
    choice = checked_choice(choice.breakdowns, choice.attribution_windows)
    async with store.working() as session:
        client = await managed(session, viewer, client_id)
        before = Choice.of(client)
        if seen is not None and seen != before:
            raise changed_meanwhile(f"What is fetched for {client.name}")
        said = await write_choice(session, client, choice)
        if said:
            await note_change(session, viewer, client, Action.CHANGED_CLIENT, **said)
    return before


async def write_choice(session: AsyncSession, client: Client, choice: Choice) -> dict[str, dict[str, Any]]:
    """Store it for the client, which the caller holds; what differs, to be noted, and nothing where nothing does."""
    was, now = Choice.of(client).values(), choice.values()
    changed = [name for name in now if now[name] != was[name]]
    if not changed:
        return {}
    await managed_clients.change_client(session, client.id, {name: now[name] for name in changed})
    return {"before": _some(was, changed), "after": _some(now, changed)}


def _some(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names}
