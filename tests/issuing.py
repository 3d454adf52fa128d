"""A local issuer of tokens: its openid-configuration and its keys over HTTP, and tokens of every kind."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.fixtures_wire import Answer, Asked, Wire, ok

Json = dict[str, Any]
Sign = Callable[[bytes], bytes]
AUDIENCE = "https://ads.test/api"


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same number."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """The same key of P-256 for the same number."""
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str, **more: Any) -> Json:
    """The public half as a JWK."""
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


def part(value: Json | bytes) -> str:
    """One part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token_of(header: Json | bytes, claims: Json | bytes, sign: Sign) -> str:
    """A token with this header and these claims, whatever they are, signed by ``sign``."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(sign(signed.encode()))}"


def rs256(key: rsa.RSAPrivateKey) -> Sign:
    """Signs as RS256 does."""
    return lambda message: RSAAlgorithm(RSAAlgorithm.SHA256).sign(message, key)


class LocalIssuer:
    """An issuer at ``wire``, below ``folder``, whose name ends with a slash as Auth0's do."""

    def __init__(self, wire: Wire, folder: str = "tenant") -> None:
        self.address = f"{wire.url}/{folder}"
        self.name = f"{self.address}/"
        self.kid, self.key = "k1", rsa_key()
        self.jwks: list[Json] = [public_jwk(self.key, self.kid, alg="RS256")]
        self.document: Json = {"issuer": self.name, "jwks_uri": f"{self.address}/keys"}
        self.asked: list[str] = []
        self.broken: Answer | None = None
        self._folder, self._rest = folder, wire.reply
        wire.reply = self._reply

    def _reply(self, asked: Asked) -> Answer:
        path = asked.path.lstrip("/")
        if not path.startswith(f"{self._folder}/"):
            return self._rest(asked)
        name = path.removeprefix(f"{self._folder}/")
        self.asked.append(name)
        if self.broken is not None:
            return self.broken
        known = {".well-known/openid-configuration": self.document, "keys": {"keys": self.jwks}}
        return ok(known[name]) if name in known else Answer(404, b"nothing here")

    @property
    def looks(self) -> int:
        """How often the keys were asked for."""
        return self.asked.count("keys")

    def rotate(self, kid: str, number: int) -> None:
        """Sign with a new key from now on; the old one is gone."""
        self.kid, self.key = kid, rsa_key(number)
        self.jwks = [public_jwk(self.key, kid, alg="RS256")]

    def claims(self, **changes: Any) -> Json:
        """Good claims of Ana's access token; ``None`` takes one away."""
        now = int(time.time())
        whole = {
            "iss": self.name, "sub": "auth0|ana", "aud": AUDIENCE, "iat": now, "exp": now + 600,
            "email": "ana@example.com", "email_verified": True,
        }  # fmt: skip
        return {name: value for name, value in (whole | changes).items() if value is not None}

    def header(self, **changes: Any) -> Json:
        """The header that belongs to the key; ``None`` takes a part away."""
        whole = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | changes
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, header: Json | None = None, **changes: Any) -> str:
        """A token, good but for the changes, signed with the issuer's own key."""
        return token_of(self.header(**(header or {})), self.claims(**changes), rs256(self.key))


def es256(claims: Json, kid: str, key: ec.EllipticCurvePrivateKey) -> str:
    """A token signed as ES256 does."""
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": kid})
