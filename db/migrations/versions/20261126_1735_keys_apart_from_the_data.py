"""Data keys leave the database: a dump of it opens nothing any more."""

from alembic import context, op
from sqlalchemy import text

from db.migrations.rights import let_backup_read
from db.vault import PersonalVault
from runtime.crypto import decrypt_field, encrypt_field

revision = "20261126_1735"
down_revision = "20261126_1706"
branch_labels = None
depends_on = None

# Tables sealed under the account's key so far, and whose key it is from now on.
SEALED = {"travelers": "id", "traveler_documents": "traveler_id"}
OLD = """
CREATE TABLE data_keys (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    wrapped_key varchar NOT NULL,
    master_key_id varchar NOT NULL,
    created_at timestamptz NOT NULL,
    rotated_at timestamptz
);
CREATE INDEX ix_data_keys_master_key_id ON data_keys (master_key_id);
ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON data_keys TO parker_app
    USING (user_id = nullif(current_setting('app.user_id', true), '')\\:\\:uuid);
CREATE POLICY every_row ON data_keys TO parker_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON data_keys TO parker_app, parker_worker;
ALTER TABLE data_keys OWNER TO parker_owner;
"""


def upgrade() -> None:
    """Keep each key in its file first: a file without a row is harmless, the reverse is not."""
    vault: PersonalVault | None = context.config.attributes.get("vault")
    # Whoever migrates need not be one whom the policies know.
    for table in ("data_keys", *SEALED):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("SET LOCAL ROLE parker_owner")
    rows = op.get_bind().execute(text("SELECT user_id, wrapped_key FROM data_keys")).all()
    if rows and vault is None:
        raise RuntimeError("data keys are still in the database: run `parker migrate`")
    if rows and vault is not None:
        for user_id, wrapped in rows:
            vault.adopt(user_id, wrapped)
        for table, subject in SEALED.items():
            _seal_anew(vault, table, subject)
    op.execute("RESET ROLE")
    for table in SEALED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("DROP TABLE data_keys")


def _seal_anew(vault: PersonalVault, table: str, subject: str) -> None:
    """Seal a table's fields under each traveller's own key; they were under their account's."""
    for row in op.get_bind().execute(text(f"SELECT * FROM {table}")).mappings().all():
        old = vault.key_of(row["user_id"], row["user_id"])
        new = vault.key_of(row["user_id"], row[subject])
        fields: dict[str, str] = {}
        for name, token in row.items():
            if name.endswith("_encrypted") and token:  # a deleted traveller's are empty
                place = {
                    "table": table,
                    "column": name.removesuffix("_encrypted"),
                    "row_id": str(row["id"]),
                }
                fields[name] = encrypt_field(new, decrypt_field(old, token, **place), **place)
        if fields:
            changes = ", ".join(f"{name} = :{name}" for name in fields)
            statement = text(f"UPDATE {table} SET {changes} WHERE id = :id")
            op.get_bind().execute(statement, fields | {"id": row["id"]})


def downgrade() -> None:
    """Make the table again, empty: the keys stay where they are."""
    op.execute(OLD)
    let_backup_read("data_keys")
