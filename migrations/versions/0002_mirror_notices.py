"""Notices to the mirrors: whoever changes what they hold says which account it was."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OF_AN_ACCOUNT = ("account", "campaign", "adset", "ad", "creative", "slice")
"""Insight rows change only together with their slice."""
ROWS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION mirror_notice_of_accounts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_notify('ads_mirror', account_id::text) FROM (SELECT DISTINCT account_id FROM changed) AS one;
            RETURN NULL;
        END $$""")
    op.execute("""
        CREATE FUNCTION mirror_notice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_notify('ads_mirror', '');
            RETURN NULL;
        END $$""")
    # A trigger that sees its statement's rows takes one event.
    for table in OF_AN_ACCOUNT:
        for event, rows in ROWS.items():
            op.execute(f"""
                CREATE TRIGGER mirror_notice_{event.lower()} AFTER {event} ON {table}
                REFERENCING {rows} TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION mirror_notice_of_accounts()""")
    op.execute("""
        CREATE TRIGGER mirror_notice AFTER INSERT OR UPDATE OR DELETE ON client
        FOR EACH STATEMENT EXECUTE FUNCTION mirror_notice()""")


def downgrade() -> None:
    op.execute("DROP TRIGGER mirror_notice ON client")
    for table in OF_AN_ACCOUNT:
        for event in ROWS:
            op.execute(f"DROP TRIGGER mirror_notice_{event.lower()} ON {table}")
    op.execute("DROP FUNCTION mirror_notice_of_accounts()")
    op.execute("DROP FUNCTION mirror_notice()")
