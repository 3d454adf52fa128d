"""Do the keys at hand open every stored token."""

from __future__ import annotations

import stat
from collections.abc import Mapping

from lib.doctor.finding import Finding, failed, of_error, ok, skipped, warning
from lib.errors import SettingsError
from lib.settings import Settings
from lib.store.secrets import KEY_FILE, TokenVault

KEY = "Key"
_OPEN_TO = stat.S_IRWXG | stat.S_IRWXO


def opened(settings: Settings, sealed: bytes) -> str | None:
    """The token, or None where the keys at hand do not open it."""
    try:
        return None if _is_missing(settings) else TokenVault(settings).open(sealed)
    except SettingsError:
        return None


def key(settings: Settings, sealed: Mapping[str, bytes] | None) -> Finding:
    """``sealed`` has each client's stored token by the client's name; None where nobody could look."""
    try:
        return _look(settings, sealed)
    except SettingsError as error:
        return of_error(KEY, error)


def _look(settings: Settings, sealed: Mapping[str, bytes] | None) -> Finding:
    if _is_missing(settings):
        if not sealed:
            return skipped(KEY, "There is no key yet; the first token that is stored makes one.")
        return failed(
            KEY,
            f"The key {settings.data_path / KEY_FILE} is gone, and what was sealed with it cannot be read.",
            "Put it back from a backup, or store every token again with `python -m lib client token`.",
        )
    TokenVault(settings)
    if sealed is None:
        return skipped(KEY, "The keys have the right form; the stored tokens could not be looked at.")
    locked = [name for name, token in sealed.items() if opened(settings, token) is None]
    if locked:
        return failed(
            KEY,
            f"The keys at hand do not open the token of {', '.join(locked)}.",
            "Add the key that it was stored with to TOKEN_KEYS, or store the token again with"
            " `python -m lib client token`.",
        )
    return _readable_by_others(settings) or ok(KEY, f"It opens every stored token ({len(sealed)}).")


def _is_missing(settings: Settings) -> bool:
    """Whether a vault would make a new key, which a look must not."""
    given = settings.token_keys.get_secret_value().replace(",", "").strip()
    path = settings.data_path / KEY_FILE
    return settings.is_embedded and not given and not (path.exists() and path.stat().st_size)


def _readable_by_others(settings: Settings) -> Finding | None:
    path = settings.data_path / KEY_FILE
    if settings.token_keys.get_secret_value() or not path.exists() or not path.stat().st_mode & _OPEN_TO:
        return None
    return warning(KEY, f"Other users of this machine may read the key {path}.", f"Run `chmod 600 {path}`.")
