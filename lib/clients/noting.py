"""What is noted of a change of a client, in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action, actor_of, note
from lib.access.viewer import Viewer
from lib.store.models import Client
from lib.store.repositories.clients import TokenChange
from lib.store.secrets import TokenVault


async def note_change(
    session: AsyncSession,
    viewer: Viewer,
    client: Client,
    action: Action,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note what this person changed of the client on a page; values are plain and hold no secret."""
    await note(
        session,
        actor_of(viewer),
        action,
        via="page",
        subject=client.slug,
        client_id=client.id,
        before=before,
        after=after,
    )


def token_words(
    vault: TokenVault, change: TokenChange, state: str, what: Literal["replaced", "put_back"]
) -> dict[str, dict[str, Any]]:
    """What is noted of another token: both by fingerprints, which tell tokens apart and tell nothing of them."""
    after: dict[str, Any] = {"state": state, "token": vault.fingerprint(change.new)}
    if change.old is None:
        return {"before": {"state": change.state}, "after": after}
    before = {"state": change.state, "token": vault.fingerprint(change.old)}
    return {"before": before, "after": {**after, what: True}}


def token_action(change: TokenChange) -> Action:
    """What storing a token did: the client had none before, or has another one now."""
    return Action.ADDED_TOKEN if change.old is None else Action.CHANGED_TOKEN
