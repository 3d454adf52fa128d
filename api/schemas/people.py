"""People as /api/v1 shows them."""

from __future__ import annotations

import uuid

from pydantic import BaseModel

from lib.access.viewer import Role


class Me(BaseModel):
    """The signed-in person. Ids of accounts are text: they are longer than what every program counts exactly."""

    id: uuid.UUID
    email: str
    role: Role
    account_ids: list[str]
