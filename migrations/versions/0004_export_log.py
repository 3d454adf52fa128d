"""The log of exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MINE = "user_id = (SELECT nullif(current_setting('ads.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.create_table(
        "export_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.CheckConstraint("via IN ('page', 'api', 'cli')", name=op.f("ck_export_log_via")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_log")),
    )
    op.create_index(op.f("ix_export_log_at"), "export_log", ["at"], unique=False)
    op.create_index(op.f("ix_export_log_user_id"), "export_log", ["user_id"], unique=False)
    op.execute("ALTER TABLE export_log ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE export_log FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY app_sees_own ON export_log FOR SELECT TO ads_app USING ({MINE})")
    op.execute(f"CREATE POLICY app_adds_own ON export_log FOR INSERT TO ads_app WITH CHECK ({MINE})")
    op.execute("CREATE POLICY worker_sees_all ON export_log FOR SELECT TO ads_worker USING (true)")
    # Nobody may change or remove a row, and so nobody is granted to.
    op.execute("GRANT SELECT, INSERT ON export_log TO ads_app")
    op.execute("GRANT SELECT ON export_log TO ads_worker")


def downgrade() -> None:
    op.drop_index(op.f("ix_export_log_user_id"), table_name="export_log")
    op.drop_index(op.f("ix_export_log_at"), table_name="export_log")
    op.drop_table("export_log")
