"""The first tables, the roles and row-level security."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


ROLES = ("ads_app", "ads_worker", "ads_mirror_reader")
BY_ACCOUNT = (
    "account",
    "campaign",
    "adset",
    "ad",
    "creative",
    "insight",
    "slice",
    "refresh_run_account",
)
"""Tables of which the app sees the rows of the accounts that are set for its transaction."""

# A sub-select is worked out once a query; the bare expression would be worked out once a row.
MY_ACCOUNTS = (
    "ANY ((SELECT string_to_array(nullif(current_setting('ads.account_ids', true), ''), ',')::bigint[])::bigint[])"
)
MY_CLIENTS = (
    "ANY ((SELECT string_to_array(nullif(current_setting('ads.client_ids', true), ''), ',')::bigint[])::bigint[])"
)
POLICIES = {
    **dict.fromkeys(BY_ACCOUNT, f"account_id = {MY_ACCOUNTS}"),
    "client": f"id = {MY_CLIENTS}",
    "refresh_run": "EXISTS (SELECT FROM refresh_run_account mine WHERE mine.run_id = refresh_run.id)",
}
PEOPLE = ("app_user", "user_session", "sign_in_link", "client_grant")
"""What the gate reads before anyone is known: no number of any client."""


def upgrade() -> None:
    create_roles()
    op.execute(sa.schema.CreateSequence(sa.Sequence("slice_version")))
    create_tables()
    secure_tables()


def create_roles() -> None:
    """Roles belong to the whole server, so another database of it may have made them already."""
    for role in ROLES:
        op.execute(f"""
            DO $$ BEGIN
                CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$""")
        op.execute(f"GRANT {role} TO CURRENT_USER")
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")


def secure_tables() -> None:
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY app_sees_its_accounts ON {table} FOR SELECT TO ads_app USING ({condition})")
        op.execute(f"CREATE POLICY worker_sees_all ON {table} FOR ALL TO ads_worker USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY mirror_reads_all ON {table} FOR SELECT TO ads_mirror_reader USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO ads_app, ads_mirror_reader")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ads_worker")
    for table in PEOPLE:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ads_app, ads_worker")
    # The app may read whom it lets in, never make people, roles or grants.
    op.execute("REVOKE INSERT, UPDATE, DELETE ON app_user, client_grant FROM ads_app")
    op.execute("GRANT UPDATE (hashed_password) ON app_user TO ads_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON credential, installation TO ads_worker")
    op.execute("GRANT USAGE ON SEQUENCE slice_version TO ads_worker")


def create_tables() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("hashed_password", sa.String(), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("is_superuser", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_verified", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'manager', 'admin')", name=op.f("ck_app_user_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
    )
    op.create_index("uq_app_user_email_lower", "app_user", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "client",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_sample", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("graph_url", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("slug", name=op.f("uq_client_slug")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("samples_added_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("timezone_name", sa.String(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.id"], name=op.f("fk_account_client_id_client"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account")),
    )
    op.create_index(op.f("ix_account_client_id"), "account", ["client_id"], unique=False)
    op.create_table(
        "client_grant",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.id"], name=op.f("fk_client_grant_client_id_client"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_client_grant_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "client_id", name=op.f("pk_client_grant")),
    )
    op.create_index(op.f("ix_client_grant_client_id"), "client_grant", ["client_id"], unique=False)
    op.create_table(
        "credential",
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("token_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), server_default="unchecked", nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('unchecked', 'valid', 'dead')", name=op.f("ck_credential_state")),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.id"], name=op.f("fk_credential_client_id_client"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_credential")),
    )
    op.create_table(
        "refresh_run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("state", sa.String(), server_default="running", nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('running', 'complete', 'partial', 'failed')", name=op.f("ck_refresh_run_state")),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["app_user.id"], name=op.f("fk_refresh_run_requested_by_app_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_run")),
    )
    op.create_index(op.f("ix_refresh_run_started_at"), "refresh_run", ["started_at"], unique=False)
    op.create_table(
        "sign_in_link",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_sign_in_link_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_link")),
    )
    op.create_index(op.f("ix_sign_in_link_user_id"), "sign_in_link", ["user_id"], unique=False)
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_user_session_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_user_session")),
    )
    op.create_index(op.f("ix_user_session_user_id"), "user_session", ["user_id"], unique=False)
    op.create_table(
        "ad",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ad_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("adset_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("creative_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("effective_status", sa.String(), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_ad_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "ad_id", name=op.f("pk_ad")),
    )
    op.create_table(
        "adset",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("adset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("optimization_goal", sa.String(), nullable=True),
        sa.Column("custom_event_type", sa.String(), nullable=True),
        sa.Column("billing_event", sa.String(), nullable=True),
        sa.Column("daily_budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("lifetime_budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("effective_status", sa.String(), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_adset_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "adset_id", name=op.f("pk_adset")),
    )
    op.create_table(
        "campaign",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("objective", sa.String(), nullable=True),
        sa.Column("buying_type", sa.String(), nullable=True),
        sa.Column("daily_budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("lifetime_budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("effective_status", sa.String(), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_campaign_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "campaign_id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "creative",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("creative_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("object_type", sa.String(), nullable=True),
        sa.Column("thumbnail_url", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("effective_status", sa.String(), nullable=True),
        sa.Column("created_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_creative_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "creative_id", name=op.f("pk_creative")),
    )
    op.create_table(
        "insight",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("ad_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("adset_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("actions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("action_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("spend_micros", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revenue_micros", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("impressions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("link_clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("outbound_clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("landing_page_views", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("content_views", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("add_to_cart", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("checkouts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("purchases", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("leads", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("app_installs", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("conversations", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("engagements", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("video_plays", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("video_3s_plays", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("thruplays", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("video_15s_plays", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("video_p25", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("video_p50", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("video_p75", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("video_p100", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reach", sa.BigInteger(), nullable=True),
        sa.Column("unique_link_clicks", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_insight_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "date", "ad_id", name=op.f("pk_insight")),
    )
    op.create_index(
        op.f("ix_insight_account_id_campaign_id_date"), "insight", ["account_id", "campaign_id", "date"], unique=False
    )
    op.create_table(
        "refresh_run_account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("days_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("days_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("api_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("error_subcode", sa.Integer(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("error_remedy", sa.String(), nullable=True),
        sa.Column("trace_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'complete', 'failed')", name=op.f("ck_refresh_run_account_state")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.account_id"],
            name=op.f("fk_refresh_run_account_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["refresh_run.id"], name=op.f("fk_refresh_run_account_run_id_refresh_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "run_id", name=op.f("pk_refresh_run_account")),
    )
    op.create_index(op.f("ix_refresh_run_account_run_id"), "refresh_run_account", ["run_id"], unique=False)
    op.create_table(
        "slice",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("breakdown", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("nextval('slice_version')"), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("incomplete_reason", sa.String(), nullable=True),
        sa.Column("account_day_ended", sa.Boolean(), nullable=False),
        sa.Column("meta_spend_micros", sa.BigInteger(), nullable=False),
        sa.Column("meta_impressions", sa.BigInteger(), nullable=False),
        sa.Column("meta_clicks", sa.BigInteger(), nullable=False),
        sa.Column("meta_link_clicks", sa.BigInteger(), nullable=False),
        sa.Column("meta_purchases", sa.BigInteger(), nullable=False),
        sa.Column("meta_revenue_micros", sa.BigInteger(), nullable=False),
        sa.Column("meta_leads", sa.BigInteger(), nullable=False),
        sa.Column("meta_reach", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_slice_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "date", "breakdown", name=op.f("pk_slice")),
    )
    op.create_index(op.f("ix_slice_version"), "slice", ["version"], unique=False)


def downgrade() -> None:
    for table in POLICIES:
        op.execute(f"DROP POLICY app_sees_its_accounts ON {table}")
    drop_tables()
    op.execute(sa.schema.DropSequence(sa.Sequence("slice_version")))
    drop_roles()


def drop_roles() -> None:
    """A role that another database of this server still uses stays."""
    for role in ROLES:
        op.execute(f"REVOKE USAGE ON SCHEMA public FROM {role}")
        op.execute(f"""
            DO $$ BEGIN
                DROP ROLE {role};
            EXCEPTION WHEN dependent_objects_still_exist OR object_in_use THEN NULL;
            END $$""")


def drop_tables() -> None:
    op.drop_index(op.f("ix_slice_version"), table_name="slice")
    op.drop_table("slice")
    op.drop_index(op.f("ix_refresh_run_account_run_id"), table_name="refresh_run_account")
    op.drop_table("refresh_run_account")
    op.drop_index(op.f("ix_insight_account_id_campaign_id_date"), table_name="insight")
    op.drop_table("insight")
    op.drop_table("creative")
    op.drop_table("campaign")
    op.drop_table("adset")
    op.drop_table("ad")
    op.drop_index(op.f("ix_user_session_user_id"), table_name="user_session")
    op.drop_table("user_session")
    op.drop_index(op.f("ix_sign_in_link_user_id"), table_name="sign_in_link")
    op.drop_table("sign_in_link")
    op.drop_index(op.f("ix_refresh_run_started_at"), table_name="refresh_run")
    op.drop_table("refresh_run")
    op.drop_table("credential")
    op.drop_index(op.f("ix_client_grant_client_id"), table_name="client_grant")
    op.drop_table("client_grant")
    op.drop_index(op.f("ix_account_client_id"), table_name="account")
    op.drop_table("account")
    op.drop_table("installation")
    op.drop_table("client")
    op.drop_index("uq_app_user_email_lower", table_name="app_user")
    op.drop_table("app_user")
