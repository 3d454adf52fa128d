"""Teams, invitations, identities at sign-in services, the audit log, chats of a bot, the last use of a sign-in.

From here on the gate has a role of its own, ``ads_gate``, for what is asked before anyone is known. The app's role,
which reads numbers for people, is left without a row of people's tables but the viewer's own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('ads.user_id', true), '')::uuid)"
I_AM_ADMIN = f"(SELECT EXISTS (SELECT FROM app_user WHERE id = {ME} AND role = 'admin' AND is_active))"
MY_CLIENTS = (
    "ANY ((SELECT string_to_array(nullif(current_setting('ads.client_ids', true), ''), ',')::bigint[])::bigint[])"
)
TEAMS = ("team", "team_member", "team_grant")
GATE = {
    "app_user": "SELECT, UPDATE (hashed_password)",
    "user_session": "SELECT (token_hash, user_id, provider, expires_at, revoked_at), INSERT, UPDATE (revoked_at)",
    "sign_in_link": "SELECT, INSERT, UPDATE (used_at)",
    "personal_token": "SELECT (id, last_used_at), UPDATE (last_used_at)",
}
"""Whom it lets in, by an address, a session, a link or a token; an old kind of hash of a password is replaced."""
OVER = (
    ("user_session", "revoked_at"),
    ("sign_in_link", "used_at"),
    ("personal_token", "revoked_at"),
    ("invitation", "used_at"),
    ("invitation", "revoked_at"),
)
"""What says of a row that it is over, which it then stays."""
LOGS = ("audit_log", "export_log")


def upgrade() -> None:
    op.add_column("client", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "user_session",
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("user_session", sa.Column("seen_as_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_user_session_seen_as_id_app_user"),
        "user_session",
        "app_user",
        ["seen_as_id"],
        ["id"],
        ondelete="SET NULL",
    )
    create_tables()
    create_audit_log()
    create_gate()
    secure_people()
    secure_tables()
    secure_audit_log()
    keep_what_is_over()


def create_gate() -> None:
    """Roles belong to the whole server, so another database of it may have made this one already."""
    op.execute("""
        DO $$ BEGIN
            CREATE ROLE ads_gate NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$""")
    op.execute("GRANT ads_gate TO CURRENT_USER")
    op.execute("GRANT USAGE ON SCHEMA public TO ads_gate")


def secure_people() -> None:
    """The app sees the viewer's own row, for the policies that ask for administrators; the gate what it needs."""
    op.execute("REVOKE ALL ON app_user, user_session, sign_in_link, client_grant, personal_token FROM ads_app")
    op.execute("GRANT SELECT (id, role, is_active) ON app_user TO ads_app")
    for table, rights in GATE.items():
        op.execute(f"GRANT {rights} ON {table} TO ads_gate")
    op.execute("ALTER TABLE app_user ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY app_sees_the_viewer ON app_user FOR SELECT TO ads_app USING (id = {ME})")
    for role in ("ads_gate", "ads_worker"):
        op.execute(f"CREATE POLICY {role}_sees_all ON app_user FOR ALL TO {role} USING (true) WITH CHECK (true)")


def keep_what_is_over() -> None:
    """Whoever asks, the owner too: what was ended is not begun again, what was noted is not changed."""
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'what is in % stays as it is', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$""")
    for table, column in OVER:
        op.execute(f"""
            CREATE TRIGGER {column}_stays BEFORE UPDATE ON {table} FOR EACH ROW
            WHEN (old.{column} IS NOT NULL AND new.{column} IS DISTINCT FROM old.{column})
            EXECUTE FUNCTION refuse_change()""")
    for table in LOGS:
        op.execute(f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT
            EXECUTE FUNCTION refuse_change()""")


