"""People's own words for their wishes, travellers, trips and keys are sealed like all else."""

from alembic import context, op
from sqlalchemy import text

from db.vault import PersonalVault

revision = "20261126_1855"
down_revision = "20261126_1900"
branch_labels = None
depends_on = None

# Where the words stand, and who of the account can be forgotten alone.
WORDS = (
    ("autobooking_campaigns", "own_name", "autobooking_campaigns.name", "user_id"),
    ("travelers", "label", "travelers.label", "id"),
    ("trip_requests", "name", "trip_requests.name", "user_id"),
    ("api_keys", "name", "api_keys.name", "user_id"),
    ("campaign_drafts", "answers", "campaign_drafts.answers", "user_id"),
)
UP = """
ALTER TABLE autobooking_campaigns RENAME COLUMN name TO own_name;
ALTER TABLE autobooking_campaigns ALTER COLUMN own_name TYPE varchar;
-- The name that others may read is the route.
ALTER TABLE autobooking_campaigns ADD COLUMN name varchar(255) NOT NULL
    GENERATED ALWAYS AS (origin_code || ' to ' || destination_code) STORED;
ALTER TABLE trip_requests ALTER COLUMN name TYPE varchar;
ALTER TABLE campaign_drafts ALTER COLUMN answers TYPE varchar USING CAST(answers AS text);
"""
# What is sealed cannot be opened here: the route has to do for a wish's name, and no draft stays.
DOWN = """
DELETE FROM campaign_drafts;
ALTER TABLE campaign_drafts ALTER COLUMN answers TYPE jsonb USING CAST(answers AS jsonb);
UPDATE trip_requests SET name = left(name, 255);
ALTER TABLE trip_requests ALTER COLUMN name TYPE varchar(255);
ALTER TABLE autobooking_campaigns DROP COLUMN name;
UPDATE autobooking_campaigns SET own_name = origin_code || ' to ' || destination_code;
ALTER TABLE autobooking_campaigns RENAME COLUMN own_name TO name;
ALTER TABLE autobooking_campaigns ALTER COLUMN name TYPE varchar(255);
"""


def upgrade() -> None:
    op.execute(UP)
    vault: PersonalVault | None = context.config.attributes.get("vault")
    for table, *_ in WORDS:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    # Whoever migrates need not be one whom the policies know.
    op.execute("SET LOCAL ROLE parker_owner")
    for table, column, place, subject in WORDS:
        _seal(vault, table, column, place, subject)
    op.execute("RESET ROLE")
    for table, *_ in WORDS:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _seal(
    vault: PersonalVault | None, table: str, column: str, place: str, subject: str
) -> None:
    found = op.get_bind().execute(
        text(f"SELECT id, user_id, {subject} AS subject, {column} AS words FROM {table}")
    )
    for row in found.mappings().all():
        if not row["words"]:
            continue
        if vault is None:
            raise RuntimeError("people's own words are to be sealed: run `parker migrate`")
        sealed = vault.words().seal(row["user_id"], row["subject"], place, row["words"])
        op.get_bind().execute(
            text(f"UPDATE {table} SET {column} = :sealed WHERE id = :id"),
            {"sealed": sealed, "id": row["id"]},
        )


def downgrade() -> None:
    op.execute(DOWN)
