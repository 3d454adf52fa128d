"""Invitations that end because of something else: each is noted as one that somebody revokes is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action, Actor, Via, entry, note_all
from lib.store.models import Invitation
from lib.store.repositories import invitations

Hand = tuple[Actor, Via]
"""Who does something, and by which way."""


async def withdraw_for(session: AsyncSession, hand: Hand, email: str, why: str) -> None:
    """Withdraw what is open for this address."""
    await _note(session, hand, await invitations.revoke_for(session, email), why)


async def withdraw_of(session: AsyncSession, hand: Hand, invited_by: str, why: str) -> None:
    """Withdraw what this person has offered to others and is still open."""
    await _note(session, hand, await invitations.revoke_of(session, invited_by), why)


async def _note(session: AsyncSession, hand: Hand, withdrawn: Sequence[Invitation], why: str) -> None:
    actor, via = hand
    entries = [
        entry(
            actor, Action.REVOKED_INVITATION, via=via, subject=each.email, before={"role": each.role}, after={"by": why}
        )
        for each in withdrawn
    ]
    await note_all(session, entries)
