"""Auth0 as a browser and a server meet it: its addresses over TLS on this machine, its popup and its way out."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.fixtures_processes import until
from tests.issuing import Json, public_jwk, rs256, rsa_key, token_of

CLIENT_ID = "popupClientId0123456789"
SESSION = "auth0"
_CHOICE = '<form><button name="person" value="{person}">{person}</button>{rest}</form>'
_HIDDEN = '<input type="hidden" name="{name}" value="{value}">'
_MESSAGE = "<script>(window.opener || window.parent).postMessage({said}, {target}); window.close()</script>"


class MockAuth0:
    """A tenant. ``people`` are the claims of who may sign in, by name; ``asked`` is what it was asked for."""

    def __init__(self, port: int) -> None:
        self.domain = f"localhost:{port}"
        self.name = f"https://{self.domain}/"
        self.kid, self.key = "k1", rsa_key()
        self.jwks: list[Json] = [public_jwk(self.key, self.kid, alg="RS256")]
        self.people: dict[str, Json] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._codes: dict[str, tuple[str, dict[str, str]]] = {}
        every = CORSMiddleware
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/authorize", self._authorize),
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/.well-known/jwks.json", self._keys),
                Route("/v2/logout", self._logout),
            ],
            middleware=[Middleware(every, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])],
        )

    def claims(self, **changes: Any) -> Json:
        """Good claims of Ana's ID token; ``None`` takes one away."""
        now = int(time.time())
        whole = {
            "iss": self.name, "sub": "auth0|ana", "aud": CLIENT_ID, "iat": now, "exp": now + 36_000,
            "nonce": secrets.token_urlsafe(32), "email": "ana@example.com", "email_verified": True,
        }  # fmt: skip
        return {name: value for name, value in (whole | changes).items() if value is not None}

    def header(self, **changes: Any) -> Json:
        """The header that belongs to the key; ``None`` takes a part away."""
        whole = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | changes
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, header: Json | None = None, **changes: Any) -> str:
        """An ID token, good but for the changes, signed with the tenant's own key."""
        return token_of(self.header(**(header or {})), self.claims(**changes), rs256(self.key))

    async def _discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.name,
                "authorization_endpoint": f"{self.name}authorize",
                "token_endpoint": f"{self.name}oauth/token",
                "jwks_uri": f"{self.name}.well-known/jwks.json",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(("/authorize", asked))
        is_silent = asked.get("prompt") == "none"
        person = request.cookies.get(SESSION, "") if is_silent else asked.pop("person", "")
        if not person and not is_silent:
            return HTMLResponse("".join(_choice(each, asked) for each in self.people))
        said = {"state": asked["state"], "error": "login_required"}
        if person:
            code = secrets.token_urlsafe(8)
            self._codes[code] = person, asked
            said = {"state": asked["state"], "code": code}
            if asked.get("response_mode") != "web_message":
                return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(said)}")
        message = json.dumps({"type": "authorization_response", "response": said})
        answer = HTMLResponse(_MESSAGE.format(said=message, target=json.dumps(asked["redirect_uri"])))
        answer.set_cookie(SESSION, person, secure=True, samesite="none", httponly=True)
        return answer

    async def _token(self, request: Request) -> Response:
        is_json = "json" in request.headers["content-type"]
        given = await request.json() if is_json else dict(await request.form())
        person, asked = self._codes.pop(given["code"])
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 403)
        token = self.token(nonce=asked["nonce"], aud=asked["client_id"], **self.people[person])
        answer = {"access_token": "opaque", "id_token": token, "expires_in": 86_400, "token_type": "Bearer"}
        return JSONResponse({**answer, "scope": asked["scope"]})

    async def _keys(self, request: Request) -> Response:
        self.asked.append(("/.well-known/jwks.json", {}))
        return JSONResponse({"keys": self.jwks})

    async def _logout(self, request: Request) -> Response:
        self.asked.append(("/v2/logout", dict(request.query_params)))
        answer = RedirectResponse(request.query_params["returnTo"])
        answer.delete_cookie(SESSION, secure=True, samesite="none", httponly=True)
        return answer

    def ways_out(self) -> list[dict[str, str]]:
        """What came to the address that ends a sign-in."""
        return [asked for path, asked in self.asked if path == "/v2/logout"]


def _choice(person: str, asked: dict[str, str]) -> str:
    rest = "".join(_HIDDEN.format(name=name, value=value.replace('"', "&quot;")) for name, value in asked.items())
    return _CHOICE.format(person=person, rest=rest)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine, signed by itself, and its key."""
    key, now = rsa_key(99), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "localhost.pem", folder / "localhost.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return pem, secret


@contextmanager
def running_auth0(folder: Path) -> Iterator[tuple[MockAuth0, Path]]:
    """A tenant on a free port, and the certificate by which it is trusted."""
    pem, secret = certificate(folder)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        tenant = MockAuth0(listener.getsockname()[1])
        config = uvicorn.Config(tenant.app, log_config=None, lifespan="off", ssl_certfile=pem, ssl_keyfile=secret)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started, "the tenant answers")
            yield tenant, pem
        finally:
            server.should_exit = True
            thread.join()
