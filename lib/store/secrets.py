"""Encrypts Meta's tokens at rest with the keys of TOKEN_KEYS, or with one that DATA_DIR keeps."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from lib.errors import SettingsError
from lib.settings import Settings


def key_file(path: Path, make: bytes) -> bytes:
    """The content of ``path``; the first caller writes ``make`` there whole, readable by this user alone."""
    if path.exists() and not path.stat().st_size:
        path.unlink()  # nothing was ever sealed with it
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(make)
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    return path.read_bytes().strip()


class TokenVault:
    """Encrypts with the newest key and decrypts with any."""

    def __init__(self, settings: Settings) -> None:
        keys = [key.strip() for key in settings.token_keys.get_secret_value().split(",") if key.strip()]
        if not keys:
            if not settings.is_embedded:
                raise SettingsError(
                    "TOKEN_KEYS is not set, and DATABASE_URL names an outside store.",
                    "Make a key with `.venv/bin/python -c 'from cryptography.fernet import Fernet;"
                    " print(Fernet.generate_key().decode())'` and set TOKEN_KEYS to it.",
                )
            keys = [key_file(settings.data_path / "token.key", Fernet.generate_key()).decode()]
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise SettingsError("A key of TOKEN_KEYS is not a Fernet key (32 bytes in URL-safe base64).") from error

    def seal(self, token: str) -> bytes:
        """``token`` encrypted."""
        return self._fernet.encrypt(token.encode())

    def open(self, sealed: bytes) -> str:
        """The token; SettingsError where none of the keys made it."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise SettingsError(
                "A stored token cannot be read with the keys at hand.",
                "Add the key that it was stored with to TOKEN_KEYS, or store the token again.",
            ) from error
