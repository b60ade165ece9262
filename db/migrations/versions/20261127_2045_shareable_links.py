"""Addresses that show an itinerary, or a calendar of all flights, to whoever holds them."""

from alembic import op

from db.migrations.rights import secure

revision = "20261127_2045"
down_revision = "20261127_0815"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE shareable_links (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    kind varchar(40) NOT NULL,
    booking_id uuid REFERENCES bookings (id),
    token_hash varchar NOT NULL UNIQUE,
    shows_reference boolean NOT NULL,
    shows_people boolean NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    seen_at timestamptz,
    views integer NOT NULL
);
CREATE INDEX shareable_links_by_user ON shareable_links (user_id, kind, created_at);
CREATE INDEX ix_shareable_links_booking_id ON shareable_links (booking_id);
"""
# A secret is presented before it is known whose it is: the owner answers with ids, nothing else.
LOOK_UP = """
CREATE POLICY look_up ON shareable_links FOR SELECT TO parker_owner USING (true);
CREATE FUNCTION find_shareable_link(hash text) RETURNS TABLE (link_id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id, user_id FROM shareable_links WHERE token_hash = hash $$;
ALTER FUNCTION find_shareable_link(text) OWNER TO parker_owner;
REVOKE ALL ON FUNCTION find_shareable_link(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_shareable_link(text) TO parker_app, parker_worker;
"""


def upgrade() -> None:
    op.execute(UP)
    secure("shareable_links", app="SELECT, INSERT, UPDATE, DELETE")
    op.execute(LOOK_UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION find_shareable_link(text)")
    op.execute("DROP TABLE shareable_links")
