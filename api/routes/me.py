"""/api/v1/me: who is signed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api.deps import Auth0User, get_current_user
from api.envelope import Data
from api.schemas.people import Me

router = APIRouter()


@router.get("/me")
async def me(user: Annotated[Auth0User, Depends(get_current_user)]) -> Data[Me]:
    """The signed-in person, their role and the accounts that are open to them."""
    accounts = [str(account_id) for account_id in sorted(user.viewer.account_ids)]
    return Data(data=Me(id=user.id, email=user.email, role=user.role, account_ids=accounts))
