"""Is PostgreSQL new enough, and is what it holds of this version of the program."""

from __future__ import annotations

from lib.doctor.finding import Finding, failed, ok
from lib.settings import Settings
from lib.store import migrate
from lib.store.looking import ServerFacts

DATABASE = "Database"
MIGRATIONS = "Migrations"
OLDEST = 150_000
"""PostgreSQL 15, as it numbers itself."""


def database(settings: Settings, facts: ServerFacts) -> Finding:
    """The server answers; its version."""
    where = f"in {settings.data_path}" if settings.is_embedded else "of DATABASE_URL"
    sentence = f"PostgreSQL {facts.version} {where} answers in {1000 * facts.answered_in_s:.0f} ms."
    if facts.number < OLDEST:
        return failed(DATABASE, sentence, "It is too old: move the data to PostgreSQL 15 or newer.")
    return ok(DATABASE, sentence)


def migrations(revision: str | None) -> Finding:
    """The database stands at ``revision``, None where it has none."""
    newest = migrate.head()
    if revision == newest:
        return ok(MIGRATIONS, f"The database stands at the newest migration, {newest}.")
    if revision is not None and not migrate.is_known(revision):
        return failed(
            MIGRATIONS,
            f"The database stands at the migration {revision}, which this program does not know.",
            "Start the newer version that made it, or name another database in DATABASE_URL.",
        )
    stands = f"at the migration {revision}" if revision else "without any migration"
    return failed(
        MIGRATIONS,
        f"The database stands {stands}; this program needs {newest}.",
        "Start the dashboard or any other command: it brings the database up to date.",
    )
