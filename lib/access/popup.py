"""ID tokens that Auth0's popup hands to a page: held to the settings, fresh, and good for one session, once.

The button is a stranger's code in a browser, so nothing that it says is believed but a token of Auth0's own.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from lib.access import sessions, sign_in_notes
from lib.access.admission import SignInEnded
from lib.access.bearer import LEEWAY_S, LONGEST, SHAPE
from lib.access.issuers import Issuer
from lib.access.refusals import Why
from lib.access.signing_keys import PAUSE_S, Clock, SigningKeys
from lib.access.tokens import new_token, token_hash
from lib.errors import AccessError
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.repositories import people

ALGORITHM = "RS256"
PROVIDER = "popup"
REQUIRED = ["iss", "aud", "sub", "iat", "exp", "nonce"]
MOMENTS = ("iat", "exp", "nbf", "auth_time")
_log = logging.getLogger(__name__)


class PopupRefused(AccessError):
    """This sign-in is not accepted. Why is for the log: whoever forges one learns nothing."""

    def __init__(self) -> None:
        super().__init__("The sign-in was not accepted, and nobody was signed in.", "Sign in again.")


class PopupTokens:
    """Verifies the ID tokens of the popup's application. ``clock`` counts seconds for the keys."""

    def __init__(self, settings: Settings, *, pause_s: float = PAUSE_S, clock: Clock = time.monotonic) -> None:
        self._client_id = settings.auth_popup_client_id
        self._issuer = settings.popup_issuer
        keys = f"{self._issuer}.well-known/jwks.json"
        issuer = Issuer(issuer=self._issuer, audience=self._client_id, jwks_url=keys, algorithms=(ALGORITHM,))
        self._keys = SigningKeys(issuer, pause_s=pause_s, clock=clock)

    async def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token; PopupRefused for every other, KeysUnavailable where nobody can know."""
        try:
            return await self._verified(token)
        except PyJWTError as error:
            # The error's own words may quote the token.
            raise _refused(type(error).__name__) from None

    async def _verified(self, token: str) -> Mapping[str, Any]:
        if len(token) > LONGEST or not SHAPE.fullmatch(token):
            raise _refused("not the shape of a signed token")
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        # An access token or a logout token says so in its header.
        is_id_token = header.get("alg") == ALGORITHM and header.get("typ", "JWT") == "JWT" and "crit" not in header
        if not is_id_token or not isinstance(kid, str):
            raise _refused("not the algorithm or the type of an ID token, or no key id")
        found = await self._keys.find(kid, ALGORITHM)
        if found is None:
            raise _refused("not a key of the domain")
        claims = jwt.decode(
            token,
            found[0],
            algorithms=[ALGORITHM],
            audience=self._client_id,
            issuer=self._issuer,
            leeway=LEEWAY_S,
            options={"require": REQUIRED, "enforce_minimum_key_length": True},
        )
        self._hold_to_us(claims)
        return claims

    def _hold_to_us(self, claims: Mapping[str, Any]) -> None:
        """PopupRefused unless it was made for us alone, in an authorization of its own, a moment ago."""
        if claims["aud"] not in (self._client_id, [self._client_id]):
            raise _refused("for others too")
        if claims.get("azp", self._client_id) != self._client_id:
            raise _refused("another application asked for it")
        if not all(isinstance(claims[name], str) and claims[name] for name in ("sub", "nonce")):
            raise _refused("no subject or no nonce")
        if not all(_is_moment(claims[name]) for name in MOMENTS if name in claims):
            raise _refused("times of other kinds than they should be")
        if time.time() - claims["iat"] > sessions.FIRST_SIGHT_S:
            raise _refused("made too long ago")


def _refused(why: str) -> PopupRefused:
    _log.info("A sign-in by the popup was refused: %s.", why)
    return PopupRefused()


def _is_moment(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


async def sign_in(store: Store, claims: Mapping[str, Any], max_age: dt.timedelta, *, address: str = "") -> str:
    """The token of a new session for claims that were verified; ``address`` is where they came from.

    AccessError where the person may not come in; PopupRefused for all but the first who come with the same claims.
    """
    # The row of the ID token is what makes it good once: whoever ends it gets the session. Letters of a token can be
    # changed without a change of what it says, so the row is known by what it says.
    digest, token = sessions.oidc_hash(claims), new_token()
    try:
        await sessions.session_of_oidc(store, claims, max_age, provider=PROVIDER, address=address)
        async with store.gatekeeping() as session:
            if not await people.exchange_session(session, digest, token_hash(token), PROVIDER):
                raise _refused("it has opened a session before")
    except (PopupRefused, SignInEnded):
        email = str(claims.get("email", ""))
        await sign_in_notes.failed(store, email, PROVIDER, Why.REPLAYED, address=address, once=digest)
        raise
    return token
