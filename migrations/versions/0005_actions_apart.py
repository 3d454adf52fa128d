"""The raw actions in a table of their own: no question reads them, and they were most of every ad-day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MY_ACCOUNTS = (
    "ANY ((SELECT string_to_array(nullif(current_setting('ads.account_ids', true), ''), ',')::bigint[])::bigint[])"
)
JSON = ("actions", "action_values")


def upgrade() -> None:
    op.create_table(
        "insight_actions",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("ad_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=True) for name in JSON),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.account_id"],
            name=op.f("fk_insight_actions_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "date", "ad_id", name=op.f("pk_insight_actions")),
    )
    copy(
        "INSERT INTO insight_actions SELECT account_id, date, ad_id, actions, action_values FROM insight"
        " WHERE actions IS NOT NULL OR action_values IS NOT NULL"
    )
    for name in JSON:
        op.drop_column("insight", name)
    # A dropped column stays in its rows until they are written anew.
    op.execute("CLUSTER insight USING pk_insight")
    op.execute("ALTER TABLE insight SET WITHOUT CLUSTER")
    secure()


def secure() -> None:
    op.execute("ALTER TABLE insight_actions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE insight_actions FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY app_sees_its_accounts ON insight_actions FOR SELECT TO ads_app"
        f" USING (account_id = {MY_ACCOUNTS})"
    )
    op.execute("CREATE POLICY worker_sees_all ON insight_actions FOR ALL TO ads_worker USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON insight_actions TO ads_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON insight_actions TO ads_worker")


def copy(statement: str) -> None:
    """Row-level security that is forced holds for an owner who is no superuser too."""
    op.execute("ALTER TABLE insight NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute("ALTER TABLE insight FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for name in JSON:
        op.add_column("insight", sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.execute("ALTER TABLE insight_actions NO FORCE ROW LEVEL SECURITY")
    copy(
        "UPDATE insight i SET actions = a.actions, action_values = a.action_values FROM insight_actions a"
        " WHERE (a.account_id, a.date, a.ad_id) = (i.account_id, i.date, i.ad_id)"
    )
    op.drop_table("insight_actions")
