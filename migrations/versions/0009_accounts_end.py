"""Each account of a refresh run has an end of its own: whoever may not see the others learns nothing of theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refresh_run_account", sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True))
    # Row-level security that is forced holds for an owner who is no superuser too.
    for table in ("refresh_run", "refresh_run_account"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE refresh_run_account a SET finished_at = r.finished_at FROM refresh_run r WHERE r.id = a.run_id"
        " AND a.state NOT IN ('waiting', 'running')"
        " AND (SELECT count(*) FROM refresh_run_account other WHERE other.run_id = a.run_id) = 1"
    )
    for table in ("refresh_run", "refresh_run_account"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("refresh_run_account", "finished_at")
