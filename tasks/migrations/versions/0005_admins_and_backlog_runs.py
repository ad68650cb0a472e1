"""Admins, alarms, and backlog runs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAMED = {
    "uq": "%(table_name)s_%(column_0_N_name)s_key"
}  # as PostgreSQL does; SQLite keeps no names
TABLES = (
    "carry",
    "runitem",
    "entryversion",
    "adminvisit",
    "adminkey",
    "run",
    "audit",
    "alarm",
    "admin",
)
INDEXES = (
    (
        "page_fetched",
        "page",
        [
            "fetched_at",
            "source_id",
            "state",
            "day",
            "entries",
            "new_entries",
            "rejected_items",
        ],
    ),
    ("digest_day", "digest", ["day", "state"]),
    ("attempt_at", "attempt", ["at", "outcome"]),
)


def upgrade() -> None:
    op.create_table(
        "admin",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "alarm",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("remedy", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(), nullable=True),
        sa.Column("told_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("alarm") as batch_op:
        batch_op.create_index("alarm_key", ["key", "cleared_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_raised_at"), ["raised_at"], unique=False)

    op.create_table(
        "audit",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit") as batch_op:
        batch_op.create_index("audit_at", ["at", "id"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", BIG, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("question", sa.JSON(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("world", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("moved_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    with op.batch_alter_table("run") as batch_op:
        batch_op.create_index(batch_op.f("ix_run_state"), ["state"], unique=False)

    op.create_table(
        "adminkey",
        sa.Column("id", BIG, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("admin_id", BIG, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("start", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    with op.batch_alter_table("adminkey") as batch_op:
        batch_op.create_index(batch_op.f("ix_adminkey_admin_id"), ["admin_id"], unique=False)

    op.create_table(
        "adminvisit",
        sa.Column("id", BIG, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("admin_id", BIG, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    with op.batch_alter_table("adminvisit") as batch_op:
        batch_op.create_index(batch_op.f("ix_adminvisit_admin_id"), ["admin_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_adminvisit_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "entryversion",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", "entry_id"),
    )
    with op.batch_alter_table("entryversion") as batch_op:
        batch_op.create_index(batch_op.f("ix_entryversion_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "runitem",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("runitem") as batch_op:
        batch_op.create_index(batch_op.f("ix_runitem_lease_until"), ["lease_until"], unique=False)
        batch_op.create_index("runitem_due", ["run_id", "state", "position"], unique=False)

    op.create_table(
        "carry",
        sa.Column("reader_id", BIG, nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["reader_id"], ["reader.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("reader_id", "entry_id"),
    )
    with op.batch_alter_table("carry") as batch_op:
        batch_op.create_index(batch_op.f("ix_carry_run_id"), ["run_id"], unique=False)

    with op.batch_alter_table("delivery") as batch_op:
        batch_op.alter_column("reader_id", existing_type=sa.INTEGER(), nullable=True)

    with op.batch_alter_table("digest", naming_convention=NAMED) as batch_op:
        batch_op.add_column(sa.Column("addendum_of", BIG, server_default="0", nullable=False))
        batch_op.drop_constraint("digest_reader_id_day_key", type_="unique")
        batch_op.create_unique_constraint(
            "digest_reader_id_day_addendum_of_key", ["reader_id", "day", "addendum_of"]
        )

    with op.batch_alter_table("source") as batch_op:
        batch_op.add_column(sa.Column("days", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("holidays", sa.JSON(), server_default="[]", nullable=False))
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(name, table_name=table)
    with op.batch_alter_table("source") as batch_op:
        batch_op.drop_column("holidays")
        batch_op.drop_column("days")
    op.execute("DELETE FROM digest WHERE addendum_of <> 0")
    with op.batch_alter_table("digest", naming_convention=NAMED) as batch_op:
        batch_op.drop_constraint("digest_reader_id_day_addendum_of_key", type_="unique")
        batch_op.create_unique_constraint("digest_reader_id_day_key", ["reader_id", "day"])
        batch_op.drop_column("addendum_of")
    op.execute("DELETE FROM delivery WHERE reader_id IS NULL")
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.alter_column("reader_id", existing_type=sa.INTEGER(), nullable=False)
    for table in TABLES:
        op.drop_table(table)
