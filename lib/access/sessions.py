"""Sign-ins that live in the store: made, looked up on every rerun, revoked at once.

A person holds a random token (or, by OIDC, the claims of one ID token); the store holds its SHA-256.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from lib.access.tokens import new_token, token_hash
from lib.access.viewer import Viewer
from lib.errors import AccessError
from lib.store.engine import Store
from lib.store.repositories import people

COOKIE = "ads_session"
MAX_AGE = dt.timedelta(hours=12)
LINK_AGE = dt.timedelta(hours=24)
CLOCK_SKEW_S = 120
FIRST_SIGHT_S = 300
"""An ID token that was not seen in its first minutes opens nothing, so that a forgotten one cannot be replayed."""
WHOM_TO_ASK = "Ask the administrator of this dashboard to add you."


class SignInEnded(AccessError):
    """A sign-in that was good once; signing in again helps."""


async def create_session(store: Store, user_id: uuid.UUID, provider: str, max_age: dt.timedelta = MAX_AGE) -> str:
    """The token of a new sign-in by ``provider`` (local, link or oidc)."""
    token = new_token()
    async with store.gatekeeping() as session:
        await people.add_session(session, token_hash(token), user_id, provider, max_age)
    return token


async def viewer_of(store: Store, token: str) -> Viewer | None:
    """Who holds this token, with the clients and accounts that are open to them now.

    ``None`` where the session is unknown, revoked or expired, or the person inactive.
    """
    return await viewer_of_hash(store, token_hash(token))


async def viewer_of_hash(store: Store, digest: bytes) -> Viewer | None:
    """The same for a session that is known by its hash: a viewer who is looked up again."""
    # The app's role sees no client before the viewer is known, so this one look is the worker's.
    async with store.working(timeout_s=30) as session:
        return await people.viewer_of_session(session, digest)


async def revoke(store: Store, digest: bytes) -> None:
    """End the sign-in with this hash, in every window that stands on it."""
    async with store.gatekeeping() as session:
        await people.revoke_session(session, digest)


async def make_link(store: Store, user_id: uuid.UUID, ttl: dt.timedelta = LINK_AGE) -> str:
    """The token of a link that signs this person in once, within ``ttl``."""
    token = new_token()
    async with store.gatekeeping() as session:
        await people.add_link(session, token_hash(token), user_id, ttl)
    return token


async def redeem_link(store: Store, link_token: str, max_age: dt.timedelta = MAX_AGE) -> str | None:
    """The token of a session for a link; ``None`` for everyone but the first, even when many try at once."""
    token = new_token()
    async with store.gatekeeping() as session:
        user_id = await people.use_link(session, token_hash(link_token))
        if user_id is None:
            return None
        await people.add_session(session, token_hash(token), user_id, "link", max_age)
    return token


def oidc_hash(claims: Mapping[str, Any]) -> bytes:
    """What one OIDC sign-in is known by: whoever shows the same ID token again stands on the same row."""
    names = ("iss", "sub", "iat", "auth_time", "sid", "nonce")
    words = json.dumps([str(claims.get(name, "")) for name in names])
    return hashlib.sha256(b"oidc" + words.encode()).digest()


def _age_s(claims: Mapping[str, Any], name: str) -> float:
    """Seconds since the moment that the claim ``name`` gives; SignInEnded where it gives none or a later one."""
    moment = claims.get(name)
    if not isinstance(moment, int | float) or isinstance(moment, bool):
        raise SignInEnded("The sign-in does not say when it was made.", "Sign in again.")
    age = dt.datetime.now(dt.UTC).timestamp() - moment
    if age < -CLOCK_SKEW_S:
        raise SignInEnded("The sign-in is dated in the future.", "Check this machine's clock, then sign in again.")
    return max(age, 0.0)


async def session_of_oidc(store: Store, claims: Mapping[str, Any], max_age: dt.timedelta = MAX_AGE) -> Viewer:
    """The person whom the provider vouches for, standing on one revocable row for each ID token.

    AccessError says whom to ask where the address is unverified or unknown; SignInEnded where the sign-in was
    revoked, is older than ``max_age``, or comes for the first time long after it was made.
    """
    email = claims.get("email")
    if not isinstance(email, str) or not claims.get("sub") or claims.get("email_verified") is not True:
        raise AccessError(
            "The sign-in service has not verified your e-mail address.",
            f"Verify it there and sign in again. {WHOM_TO_ASK}",
        )
    digest = oidc_hash(claims)
    viewer = await viewer_of_hash(store, digest)
    if viewer is None:
        signed_in = "auth_time" if claims.get("auth_time") is not None else "iat"
        left = max_age - dt.timedelta(seconds=_age_s(claims, signed_in))
        await _admit(store, digest, email, left if _age_s(claims, "iat") <= FIRST_SIGHT_S else dt.timedelta(0))
        viewer = await viewer_of_hash(store, digest)
    if viewer is None or viewer.email.lower() != email.lower():
        raise SignInEnded("Your sign-in has ended.", "Sign in again.")
    return viewer


async def _admit(store: Store, digest: bytes, email: str, left: dt.timedelta) -> None:
    async with store.gatekeeping() as session:
        user = await people.find_user(session, email)
        if user is None or not user.is_active:
            raise AccessError(f"{email} may not use this dashboard.", WHOM_TO_ASK)
        # A row that is there stays as it is: one that another window made a moment ago, or one that was revoked.
        if left > dt.timedelta(0):
            await people.add_session(session, digest, user.id, "oidc", left)
