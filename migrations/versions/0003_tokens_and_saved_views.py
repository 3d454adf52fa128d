"""Personal tokens of the API, and saved views of the pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('ads.user_id', true), '')::uuid)"
MY_CLIENTS = "(SELECT coalesce(string_to_array(current_setting('ads.client_ids', true), ','), '{}')::bigint[])"
I_AM_ADMIN = f"(SELECT EXISTS (SELECT FROM app_user WHERE id = {ME} AND role = 'admin'))"


def upgrade() -> None:
    create_tables()
    secure_saved_views()
    # Tokens are made by commands alone; the gate looks them up before anyone is known.
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON personal_token TO ads_worker")
    op.execute("GRANT SELECT, UPDATE (last_used_at) ON personal_token TO ads_app")


def secure_saved_views() -> None:
    """The app sees a person's own views and those shared with them, and changes their own.

    A name and an address tell of clients, so a shared view is there for those who may see all that its owner could.
    """
    mine = f"owner_id = {ME}"
    shared = f"is_shared AND (client_ids <@ {MY_CLIENTS} OR {I_AM_ADMIN})"
    op.execute("ALTER TABLE saved_view ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE saved_view FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY app_sees_own_and_shared ON saved_view FOR SELECT TO ads_app USING ({mine} OR {shared})")
    op.execute(f"CREATE POLICY app_adds_own ON saved_view FOR INSERT TO ads_app WITH CHECK ({mine})")
    op.execute(f"CREATE POLICY app_changes_own ON saved_view FOR UPDATE TO ads_app USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"CREATE POLICY app_deletes_own ON saved_view FOR DELETE TO ads_app USING ({mine})")
    op.execute("CREATE POLICY worker_sees_all ON saved_view FOR ALL TO ads_worker USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON saved_view TO ads_app, ads_worker")


def create_tables() -> None:
    op.create_table(
        "personal_token",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_personal_token_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_personal_token_token_hash")),
    )
    op.create_index(op.f("ix_personal_token_user_id"), "personal_token", ["user_id"], unique=False)
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("client_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("page IN ('overview', 'explore')", name=op.f("ck_saved_view_page")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["app_user.id"], name=op.f("fk_saved_view_owner_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    op.create_index(op.f("ix_saved_view_owner_id"), "saved_view", ["owner_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_saved_view_owner_id"), table_name="saved_view")
    op.drop_table("saved_view")
    op.drop_index(op.f("ix_personal_token_user_id"), table_name="personal_token")
    op.drop_table("personal_token")
