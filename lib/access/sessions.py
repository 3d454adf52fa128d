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

from lib.access import sign_in_notes
from lib.access.administration import administering
from lib.access.admission import SignInEnded, admit
from lib.access.audit import OPERATOR_ACTOR
from lib.access.refusals import Why
from lib.access.standing import still_stands
from lib.access.tokens import new_token, token_hash
from lib.access.viewer import Viewer
from lib.errors import AccessError, Conflict, NotFound
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.repositories import people
from lib.store.repositories.links import owner_of_link
from lib.store.repositories.standing import hashed_password_held, locked_admins, locked_user

COOKIE = "ads_session"
MAX_AGE = dt.timedelta(hours=12)
LINK_AGE = dt.timedelta(hours=24)
HANDED_LINK_AGE = dt.timedelta(minutes=15)
CLOCK_SKEW_S = 120
FIRST_SIGHT_S = 300
"""An ID token that was not seen in its first minutes opens nothing, so that a forgotten one cannot be replayed."""


class NotAnyMore(AccessError):
    """Someone was shut out, or got another password, while their sign-in was under way."""

    def __init__(self) -> None:
        super().__init__("You cannot be signed in any more; nothing was stored.", "Ask your administrator.")


async def create_session(
    store: Store,
    user_id: uuid.UUID,
    provider: str,
    max_age: dt.timedelta = MAX_AGE,
    *,
    address: str = "",
    hashed: str | None = None,
) -> str:
    """The token of a new sign-in by ``provider`` (local, link, oidc or popup), which is noted.

    NotAnyMore where the person is disabled or not there, or has another password by now than the one that was verified
    against ``hashed``; then nothing is stored.
    """
    token = new_token()
    async with store.gatekeeping() as session:
        held = await hashed_password_held(session, user_id)
        if held is None or hashed not in (None, held):
            raise NotAnyMore
        await people.add_session(session, token_hash(token), user_id, provider, max_age)
        await sign_in_notes.signed_in(session, user_id, provider, address)
    return token


async def viewer_of(store: Store, token: str) -> Viewer | None:
    """Who holds this token, with the clients and accounts that are open to them now.

    ``None`` where the session is unknown, revoked, expired or was not used for too long, or the person inactive.
    """
    return await viewer_of_hash(store, token_hash(token))


async def viewer_of_hash(store: Store, digest: bytes) -> Viewer | None:
    """The same for a session that is known by its hash: a viewer who is looked up again."""
    # The app's role sees no client before the viewer is known, so this one look is the worker's.
    async with store.working(timeout_s=30) as session:
        idle = dt.timedelta(hours=get_settings().session_idle_hours)
        return await people.viewer_of_session(session, digest, idle)


async def revoke(store: Store, digest: bytes, *, address: str = "") -> bool:
    """End the sign-in with this hash, in every window that stands on it; whether it was still there, which is noted."""
    async with store.gatekeeping() as session:
        user_id = await people.revoke_session(session, digest)
        if user_id is not None:
            await sign_in_notes.signed_out(session, user_id, address)
    return user_id is not None


async def make_link(store: Store, user_id: uuid.UUID, ttl: dt.timedelta = LINK_AGE) -> str:
    """The token of a link that signs this person in once, within ``ttl``: for commands. It is noted."""
    token = new_token()
    async with store.gatekeeping() as session:
        await people.add_link(session, token_hash(token), user_id, ttl)
        await sign_in_notes.made_link(session, OPERATOR_ACTOR, user_id, "sign-in", via="cli")
    return token


async def make_link_for(store: Store, viewer: Viewer, user_id: uuid.UUID) -> str:
    """The token of a link that signs this person in once, within ``HANDED_LINK_AGE``: for administrators. It is noted.

    AccessError for all but administrators, NotFound for nobody, Conflict for who is disabled; then none is made.
    """
    actor, via = administering(viewer)
    token = new_token()
    async with store.working() as session:
        await locked_admins(session)
        await still_stands(session, viewer)
        person = await locked_user(session, user_id)
        if person is None:
            raise NotFound("That person is not there any more; no link was made.")
        if not person.is_active:
            raise Conflict(f"{person.email} is disabled; no link was made.", "Enable the person first.")
        await people.add_link(session, token_hash(token), user_id, HANDED_LINK_AGE)
        await sign_in_notes.made_link(session, actor, user_id, "sign-in", via=via)
    return token


async def owner_of_unused(store: Store, link_token: str) -> str | None:
    """Whose sign-in a link stands for, by their address, without using it up; ``None`` where it opens nothing."""
    async with store.gatekeeping() as session:
        owner = await owner_of_link(session, token_hash(link_token))
    return None if owner is None else owner.email


async def redeem_link(
    store: Store, link_token: str, max_age: dt.timedelta = MAX_AGE, *, address: str = ""
) -> str | None:
    """The token of a session for a link; ``None`` for everyone but the first, even when many try at once."""
    token = new_token()
    async with store.gatekeeping() as session:
        # The person before the link, as whoever ends both locks them too.
        owner = await owner_of_link(session, token_hash(link_token))
        is_held = owner is not None and await hashed_password_held(session, owner.id) is not None
        user_id = await people.use_link(session, token_hash(link_token)) if is_held else None
        if user_id is not None:
            await people.add_session(session, token_hash(token), user_id, "link", max_age)
            await sign_in_notes.signed_in(session, user_id, "link", address)
            return token
        email = await people.email_of_link(session, token_hash(link_token))
    if email is not None:
        await sign_in_notes.failed(store, email, "link", Why.LINK_OVER, address=address)
    return None


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


async def session_of_oidc(
    store: Store,
    claims: Mapping[str, Any],
    max_age: dt.timedelta = MAX_AGE,
    *,
    provider: str = "oidc",
    address: str = "",
) -> Viewer:
    """The person whom the provider vouches for, standing on one revocable row for each ID token.

    AccessError says whom to ask where the address is unverified or the person may not come in; SignInEnded where the
    sign-in was revoked, is older than ``max_age``, or comes for the first time long after it was made.
    """
    digest = oidc_hash(claims)
    viewer = await viewer_of_hash(store, digest)
    if viewer is None:
        signed_in = "auth_time" if claims.get("auth_time") is not None else "iat"
        left = max_age - dt.timedelta(seconds=_age_s(claims, signed_in))
        is_fresh = _age_s(claims, "iat") <= FIRST_SIGHT_S
        kept = left if is_fresh else dt.timedelta(0)
        await admit(store, claims, digest, kept, provider=provider, address=address)
        viewer = await viewer_of_hash(store, digest)
    if viewer is None:
        raise SignInEnded("Your sign-in has ended.", "Sign in again.")
    return viewer
