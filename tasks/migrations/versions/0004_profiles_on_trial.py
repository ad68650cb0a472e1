"""Profiles on trial, names for versions, and an index over arrivals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shadows", number, nullable=True))
        batch_op.create_unique_constraint("profile_shadows", ["shadows"])
        batch_op.create_foreign_key(
            "profile_of_shadow", "profile", ["shadows"], ["id"], ondelete="CASCADE"
        )
    for table, column in (("profileversion", "label"), ("pick", "team")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(column, sa.String(), server_default="", nullable=False))
    op.drop_index("ix_entry_arrived_at", table_name="entry")
    op.create_index("entry_arrived", "entry", ["arrived_at", "withdrawn", "revision"])
    op.create_index("scorermodel_newest", "scorermodel", ["created_at", "id", "papers", "version"])


def downgrade() -> None:
    op.drop_index("scorermodel_newest", table_name="scorermodel")
    op.drop_index("entry_arrived", table_name="entry")
    op.create_index("ix_entry_arrived_at", "entry", ["arrived_at"])
    for table, column in (("profileversion", "label"), ("pick", "team")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
    op.execute("DELETE FROM profile WHERE state <> 'active'")
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.drop_constraint("profile_of_shadow", type_="foreignkey")
        batch_op.drop_constraint("profile_shadows", type_="unique")
        batch_op.drop_column("shadows")
