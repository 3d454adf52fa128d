"""What refreshes need: breakdowns, attribution windows, reach by period, pictures, what was learned, and the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from lib.store import queue_schema

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BY_ACCOUNT = (
    "creative_picture",
    "insight_attribution",
    "insight_breakdown",
    "insight_breakdown_actions",
    "learned_span",
    "period_insight",
    "period_slice",
)
"""Tables of which the app sees the rows of the accounts that are set for its transaction."""

MY_ACCOUNTS = (
    "ANY ((SELECT string_to_array(nullif(current_setting('ads.account_ids', true), ''), ',')::bigint[])::bigint[])"
)
ROWS = ("insight", "insight_actions", "insight_attribution", "insight_breakdown", "insight_breakdown_actions")
"""Rows of slices: these have the foreign key, and a check of every row would be a third of what storing costs."""
YARDSTICK = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads")
STATES = {
    "refresh_run": ("running", "complete", "partial", "failed"),
    "refresh_run_account": ("waiting", "running", "complete", "failed"),
}


def upgrade() -> None:
    create_tables()
    add_columns()
    for table, states in STATES.items():
        restate(table, (*states, "cancelled"))
    op.create_check_constraint("kind", "refresh_run", "kind IN ('asked', 'hourly', 'nightly', 'reach')")
    for name in YARDSTICK:
        op.alter_column("slice", f"meta_{name}", nullable=True)
    for table in ROWS[:2]:
        op.drop_constraint(op.f(f"fk_{table}_account_id_account"), table, type_="foreignkey")
    remove_rows_with_their_account()
    secure_tables()
    queue_schema.create(op.get_bind())


def restate(table: str, states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(f"ck_{table}_state"), table, type_="check")
    listed = ", ".join(f"'{state}'" for state in states)
    op.create_check_constraint("state", table, f"state IN ({listed})")


def remove_rows_with_their_account() -> None:
    # Where accounts go with their client it is the owner who removes them, and row-level security is forced on it too.
    for table in ROWS:
        op.execute(
            f"CREATE POLICY owner_removes_by_trigger ON {table} FOR ALL TO CURRENT_USER USING (pg_trigger_depth() > 0)"
        )
    deletes = "".join(f"DELETE FROM {table} WHERE account_id IN (SELECT account_id FROM removed); " for table in ROWS)
    op.execute(f"""
        CREATE FUNCTION remove_rows_of_accounts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            {deletes}
            RETURN NULL;
        END $$""")
    op.execute("""
        CREATE TRIGGER remove_rows AFTER DELETE ON account REFERENCING OLD TABLE AS removed
        FOR EACH STATEMENT EXECUTE FUNCTION remove_rows_of_accounts()""")


def secure_tables() -> None:
    for table in BY_ACCOUNT:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY app_sees_its_accounts ON {table} FOR SELECT TO ads_app USING (account_id = {MY_ACCOUNTS})"
        )
        op.execute(f"CREATE POLICY worker_sees_all ON {table} FOR ALL TO ads_worker USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY mirror_reads_all ON {table} FOR SELECT TO ads_mirror_reader USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO ads_app, ads_mirror_reader")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ads_worker")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON api_pause TO ads_worker")


def create_tables() -> None:
    op.create_table(
        "api_pause",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_api_pause")),
    )
    op.create_table(
        "creative_picture",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("creative_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.account_id"],
            name=op.f("fk_creative_picture_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "creative_id", name=op.f("pk_creative_picture")),
    )
    op.create_table(
        "insight_attribution",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("ad_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attribution_window", sa.String(), nullable=False),
        sa.Column("landing_page_views", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("content_views", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("add_to_cart", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("checkouts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("purchases", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revenue_micros", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("leads", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("app_installs", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("conversations", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "date", "ad_id", "attribution_window", name=op.f("pk_insight_attribution")
        ),
    )
    op.create_table(
        "insight_breakdown",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("breakdown", sa.String(), nullable=False),
        sa.Column("ad_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key1", sa.String(), nullable=False),
        sa.Column("key2", sa.String(), server_default="", nullable=False),
        sa.Column("adset_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("spend_micros", sa.BigInteger(), nullable=True),
        sa.Column("revenue_micros", sa.BigInteger(), nullable=True),
        sa.Column("impressions", sa.BigInteger(), nullable=True),
        sa.Column("clicks", sa.BigInteger(), nullable=True),
        sa.Column("link_clicks", sa.BigInteger(), nullable=True),
        sa.Column("outbound_clicks", sa.BigInteger(), nullable=True),
        sa.Column("landing_page_views", sa.BigInteger(), nullable=True),
        sa.Column("content_views", sa.BigInteger(), nullable=True),
        sa.Column("add_to_cart", sa.BigInteger(), nullable=True),
        sa.Column("checkouts", sa.BigInteger(), nullable=True),
        sa.Column("purchases", sa.BigInteger(), nullable=True),
        sa.Column("leads", sa.BigInteger(), nullable=True),
        sa.Column("app_installs", sa.BigInteger(), nullable=True),
        sa.Column("conversations", sa.BigInteger(), nullable=True),
        sa.Column("engagements", sa.BigInteger(), nullable=True),
        sa.Column("video_plays", sa.BigInteger(), nullable=True),
        sa.Column("video_3s_plays", sa.BigInteger(), nullable=True),
        sa.Column("thruplays", sa.BigInteger(), nullable=True),
        sa.Column("video_15s_plays", sa.BigInteger(), nullable=True),
        sa.Column("video_p25", sa.BigInteger(), nullable=True),
        sa.Column("video_p50", sa.BigInteger(), nullable=True),
        sa.Column("video_p75", sa.BigInteger(), nullable=True),
        sa.Column("video_p100", sa.BigInteger(), nullable=True),
        sa.Column("reach", sa.BigInteger(), nullable=True),
        sa.Column("unique_link_clicks", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "account_id", "date", "breakdown", "ad_id", "key1", "key2", name=op.f("pk_insight_breakdown")
        ),
    )
    op.create_index(
        op.f("ix_insight_breakdown_account_id_breakdown_campaign_id_date"),
        "insight_breakdown",
        ["account_id", "breakdown", "campaign_id", "date"],
        unique=False,
    )
    op.create_table(
        "insight_breakdown_actions",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("breakdown", sa.String(), nullable=False),
        sa.Column("ad_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key1", sa.String(), nullable=False),
        sa.Column("key2", sa.String(), server_default="", nullable=False),
        sa.Column("actions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("action_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "account_id", "date", "breakdown", "ad_id", "key1", "key2", name=op.f("pk_insight_breakdown_actions")
        ),
    )
    op.create_table(
        "learned_span",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("breakdown", sa.String(), server_default="", nullable=False),
        sa.Column("rows_a_day", sa.Integer(), nullable=False),
        sa.Column("most_days", sa.Integer(), nullable=True),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_learned_span_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "breakdown", name=op.f("pk_learned_span")),
    )
    op.create_table(
        "period_insight",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spend_micros", sa.BigInteger(), nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("reach", sa.BigInteger(), nullable=True),
        sa.Column("unique_clicks", sa.BigInteger(), nullable=True),
        sa.Column("unique_link_clicks", sa.BigInteger(), nullable=True),
        sa.Column("quality_ranking", sa.String(), nullable=True),
        sa.Column("engagement_rate_ranking", sa.String(), nullable=True),
        sa.Column("conversion_rate_ranking", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.account_id"],
            name=op.f("fk_period_insight_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "level", "since", "until", "object_id", name=op.f("pk_period_insight")),
    )
    op.create_table(
        "period_slice",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("period_ended", sa.Boolean(), nullable=False),
        sa.Column("unavailable_reason", sa.String(), nullable=True),
        sa.CheckConstraint("level IN ('account', 'campaign', 'adset', 'ad')", name=op.f("ck_period_slice_level")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_period_slice_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "level", "since", "until", name=op.f("pk_period_slice")),
    )


def add_columns() -> None:
    op.add_column("client", sa.Column("breakdowns", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("client", sa.Column("attribution_windows", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("credential", sa.Column("app_id", sa.String(), nullable=True))
    op.add_column("credential", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refresh_run", sa.Column("kind", sa.String(), server_default="asked", nullable=False))
    op.add_column("refresh_run", sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refresh_run_account", sa.Column("slices_total", sa.Integer(), server_default="0", nullable=False))
    op.add_column("refresh_run_account", sa.Column("slices_done", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "refresh_run_account", sa.Column("slices_incomplete", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("refresh_run_account", sa.Column("quota_left", sa.Integer(), nullable=True))
    op.add_column("refresh_run_account", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refresh_run_account", sa.Column("pause_reason", sa.String(), nullable=True))
    op.add_column("slice", sa.Column("attribution_windows", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("slice", sa.Column("looked_twice_for", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    queue_schema.drop(op.get_bind())
    op.execute("DROP TRIGGER remove_rows ON account")
    op.execute("DROP FUNCTION remove_rows_of_accounts()")
    for table in ROWS[:2]:
        op.execute(f"DROP POLICY owner_removes_by_trigger ON {table}")
    for table in ROWS[:2]:
        op.create_foreign_key(
            op.f(f"fk_{table}_account_id_account"), table, "account", ["account_id"], ["account_id"], ondelete="CASCADE"
        )
    op.execute("ALTER TABLE slice NO FORCE ROW LEVEL SECURITY")
    for name in YARDSTICK:
        op.execute(f"UPDATE slice SET meta_{name} = 0 WHERE meta_{name} IS NULL")
        op.alter_column("slice", f"meta_{name}", nullable=False)
    op.execute("ALTER TABLE slice FORCE ROW LEVEL SECURITY")
    op.drop_constraint(op.f("ck_refresh_run_kind"), "refresh_run", type_="check")
    for table, states in STATES.items():
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # it holds for an owner who is no superuser too
        op.execute(f"UPDATE {table} SET state = 'failed' WHERE state = 'cancelled'")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        restate(table, states)
    op.drop_column("slice", "looked_twice_for")
    op.drop_column("slice", "attribution_windows")
    op.drop_column("refresh_run_account", "pause_reason")
    op.drop_column("refresh_run_account", "paused_until")
    op.drop_column("refresh_run_account", "quota_left")
    op.drop_column("refresh_run_account", "slices_incomplete")
    op.drop_column("refresh_run_account", "slices_done")
    op.drop_column("refresh_run_account", "slices_total")
    op.drop_column("refresh_run", "cancel_requested_at")
    op.drop_column("refresh_run", "kind")
    op.drop_column("credential", "expires_at")
    op.drop_column("credential", "app_id")
    op.drop_column("client", "attribution_windows")
    op.drop_column("client", "breakdowns")
    op.drop_table("period_slice")
    op.drop_table("period_insight")
    op.drop_table("learned_span")
    op.drop_table("insight_breakdown_actions")
    op.drop_index(op.f("ix_insight_breakdown_account_id_breakdown_campaign_id_date"), table_name="insight_breakdown")
    op.drop_table("insight_breakdown")
    op.drop_table("insight_attribution")
    op.drop_table("creative_picture")
    op.drop_table("api_pause")
