"""The public keys of one issuer: fetched over HTTP, used for a while, and asked for again rarely.

Whoever sends tokens with made-up key ids makes us ask the issuer once in ``PAUSE_S``, not once a token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from lib.access.issuers import SHARED, Issuer, checked_address, is_loopback
from lib.errors import AppError

FRESH_S = 600.0
KEPT_S = 3600.0
"""While the issuer does not answer, its last keys are good for so long."""
PAUSE_S = 30.0
TIMEOUT_S = 5.0
LONGEST_ANSWER = 256 * 1024
Clock = Callable[[], float]
KeyName = tuple[str, str]
"""A key's id and the algorithm that it is for."""
_log = logging.getLogger(__name__)


class KeysUnavailable(AppError):
    """The keys of an issuer cannot be fetched, so nobody knows whether its tokens are good."""

    remedy = "Nothing was changed. Try again in a minute."


@dataclass(frozen=True)
class KeySet:
    """The keys of an issuer, and the issuer as its tokens write it, slash and all."""

    issuer: str
    keys: Mapping[KeyName, PyJWK] = field(repr=False)


class SigningKeys:
    """The keys of ``issuer``. One look at a time, ``pause_s`` between two; ``clock`` counts seconds."""

    def __init__(self, issuer: Issuer, *, pause_s: float = PAUSE_S, clock: Clock = time.monotonic) -> None:
        self.issuer = issuer
        self._pause_s = pause_s
        self._clock = clock
        self._looking = asyncio.Lock()
        self._known: KeySet | None = None
        self._fetched = self._tried = -float("inf")

    async def find(self, kid: str, algorithm: str) -> tuple[PyJWK, str] | None:
        """The key of this id for this algorithm, and the exact issuer; ``None`` where the issuer has no such key.

        KeysUnavailable where the issuer has not answered for too long. A request whose key is known waits for no look
        of another's.
        """
        name = kid, algorithm
        if not self._has(name) or (self._is_stale() and not self._looking.locked()):
            async with self._looking:
                if self._is_due(name):
                    await self._look()
        if self._known is None or self._clock() - self._fetched > KEPT_S:
            raise KeysUnavailable("The sign-in service that made this token does not answer.")
        key = self._known.keys.get(name)
        return None if key is None else (key, self._known.issuer)

    def _has(self, name: KeyName) -> bool:
        return self._known is not None and name in self._known.keys

    def _is_stale(self) -> bool:
        return self._clock() - self._fetched >= FRESH_S

    def _is_due(self, name: KeyName) -> bool:
        return self._clock() - self._tried >= self._pause_s and (self._is_stale() or not self._has(name))

    async def _look(self) -> None:
        self._tried = self._clock()
        try:
            async with asyncio.timeout(TIMEOUT_S), _client(self.issuer) as http:
                self._known = await _key_set(http, self.issuer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            _log.warning("The keys of %s were not fetched: %r", self.issuer.issuer, error)
        else:
            self._fetched = self._clock()


class SharedSecret:
    """The one key of an issuer that signs with a shared secret; key ids do not matter, nobody is asked."""

    def __init__(self, issuer: Issuer, secret: str) -> None:
        self.issuer = issuer
        raw = base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()
        self._key = PyJWK({"kty": "oct", "k": raw}, SHARED)

    async def find(self, kid: str, algorithm: str) -> tuple[PyJWK, str] | None:
        """The secret where the token says that it is signed with one, and the issuer as the settings write it."""
        return (self._key, self.issuer.issuer) if algorithm == SHARED else None


def keys_of(issuer: Issuer, *, pause_s: float = PAUSE_S, clock: Clock = time.monotonic) -> SigningKeys | SharedSecret:
    """Where to look for the keys of ``issuer``."""
    if issuer.secret is not None:
        return SharedSecret(issuer, issuer.secret.get_secret_value())
    return SigningKeys(issuer, pause_s=pause_s, clock=clock)


def _client(issuer: Issuer) -> httpx.AsyncClient:
    """Proxies are for the way out, not for this machine; whom this machine trusts counts for it alone."""
    if is_loopback(httpx.URL(issuer.issuer).host):
        return httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=ssl.create_default_context())
    return httpx.AsyncClient(timeout=TIMEOUT_S)


async def _key_set(http: httpx.AsyncClient, issuer: Issuer) -> KeySet:
    """The keys as the issuer gives them now; ValueError where what it gives is off."""
    name, url = (issuer.issuer, issuer.jwks_url) if issuer.jwks_url else await _discovered(http, issuer)
    found = await _object(http, url)
    listed = found.get("keys") if found else None
    if not isinstance(listed, list):
        raise ValueError("there is no list of keys")
    return KeySet(name, usable_keys(listed, issuer.algorithms))


async def _discovered(http: httpx.AsyncClient, issuer: Issuer) -> tuple[str, str]:
    """The exact issuer and the address of its keys, which has a usual place where the issuer does not say."""
    document = await _object(http, f"{issuer.name}/.well-known/openid-configuration")
    if document is None:
        return issuer.issuer, f"{issuer.name}/.well-known/jwks.json"
    name, url = document.get("issuer"), document.get("jwks_uri")
    if not isinstance(name, str) or not isinstance(url, str) or name.rstrip("/") != issuer.name:
        raise ValueError("the openid-configuration is another issuer's")
    return name, checked_address(url)


async def _object(http: httpx.AsyncClient, url: str) -> dict[str, Any] | None:
    """The JSON object at ``url``; ``None`` where nothing is there. Redirects are not followed."""
    body = b""
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    async with http.stream("GET", url, headers=headers) as answer:
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"the answer is {answer.status_code}")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > LONGEST_ANSWER:
                raise ValueError("the answer is too long")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found


def usable_keys(listed: list[Any], algorithms: tuple[str, ...]) -> dict[KeyName, PyJWK]:
    """The public keys with an id that are for signatures by these algorithms; of two with one name the first."""
    usable: dict[KeyName, PyJWK] = {}
    for jwk in listed:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
            continue
        if jwk.get("use", "sig") != "sig" or "d" in jwk:
            continue
        for algorithm in algorithms:
            key = _key(jwk, algorithm)
            if key is not None:
                usable.setdefault((jwk["kid"], algorithm), key)
    return usable


def _key(jwk: dict[str, Any], algorithm: str) -> PyJWK | None:
    if jwk.get("alg", algorithm) != algorithm:
        return None
    try:
        return PyJWK(jwk, algorithm)
    except PyJWTError:
        # Another kind of key, or one that is broken: the issuer may use it for something else.
        return None
