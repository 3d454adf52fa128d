"""The secret that signs Streamlit's cookies."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from lib.errors import SettingsError
from lib.settings import Settings
from lib.store.embedded import prepare_data_dir

MIN_LENGTH = 32


def cookie_secret(settings: Settings) -> str:
    """AUTH_COOKIE_SECRET; beside an embedded store one that is made once in DATA_DIR; else ''.

    SettingsError where the secret is too short, or where OIDC needs one and the store is outside.
    """
    given = settings.auth_cookie_secret.get_secret_value()
    if given:
        if len(given) < MIN_LENGTH:
            raise SettingsError(
                f"AUTH_COOKIE_SECRET has {len(given)} characters; it needs {MIN_LENGTH} or more.", "Set a longer one."
            )
        return given
    if not settings.has_oidc:
        return ""
    if not settings.is_embedded:
        raise SettingsError(
            "AUTH_COOKIE_SECRET is not set.",
            "Sign-in by OIDC with a DATABASE_URL needs one that all servers share: 32 random characters or more.",
        )
    prepare_data_dir(settings.data_path)
    return _kept(settings.data_path / "cookie.key")


def _kept(path: Path) -> str:
    """The secret in ``path``, made with mode 0600 where there is none; the first of two makers wins."""
    if not path.exists():
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(name, path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink()
    return path.read_text().strip()
