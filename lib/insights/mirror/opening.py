"""A mirror for one command: brought up to date first, and let go at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lib.errors import SettingsError
from lib.insights.engine import Engine
from lib.insights.mirror.files import PLACES, mirror_path
from lib.insights.mirror.mirror import Mirror
from lib.insights.mirror.reading import MirrorEngine
from lib.settings import Settings
from lib.store.engine import Store


def mirror_of(store: Store, settings: Settings, role: str, *, places: int = PLACES) -> Mirror:
    """The mirror of this role of process, neither opened nor kept yet; SettingsError where mirrors are switched off."""
    if not settings.mirror_memory_mb:
        raise SettingsError(
            "The mirror is switched off: MIRROR_MEMORY_MB is 0.", "Set it to 384, for example, or ask PostgreSQL."
        )
    return Mirror(mirror_path(settings, role), store, memory_mb=settings.mirror_memory_mb, places=places)


@asynccontextmanager
async def opened_mirror(store: Store, settings: Settings, role: str = "cli") -> AsyncIterator[Engine]:
    """What answers from a mirror that holds all that PostgreSQL holds now; AppError where there can be none."""
    mirror = mirror_of(store, settings, role)
    try:
        await mirror.catch_up()
        yield MirrorEngine(mirror)
    finally:
        await mirror.close()
