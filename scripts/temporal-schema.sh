#!/bin/sh
# Creates and updates Temporal's two databases; runs inside temporalio/admin-tools, any number of times.
set -eu

: "${POSTGRES_SEEDS:?}" "${POSTGRES_USER:?}" "${SQL_PASSWORD:?}"
schema=/etc/temporal/schema/postgresql/v12

tool() {
    database=$1
    shift
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p "${DB_PORT:-5432}" \
        -u "$POSTGRES_USER" --db "$database" "$@"
}

prepare() {
    tool "$1" create
    # Refused where the tables are there already; the update below then does the rest.
    tool "$1" setup-schema -v 0.0 || true
    tool "$1" update-schema -d "$schema/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