def secure_tables() -> None:
    for table in (*TEAMS, "user_identity", "invitation"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ads_worker")
    op.execute("ALTER TABLE chat_group ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE chat_group FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY app_sees_its_clients ON chat_group FOR SELECT TO ads_app USING (client_id = {MY_CLIENTS})"
    )
    op.execute("CREATE POLICY worker_sees_all ON chat_group FOR ALL TO ads_worker USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON chat_group TO ads_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON chat_group TO ads_worker")


def secure_audit_log() -> None:
    """Everyone adds in their own name, the gate for whoever comes and goes; administrators read."""
    op.execute("ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_log FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY app_adds_own ON audit_log FOR INSERT TO ads_app WITH CHECK (user_id = {ME})")
    op.execute("CREATE POLICY gate_adds ON audit_log FOR INSERT TO ads_gate WITH CHECK (true)")
    op.execute(f"CREATE POLICY admins_see_all ON audit_log FOR SELECT TO ads_app USING ({I_AM_ADMIN})")
    op.execute("CREATE POLICY worker_adds ON audit_log FOR INSERT TO ads_worker WITH CHECK (true)")
    op.execute("CREATE POLICY worker_sees_all ON audit_log FOR SELECT TO ads_worker USING (true)")
    op.execute("GRANT SELECT, INSERT ON audit_log TO ads_app, ads_worker")
    op.execute("GRANT INSERT ON audit_log TO ads_gate")


def create_tables() -> None:
    op.create_table(
        "team",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_index("uq_team_name_lower", "team", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "team_member",
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_team_member_team_id_team"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_team_member_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_member")),
    )
    op.create_index(op.f("ix_team_member_user_id"), "team_member", ["user_id"], unique=False)
    op.create_table(
        "team_grant",
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.id"], name=op.f("fk_team_grant_client_id_client"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_team_grant_team_id_team"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id", "client_id", name=op.f("pk_team_grant")),
    )
    op.create_index(op.f("ix_team_grant_client_id"), "team_grant", ["client_id"], unique=False)
    op.create_table(
        "user_identity",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_user_identity_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_user_identity")),
    )
    op.create_index(op.f("ix_user_identity_user_id"), "user_identity", ["user_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("client_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("team_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'manager', 'admin')", name=op.f("ck_invitation_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_table(
        "chat_group",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.id"], name=op.f("fk_chat_group_client_id_client"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_group")),
        sa.UniqueConstraint("channel_id", name=op.f("uq_chat_group_channel_id")),
    )
    op.create_index(op.f("ix_chat_group_client_id"), "chat_group", ["client_id"], unique=False)


def create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("seen_as", sa.String(), server_default="", nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.CheckConstraint("via IN ('page', 'api', 'cli', 'sign-in')", name=op.f("ck_audit_log_via")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_at"), "audit_log", ["at"], unique=False)
    op.create_index("ix_audit_log_action_at", "audit_log", ["action", sa.literal_column("at DESC")], unique=False)
    # A subject of any length is too long for an index; one that is noted once a day is short.
    op.create_index(
        "uq_audit_log_once_a_day",
        "audit_log",
        ["user_id", "seen_as", "action", "subject", "day"],
        unique=True,
        postgresql_where=sa.text("day IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    open_people()
    for table in ("audit_log", "chat_group", "invitation", "user_identity", *reversed(TEAMS)):
        op.drop_table(table)
    op.drop_constraint(op.f("fk_user_session_seen_as_id_app_user"), "user_session", type_="foreignkey")
    op.drop_column("user_session", "seen_as_id")
    op.drop_column("user_session", "seen_at")
    op.drop_column("client", "archived_at")


def open_people() -> None:
    for table, column in OVER:
        op.execute(f"DROP TRIGGER {column}_stays ON {table}")
    for table in LOGS:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change")
    for policy in ("app_sees_the_viewer", "ads_gate_sees_all", "ads_worker_sees_all"):
        op.execute(f"DROP POLICY {policy} ON app_user")
    op.execute("ALTER TABLE app_user DISABLE ROW LEVEL SECURITY")
    for table in GATE:
        op.execute(f"REVOKE ALL ON {table} FROM ads_gate")
    op.execute("REVOKE USAGE ON SCHEMA public FROM ads_gate")
    op.execute("GRANT SELECT ON app_user, client_grant, personal_token TO ads_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON user_session, sign_in_link TO ads_app")
    op.execute("GRANT UPDATE (hashed_password) ON app_user TO ads_app")
    op.execute("GRANT UPDATE (last_used_at) ON personal_token TO ads_app")
