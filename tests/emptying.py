"""How tests empty tables, the append-only ones too."""

from __future__ import annotations

from lib.store.models import Base

LOGS = ("audit_log", "export_log")
"""What not even its owner empties as long as its trigger stands."""
QUEUE = ("queue.procrastinate_jobs", "queue.procrastinate_workers", "queue.procrastinate_periodic_defers")
FEW_BYTES = 4 * 1024 * 1024
"""A table of no more is emptied row by row: truncating the fifty tables makes as many files anew, for every test."""


def emptying(*tables: str) -> str:
    """The statement by which the owner empties these tables and what hangs on them; all of them where none is named."""
    if tables:
        return f"DO $$ BEGIN {_truncating(tables)}END $$"
    every = (*(table.name for table in Base.metadata.sorted_tables), *QUEUE)
    # Whoever is no superuser is under row-level security and triggers, which DELETE does not pass.
    deleting = "".join(f"IF EXISTS (SELECT 1 FROM {table}) THEN DELETE FROM {table}; END IF; " for table in every)
    few = " AND ".join(f"pg_table_size('{table}') <= {FEW_BYTES}" for table in every)
    return (
        "DO $$ BEGIN IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
        f" AND {few} THEN SET LOCAL session_replication_role = replica; {deleting}"
        f"ELSE {_truncating(every)}END IF; END $$"
    )


def _truncating(tables: tuple[str, ...]) -> str:
    logs = [table for table in LOGS if table in tables]
    off, on = (
        "".join(f"ALTER TABLE {table} {word} TRIGGER append_only; " for table in logs) for word in ("DISABLE", "ENABLE")
    )
    return f"{off}TRUNCATE {', '.join(tables)} CASCADE; {on}"
