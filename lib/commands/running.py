"""Where a ``run`` of this DATA_DIR serves now, as its lock says."""

from __future__ import annotations

import fcntl
import json

from lib.settings import Settings


def url_of_running(settings: Settings) -> str | None:
    """The address of the running dashboard; ``None`` where none runs or it is still starting."""
    try:
        with (settings.data_path / "run.lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read()
                return str(json.loads(text)["url"]) if text else None
    except OSError:
        return None
    return None
