"""/api/v1/me: who is signed in."""

from __future__ import annotations

from api.envelope import Data
from api.routes import Person, subject
from api.schemas.people import Me

router = subject("people")


@router.get("/me", summary="Who you are", response_description="You.")
async def me(user: Person) -> Data[Me]:
    """Your role, what your token is for, and the accounts that are open to you."""
    accounts = [str(account_id) for account_id in sorted(user.viewer.account_ids)]
    scopes = sorted(user.scopes)
    return Data(data=Me(id=user.id, email=user.email, role=user.role, scopes=scopes, account_ids=accounts))
