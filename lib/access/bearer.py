"""Bearer tokens of configured issuers: verified here, and then only a name for a person whom the store knows.

Issuer, audience, algorithm and times are held to the settings; nothing of the token is believed before its signature
is good, except which of the configured issuers and which of their keys to try.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from lib.access import sign_in_notes
from lib.access.admission import WHOM_TO_ASK, Vouched, known, named
from lib.access.audit import Action, actor_of, note
from lib.access.issuers import Issuer
from lib.access.refusals import NotLetIn, Why, why_of
from lib.access.scopes import EVERYTHING, READ, WRITE
from lib.access.signing_keys import PAUSE_S, Clock, SharedSecret, keys_of
from lib.access.viewer import Viewer
from lib.errors import AccessError
from lib.store.engine import Store
from lib.store.repositories import invitations, people

LONGEST = 8192
LEEWAY_S = 30
SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
TYPES = {"jwt", "at+jwt", "application/at+jwt"}
"""A token that says that it is of another type, such as a logout token, is no access token."""
REQUIRED = ["iss", "aud", "sub", "iat", "exp"]
_log = logging.getLogger(__name__)


class InvalidToken(AccessError):
    """This token is not accepted. Why is for the log: whoever forges one learns nothing."""

    def __init__(self) -> None:
        super().__init__("The bearer token is not accepted.", "Get a new one and try again.")


@dataclass(frozen=True)
class Verified:
    """What a good token says, and which issuer it is from."""

    issuer: Issuer
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def scopes(self) -> frozenset[str]:
        """What the token is for: reading, and writing where its ``scope`` or its ``permissions`` say so."""
        scope, permissions = self.claims.get("scope"), self.claims.get("permissions")
        named = scope.split() if isinstance(scope, str) else []
        named += permissions if isinstance(permissions, list) else []
        return EVERYTHING if WRITE in named else frozenset({READ})


class BearerTokens:
    """Verifies the tokens of these issuers, each with its own keys."""

    def __init__(self, issuers: Sequence[Issuer], *, pause_s: float = PAUSE_S, clock: Clock = time.monotonic) -> None:
        self._keys = {issuer.name: keys_of(issuer, pause_s=pause_s, clock=clock) for issuer in issuers}

    async def verify(self, token: str) -> Verified:
        """The claims of a good token; InvalidToken for every other, KeysUnavailable where nobody can know."""
        try:
            return await self._verified(token)
        except PyJWTError as error:
            # The error's own words may quote the token.
            raise _refused(type(error).__name__) from None

    async def _verified(self, token: str) -> Verified:
        if len(token) > LONGEST or not SHAPE.fullmatch(token):
            raise _refused("not the shape of a signed token")
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        keys = self._keys.get(issuer.rstrip("/")) if isinstance(issuer, str) else None
        if keys is None:
            raise _refused("not from a configured issuer")
        # Who signs with a shared secret has one key and names none.
        kid = header.get("kid", "") if isinstance(keys, SharedSecret) else header.get("kid")
        algorithm = header.get("alg")
        if not isinstance(kid, str) or algorithm not in keys.issuer.algorithms or not _is_access_token(header):
            raise _refused("no key id, or not the algorithm or the type of the issuer's access tokens")
        found = await keys.find(kid, algorithm)
        if found is None:
            raise _refused("not a key of the issuer")
        key, name = found
        claims = jwt.decode(
            token,
            key,
            algorithms=list(keys.issuer.algorithms),
            audience=keys.issuer.audience,
            issuer=name,
            leeway=LEEWAY_S,
            options={"require": REQUIRED, "enforce_minimum_key_length": True},
        )
        if not claims["sub"] or any(not _is_moment(claims.get(word, 0)) for word in ("iat", "exp", "nbf")):
            raise _refused("claims of other kinds than they should be")
        return Verified(keys.issuer, claims)


def _refused(why: str) -> InvalidToken:
    _log.info("A bearer token was refused: %s.", why)
    return InvalidToken()


def _is_access_token(header: Mapping[str, Any]) -> bool:
    kind = header.get("typ", "jwt")
    return isinstance(kind, str) and kind.lower() in TYPES


def _is_moment(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_verified(verified: Verified) -> bool:
    """Whether the issuer verified the address; who vouches for all may still say no of one."""
    return verified.claims.get(verified.issuer.verified_claim, verified.issuer.vouches) is True


async def viewer_of(store: Store, verified: Verified, *, address: str = "") -> Viewer:
    """The person for whom the token stands, with what grants open now; AccessError says whom to ask, and is noted.

    Whoever comes by an account for the first time is bound to it, as at a sign-in; newcomers are for the sign-in.
    """
    email, account = verified.claims.get(verified.issuer.email_claim), str(verified.claims["sub"])
    try:
        if not isinstance(email, str) or not _is_verified(verified):
            words = "The token names no e-mail address that its issuer has verified."
            raise NotLetIn(Why.UNVERIFIED, words, WHOM_TO_ASK)
        return await _found(store, named(str(verified.claims["iss"]), account, email))
    except AccessError as error:
        shown = email if isinstance(email, str) else ""
        await sign_in_notes.refused(store, shown, account, why_of(error), address=address)
        raise


async def _found(store: Store, who: Vouched) -> Viewer:
    # The app's role sees no client before the viewer is known, so this one look is the worker's.
    async with store.working(timeout_s=30) as session:
        viewer = await people.viewer_of_identity(session, who.issuer, who.subject)
        if viewer is None:
            await invitations.lock_address(session, who.email)
            user = await known(session, who)
            viewer = None if user is None else await people.viewer_of_person(session, user.id)
            if viewer is not None:
                about = {"subject": viewer.email, "after": {"account": who.issuer}}
                await note(session, actor_of(viewer), Action.CHANGED_PERSON, via="api", **about)
    if viewer is None:
        raise AccessError("The person of this token may not use this dashboard.", WHOM_TO_ASK)
    return viewer
