"""Opens the store that the settings name: starts the embedded server where there is no other, and migrates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL

from lib.errors import StoreUnavailable
from lib.settings import Settings
from lib.store import migrate
from lib.store.embedded import EmbeddedServer
from lib.store.engine import store_url


@contextmanager
def opened(settings: Settings) -> Iterator[URL]:
    """The owner's address of a store at the newest migration; leaving stops the embedded server if it is the last.

    Call it where no event loop runs, or in a thread.
    """
    if settings.is_embedded:
        with EmbeddedServer(settings.data_path) as server:
            url = server.url()
            migrate.ensure_database(url)
            migrate.bring_up_to_date(url)
            yield url
    else:
        url = store_url(settings.database_url.get_secret_value())
        migrate.bring_up_to_date(url)
        yield url


@contextmanager
def found(settings: Settings) -> Iterator[URL]:
    """The owner's address of the store as it stands: nothing is made, nothing is migrated.

    StoreUnavailable where DATA_DIR has no database yet. Call it where no event loop runs, or in a thread.
    """
    if not settings.is_embedded:
        yield store_url(settings.database_url.get_secret_value())
        return
    if not (settings.data_path / "postgres" / "PG_VERSION").exists():
        raise StoreUnavailable(
            f"There is no database in the data folder {settings.data_path} yet.", "`make run` makes one."
        )
    with EmbeddedServer(settings.data_path) as server:
        yield server.url()
