"""Whose bearer tokens are taken: each issuer with its audience, its algorithms and the way to its keys."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256"]
SHARED = "HS256"
"""The one with a shared secret: whoever can check such a token could make one, so it stands alone and is asked for."""
SHORTEST_SECRET = 32
"""Bytes: what HS256 signs with is to be as long as what it gives."""


def is_loopback(host: str | None) -> bool:
    """Whether this name or address is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def checked_address(url: str) -> str:
    """The address; ValueError where keys from there could be exchanged on the way."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not (is_safe and parts.hostname) or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise ValueError("it is not an https address such as https://example.com/")
    return url


Address = Annotated[str, AfterValidator(checked_address)]


class Issuer(BaseModel):
    """One issuer. ``jwks_url`` is found through the issuer's openid-configuration where it is not given.

    ``email_claim`` names the claim with the person's address; the claim of the same name with ``_verified`` behind it
    says whether the address was verified. ``vouches`` is for issuers that write no such claim because they let nobody
    sign in before their address is verified. ``secret`` makes it an issuer that signs with a shared one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    issuer: Address
    audience: Annotated[str, Field(min_length=1)]
    jwks_url: Address | None = None
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256",)
    email_claim: Annotated[str, Field(min_length=1)] = "email"
    vouches: bool = False
    secret: SecretStr | None = None

    @model_validator(mode="after")
    def _mixes_nothing(self) -> Self:
        if self.secret is None and SHARED not in self.algorithms:
            return self
        if self.secret is None or self.algorithms != (SHARED,) or self.jwks_url is not None:
            raise ValueError(f"a secret goes with {SHARED} alone and without jwks_url, and {SHARED} with a secret")
        if len(self.secret.get_secret_value().encode()) < SHORTEST_SECRET:
            raise ValueError(f"its secret is shorter than {SHORTEST_SECRET} bytes")
        return self

    @property
    def name(self) -> str:
        """The issuer without a trailing slash: what it is looked up by, never what it is trusted by."""
        return self.issuer.rstrip("/")

    @property
    def verified_claim(self) -> str:
        """The claim that says whether the address was verified."""
        return f"{self.email_claim}_verified"
