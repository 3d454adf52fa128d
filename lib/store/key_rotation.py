"""New keys for what is encrypted: every stored token sealed anew, while no key that one still needs is let go."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import OPERATOR_ACTOR, Action, note
from lib.errors import Conflict, DataDirError, SettingsError
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.repositories import clients
from lib.store.secrets import KEY_FILE, TokenVault, is_given, keys_of


async def rotate(store: Store, settings: Settings) -> int:
    """Seal every stored token with the newest key, all or none; how many there are.

    The newest is the first of TOKEN_KEYS, or a new one in front of those in the key file. SettingsError
    names the clients whose tokens cannot be read, Conflict says that another rotation is going on; nothing is changed.
    """
    with newest_key(settings) as vault:
        async with store.working() as session:
            sealed = await clients.lock_tokens(session)
            anew = {client_id: _resealed(vault, name, token) for client_id, (name, token) in sealed.items()}
            await clients.replace_sealed(session, anew)
            await _reseal_replaced(session, vault)
            after = {"tokens": len(anew)}
            await note(session, OPERATOR_ACTOR, Action.ROTATED_KEYS, via="cli", subject="tokens", after=after)
    return len(anew)


async def _reseal_replaced(session: AsyncSession, vault: TokenVault) -> None:
    """Tokens that can still be put back, too. One that no key opens could not be, and is no reason to stop."""
    await clients.forget_replaced(session)
    kept = await clients.replaced_tokens(session)
    await clients.reseal_replaced(session, {number: _resealed_or_none(vault, token) for number, token in kept.items()})


def _resealed_or_none(vault: TokenVault, token: bytes) -> bytes | None:
    try:
        return vault.reseal(token)
    except SettingsError:
        return None


def _resealed(vault: TokenVault, name: str, token: bytes) -> bytes:
    try:
        return vault.reseal(token)
    except SettingsError as error:
        raise SettingsError(
            f"The token of {name} cannot be read with the keys at hand; no token was changed.", error.remedy
        ) from error


@contextmanager
def newest_key(settings: Settings) -> Iterator[TokenVault]:
    """A vault to seal everything anew with; whoever leaves the block without an error has done so.

    Where the keys are in the key file, a new one is put in front of them. When the block ends well, the one before is
    kept, because whoever read a token a moment ago opens it with that, and those before it are dropped. A block that
    ends otherwise leaves all of them, so that every token can be read whatever was stored.
    """
    if is_given(settings):
        yield TokenVault(settings)
        return
    TokenVault(settings)  # makes the first key, and refuses ones that are none
    with _alone(settings.data_path):
        path, fresh = settings.data_path / KEY_FILE, Fernet.generate_key().decode()
        before = keys_of(settings)
        _write(path, [fresh, *before])
        yield TokenVault(settings)
        _write(path, [fresh, before[0]])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else rotates the keys of this data folder meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("The keys are being rotated already; nothing was changed.", "Wait for its end.") from error
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, keys: list[str]) -> None:
    """Put these keys, the newest first, into the file: whole and on the disk, readable by this user alone."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(",".join(keys).encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
    except OSError as error:
        reason = str(error.strerror or error).lower()
        raise DataDirError(
            f"The key file {path} could not be written: {reason}.", "Every token can be read as before. Try again."
        ) from error
