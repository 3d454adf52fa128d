"""People as /api/v1 shows them."""

from __future__ import annotations

import uuid

from pydantic import BaseModel, Field

from api.schemas import MetaId
from lib.access.viewer import Role


class Me(BaseModel):
    """The signed-in person."""

    id: uuid.UUID = Field(description="of the person", examples=["0190c1a2-7b3c-4d5e-8f60-718293a4b5c6"])
    email: str = Field(description="the address that you sign in with", examples=["ana@example.com"])
    role: Role = Field(description="each role may do all that the ones before it may", examples=["analyst"])
    scopes: list[str] = Field(description="what this sign-in or token is for", examples=[["read"]])
    account_ids: list[MetaId] = Field(description="the accounts that are open to you", examples=[["1234567890123456"]])
