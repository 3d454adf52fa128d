"""The signed-in person whose accounts are part of every query and every cache key."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a person may do; each role may do all that the ones before it may."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    MANAGER = "manager"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 for a viewer to 3 for an admin."""
        return list(Role).index(self)


@dataclass(frozen=True)
class Viewer:
    """A signed-in person with a role and the clients and accounts that grants (for an admin: all) open.

    ``session_hash`` names the row in ``user_session`` that this sign-in stands on. Where an administrator looks
    through this person's eyes, ``seen_by`` is the administrator's address and ``seen_by_id`` their id.
    """

    user_id: uuid.UUID
    email: str
    role: Role
    client_ids: frozenset[int] = field(default_factory=frozenset)
    account_ids: frozenset[int] = field(default_factory=frozenset)
    session_hash: bytes = field(default=b"", repr=False)
    seen_by: str = ""
    seen_by_id: uuid.UUID | None = None

    def may(self, role: Role) -> bool:
        """Whether this person's role is at least ``role``. Through another's eyes one only looks."""
        return self.role.rank >= role.rank and (not self.seen_by or role is Role.VIEWER)

    @property
    def cache_key(self) -> str:
        """What every cache key contains: the accounts in order."""
        return ",".join(str(account_id) for account_id in sorted(self.account_ids))
