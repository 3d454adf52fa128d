"""Encrypts Meta's tokens at rest with the keys of TOKEN_KEYS, or with one that DATA_DIR keeps."""

from __future__ import annotations

import hmac
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from lib.errors import SettingsError
from lib.settings import Settings

KEY_FILE = "token.key"
"""The key that is made in DATA_DIR where TOKEN_KEYS is not set."""


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


def is_given(settings: Settings) -> bool:
    """Whether the keys are those of TOKEN_KEYS."""
    return bool(_keys_in(settings.token_keys.get_secret_value()))


def _keys_in(text: str) -> list[str]:
    return [key.strip() for key in text.split(",") if key.strip()]


def keys_of(settings: Settings) -> list[str]:
    """The keys, the newest first: of TOKEN_KEYS, else of the key file, which the first caller makes.

    SettingsError where TOKEN_KEYS is missing beside an outside store.
    """
    if is_given(settings):
        return _keys_in(settings.token_keys.get_secret_value())
    if not settings.is_embedded:
        raise SettingsError(
            "TOKEN_KEYS is not set, and DATABASE_URL names an outside store.",
            "Make a key with `.venv/bin/python -c 'from cryptography.fernet import Fernet;"
            " print(Fernet.generate_key().decode())'` and set TOKEN_KEYS to it.",
        )
    return _keys_in(key_file(settings.data_path / KEY_FILE, Fernet.generate_key()).decode())


class TokenVault:
    """Encrypts with the newest key and decrypts with any; keys are read anew each time, as they may be rotated."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._fernet()

    def _fernet(self) -> MultiFernet:
        keys = keys_of(self._settings)
        try:
            return MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            name = "TOKEN_KEYS" if is_given(self._settings) else str(self._settings.data_path / KEY_FILE)
            raise SettingsError(f"A key of {name} is not a Fernet key (32 bytes in URL-safe base64).") from error

    def seal(self, token: str) -> bytes:
        """``token`` encrypted."""
        return self._fernet().encrypt(token.encode())

    def open(self, sealed: bytes) -> str:
        """The token; SettingsError where none of the keys made it."""
        try:
            return self._fernet().decrypt(sealed).decode()
        except InvalidToken as error:
            raise _unreadable() from error

    def reseal(self, sealed: bytes) -> bytes:
        """The same token under the newest key; SettingsError where none of the keys made it."""
        try:
            return self._fernet().rotate(sealed)
        except InvalidToken as error:
            raise _unreadable() from error

    def fingerprint(self, sealed: bytes) -> str:
        """Eight hexadecimal digits, the same for the same token as long as the newest key is; '' where no key made it.

        Without the key nobody can try whether a token has this fingerprint.
        """
        try:
            token = self.open(sealed)
        except SettingsError:
            return ""
        key = keys_of(self._settings)[0].encode()
        return hmac.digest(key, b"fingerprint:" + token.encode(), "sha256").hex()[:8]


def _unreadable() -> SettingsError:
    return SettingsError(
        "A stored token cannot be read with the keys at hand.",
        "Add the key that it was stored with to TOKEN_KEYS, or store the token again.",
    )
