"""Typed settings, from the environment or ``.env``; ``.env.example`` lists them all."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lib.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent
META_GRAPH_URL = "https://graph.facebook.com"


class Settings(BaseSettings):
    """One field a variable; the name of the variable is the field's in capitals."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="address that the dashboard listens on")
    port: int = Field(8501, ge=1, le=65535, description="port that the dashboard listens on")
    public_url: str = Field("", description="address that people type; default http://localhost:PORT")
    data_dir: Path = Field(Path("var"), description="folder of the embedded PostgreSQL, its key and its logs")
    database_url: SecretStr = Field(
        SecretStr(""), description="PostgreSQL 15 or newer; default an embedded one in DATA_DIR"
    )
    test_database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL for the tests; default an embedded one")
    meta_graph_url: str = Field("", description="Marketing API of clients added from now on; default Meta's own")
    token_keys: SecretStr = Field(
        SecretStr(""), description="Fernet keys for Meta's tokens, newest first, separated by commas"
    )
    auth_issuer: str = Field("", description="OIDC issuer, such as https://TENANT.eu.auth0.com")
    auth_client_id: str = Field("", description="OIDC client id")
    auth_client_secret: SecretStr = Field(SecretStr(""), description="OIDC client secret")
    auth_cookie_secret: SecretStr = Field(
        SecretStr(""), description="signs Streamlit's cookies, 32 characters or more; default made in DATA_DIR"
    )
    session_max_age_hours: int = Field(12, ge=1, le=720, description="a sign-in ends after this many hours")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("WARNING", description="how much is logged")

    @field_validator("meta_graph_url", "public_url", "auth_issuer")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value):
            raise ValueError("it is not an address such as https://example.com")
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


@lru_cache
def get_settings() -> Settings:
    """The settings of this process.

    Raises SettingsError with the variable's name when one cannot be read.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        raise SettingsError(
            f"{name} cannot be used: {first['msg']}.", "Correct it in the environment or in .env."
        ) from error
