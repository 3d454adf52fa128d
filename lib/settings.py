"""Typed settings, from the environment or ``.env``; ``.env.example`` lists them all."""

from __future__ import annotations

import json
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lib.access.issuers import Issuer
from lib.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent
META_GRAPH_URL = "https://graph.facebook.com"


class Settings(BaseSettings):
    """One field a variable; the name of the variable is the field's in capitals."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    host: str = Field("127.0.0.1", description="address that the dashboard listens on")
    port: int = Field(8501, ge=1, le=65535, description="port that the dashboard listens on")
    public_url: str = Field("", description="address that people type; default http://localhost:PORT")
    data_dir: Path = Field(Path("var"), description="folder of the embedded PostgreSQL, its key and its logs")
    database_url: SecretStr = Field(
        SecretStr(""), description="PostgreSQL 15 or newer; default an embedded one in DATA_DIR"
    )
    test_database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL for the tests; default an embedded one")
    mirror_memory_mb: int = Field(
        384, ge=0, description="memory that the columnar mirror of a process may take, 64 or more; 0 keeps no mirror"
    )
    api_engine: Literal["postgres", "mirror"] = Field(
        "postgres", description="what an API without the dashboard answers from; mirror keeps one of its own"
    )
    meta_graph_url: str = Field("", description="Marketing API of clients added from now on; default Meta's own")
    token_keys: SecretStr = Field(
        SecretStr(""), description="Fernet keys for Meta's tokens, newest first, separated by commas"
    )
    local_accounts: bool = Field(
        True,
        description="people may sign in with an e-mail address and a password; no leaves AUTH_ISSUER and the popup",
    )
    auth_issuer: str = Field("", description="OIDC issuer, such as https://TENANT.eu.auth0.com")
    auth_client_id: str = Field("", description="OIDC client id")
    auth_client_secret: SecretStr = Field(SecretStr(""), description="OIDC client secret")
    auth_popup_domain: str = Field("", description="Auth0 domain of the popup sign-in, such as TENANT.eu.auth0.com")
    auth_popup_client_id: str = Field("", description="client id of the popup's Single Page Application")
    auth_cookie_secret: SecretStr = Field(
        SecretStr(""), description="signs Streamlit's cookies, 32 characters or more; default made in DATA_DIR"
    )
    auth_allowed_domains: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="whose verified addresses come in as viewers without clients, separated by commas; default none"
    )
    auth_role_claim: str = Field("", description="claim of the ID token with the person's role or roles; default none")
    auth_audience: str = Field("", description="audience of AUTH_ISSUER's access tokens for the API; default none")
    auth_email_claim: str = Field(
        "email", min_length=1, description="claim of AUTH_ISSUER's access tokens with the person's e-mail address"
    )
    jwt_issuers: Annotated[tuple[Issuer, ...], NoDecode] = Field(
        (), description="more issuers of access tokens for the API, as a JSON list"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="sites whose pages may ask the API with a bearer token, separated by commas; default none"
    )
    session_max_age_hours: int = Field(12, ge=1, le=720, description="a sign-in ends after this many hours")
    session_idle_hours: int = Field(4, ge=1, le=720, description="a sign-in that is not used for so long ends")
    mail_host: str = Field("", description="SMTP server that mails are sent by; default none are sent")
    mail_port: int = Field(587, ge=1, le=65535, description="port of MAIL_HOST")
    mail_user: str = Field("", description="user at MAIL_HOST; default none")
    mail_password: SecretStr = Field(SecretStr(""), description="password of MAIL_USER")
    mail_from: str = Field("", description="sender of the mails, such as Ads <ads@example.com>")
    mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the way to MAIL_HOST is encrypted; none for a server on this machine only"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("WARNING", description="how much is logged")

    @field_validator("meta_graph_url", "public_url", "auth_issuer")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value):
            raise ValueError("it is not an address such as https://example.com")
        return value

    @field_validator("auth_popup_domain")
    @classmethod
    def _is_domain(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?", value):
            raise ValueError("it is not a domain such as TENANT.eu.auth0.com")
        return value.lower()

    @field_validator("jwt_issuers", mode="before")
    @classmethod
    def _is_json(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError('it is not a JSON list such as [{"issuer": "https://…", "audience": "…"}]') from error

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _are_origins(cls, value: object) -> object:
        found = tuple(word.strip().rstrip("/") for word in value.split(",")) if isinstance(value, str) else value
        if isinstance(found, tuple) and not all(re.fullmatch(r"https?://[^\s/?#*@]+", str(word)) for word in found):
            raise ValueError("it is not a list of sites such as https://one.example.com,https://two.example.com")
        return found

    @field_validator("auth_allowed_domains", mode="before")
    @classmethod
    def _are_domains(cls, value: object) -> object:
        found = tuple(word.strip().lower() for word in value.split(",")) if isinstance(value, str) else value
        if isinstance(found, tuple) and not all(re.fullmatch(r"[^\W_][\w-]*(\.[\w-]+)+", str(word)) for word in found):
            raise ValueError("it is not a list of domains such as one.example.com,two.example.com")
        return found

    @field_validator("mirror_memory_mb")
    @classmethod
    def _is_enough(cls, value: int) -> int:
        if 0 < value < 64:
            raise ValueError("a mirror needs at least 64; 0 keeps none")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @cached_property
    def data_path(self) -> Path:
        """DATA_DIR as an absolute path; a relative one starts at the repository."""
        path = self.data_dir.expanduser()
        return path if path.is_absolute() else ROOT / path

    @property
    def graph_url(self) -> str:
        """The Marketing API for clients added from now on, without a trailing slash."""
        return (self.meta_graph_url or META_GRAPH_URL).rstrip("/")

    @property
    def base_url(self) -> str:
        """The address that people type, without a trailing slash."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def is_embedded(self) -> bool:
        """Whether PostgreSQL is the one in DATA_DIR."""
        return not self.database_url.get_secret_value()

    @property
    def has_oidc(self) -> bool:
        """Whether people sign in by OIDC; refused while only some of its three settings are there."""
        parts = {
            "AUTH_ISSUER": self.auth_issuer,
            "AUTH_CLIENT_ID": self.auth_client_id,
            "AUTH_CLIENT_SECRET": self.auth_client_secret.get_secret_value(),
        }
        missing = [name for name, value in parts.items() if not value]
        if missing and len(missing) < len(parts):
            raise SettingsError(
                f"Sign-in by OIDC is half-configured: {' and '.join(missing)} not set.",
                "Set all three of AUTH_ISSUER, AUTH_CLIENT_ID and AUTH_CLIENT_SECRET, or none.",
            )
        return not missing

    @property
    def has_popup(self) -> bool:
        """Whether people sign in by Auth0's popup; refused while only one of its two settings is there."""
        if bool(self.auth_popup_domain) != bool(self.auth_popup_client_id):
            raise SettingsError(
                "Sign-in by Auth0's popup is half-configured.",
                "Set both of AUTH_POPUP_DOMAIN and AUTH_POPUP_CLIENT_ID, or none.",
            )
        return bool(self.auth_popup_domain)

    @property
    def popup_issuer(self) -> str:
        """The issuer of the popup's ID tokens, as they write it."""
        return f"https://{self.auth_popup_domain}/"

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        """Whose access tokens the API takes: AUTH_ISSUER's where it has an audience, and those of JWT_ISSUERS.

        SettingsError where AUTH_AUDIENCE cannot be used, or one issuer is named twice.
        """
        first = (self._own_issuer(),) if self.auth_audience else ()
        found = (*first, *self.jwt_issuers)
        names = [issuer.name for issuer in found]
        for name in names:
            if names.count(name) > 1:
                raise SettingsError(f"The issuer {name} is named twice.", "Name each issuer of access tokens once.")
        return found

    def _own_issuer(self) -> Issuer:
        if not self.has_oidc or self.auth_audience == self.auth_client_id:
            raise SettingsError(
                "AUTH_AUDIENCE cannot be used: it belongs to AUTH_ISSUER and differs from AUTH_CLIENT_ID.",
                "Set it to the identifier of the API at the issuer, or leave it out.",
            )
        try:
            return Issuer(issuer=self.auth_issuer, audience=self.auth_audience, email_claim=self.auth_email_claim)
        except ValidationError as error:
            raise SettingsError(
                "AUTH_AUDIENCE cannot be used while AUTH_ISSUER is no https address.", "Name the issuer by https."
            ) from error


@lru_cache
def get_settings() -> Settings:
    """The settings of this process.

    Raises SettingsError with the variable's name when one cannot be read.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name, *within = (str(part) for part in first["loc"])
        place = f" ({'.'.join(within)})" if within else ""
        raise SettingsError(
            f"{name.upper()} cannot be used: {first['msg']}{place}.", "Correct it in the environment or in .env."
        ) from error
