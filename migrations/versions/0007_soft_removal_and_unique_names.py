"""Accounts are disconnected, teams removed and tokens replaced so that they can come back; live names are unique."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = [sa.literal_column("lower(name)")]


def upgrade() -> None:
    op.add_column("account", sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("credential", sa.Column("previous_encrypted", sa.LargeBinary(), nullable=True))
    op.add_column("credential", sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("team", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("uq_team_name_lower", "team")
    op.create_index("uq_team_name_lower", "team", NAME, unique=True, postgresql_where=sa.text("removed_at IS NULL"))
    part_namesakes()
    op.create_index(
        "uq_client_name_lower", "client", NAME, unique=True, postgresql_where=sa.text("archived_at IS NULL")
    )


def part_namesakes() -> None:
    """Of live clients with one name, all but the oldest get their slug, which nobody else has, behind it."""
    # Row-level security that is forced holds for an owner who is no superuser too.
    op.execute("ALTER TABLE client NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE client SET name = name || ' (' || slug || ')' WHERE archived_at IS NULL AND EXISTS ("
        "SELECT FROM client older WHERE lower(older.name) = lower(client.name) AND older.id < client.id"
        " AND older.archived_at IS NULL)"
    )
    op.execute("ALTER TABLE client FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_index("uq_client_name_lower", "client")
    op.drop_index("uq_team_name_lower", "team")
    op.execute("DELETE FROM team WHERE removed_at IS NOT NULL")
    op.create_index("uq_team_name_lower", "team", NAME, unique=True)
    op.drop_column("team", "removed_at")
    op.drop_column("credential", "replaced_at")
    op.drop_column("credential", "previous_encrypted")
    op.drop_column("account", "disconnected_at")
