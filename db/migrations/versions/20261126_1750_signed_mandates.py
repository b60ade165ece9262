"""Mandates are signed documents; what is taken of them is a row, and their salts a table apart."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from db.migrations.rights import secure

revision = "20261126_1750"
down_revision = "20261126_1745"
branch_labels = None
depends_on = None

TABLES = ("mandate_salts", "mandate_uses")


def upgrade() -> None:
    kind = sa.Enum("booking", "allow_once", native_enum=False, length=40)
    op.add_column("mandates", sa.Column("kind", kind, nullable=False, server_default="booking"))
    op.alter_column("mandates", "kind", server_default=None)
    for name in ("document", "key_id", "signature", "nonce"):
        op.add_column("mandates", sa.Column(name, sa.String(), nullable=True))
    op.add_column(
        "mandates", sa.Column("passkey", postgresql.JSONB(none_as_null=True), nullable=True)
    )
    op.create_unique_constraint("mandates_nonce_key", "mandates", ["nonce"])
    op.drop_index("mandates_one_live", table_name="mandates")
    op.create_index(
        "mandates_one_live",
        "mandates",
        ["campaign_id", "kind"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index(
        "mandates_unsigned",
        "mandates",
        ["campaign_id"],
        postgresql_where=sa.text("revoked_at IS NULL AND document IS NULL"),
    )
    op.add_column("booking_attempts", sa.Column("mandate_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "booking_attempts_mandate_id_fkey", "booking_attempts", "mandates", ["mandate_id"], ["id"]
    )
    op.create_table(
        "mandate_salts",
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("traveler_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("salt_encrypted", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandates.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("mandate_id", "traveler_id"),
    )
    op.create_index("ix_mandate_salts_user_id", "mandate_salts", ["user_id"])
    op.create_table(
        "mandate_uses",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["attempt_id"], ["booking_attempts.id"]),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandates.id"]),
        sa.ForeignKeyConstraint(["campaign_id"], ["autobooking_campaigns.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"]),
        sa.PrimaryKeyConstraint("attempt_id"),
        sa.UniqueConstraint("payment_id"),
    )
    op.create_index("ix_mandate_uses_user_id", "mandate_uses", ["user_id"])
    op.create_index(
        "mandate_uses_standing",
        "mandate_uses",
        ["mandate_id"],
        postgresql_where=sa.text("released_at IS NULL"),
    )
    for table in TABLES:
        secure(table, app="SELECT")
    # With a salt in hand one could try names; nobody who looks needs that.
    op.execute("DROP POLICY under_a_reason ON mandate_salts")
    op.execute("REVOKE ALL ON mandate_salts FROM parker_operator")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_constraint("booking_attempts_mandate_id_fkey", "booking_attempts", type_="foreignkey")
    op.drop_column("booking_attempts", "mandate_id")
    op.drop_index("mandates_unsigned", table_name="mandates")
    op.drop_index("mandates_one_live", table_name="mandates")
    op.create_index(
        "mandates_one_live",
        "mandates",
        ["campaign_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.drop_constraint("mandates_nonce_key", "mandates", type_="unique")
    for name in ("passkey", "nonce", "signature", "key_id", "document", "kind"):
        op.drop_column("mandates", name)
