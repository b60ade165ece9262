#!/bin/sh
# Makes the namespace; runs inside temporalio/admin-tools, any number of times.
set -eu

: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}"
until temporal operator cluster health --address "$TEMPORAL_ADDRESS" >/dev/null 2>&1; do
    sleep 1
done
temporal operator namespace describe --address "$TEMPORAL_ADDRESS" -n "$TEMPORAL_NAMESPACE" \
    >/dev/null 2>&1 ||
    temporal operator namespace create --address "$TEMPORAL_ADDRESS" --retention 30d \
        -n "$TEMPORAL_NAMESPACE"
# A namespace is known to every part of the server a few seconds after it was made.
until temporal workflow list --address "$TEMPORAL_ADDRESS" -n "$TEMPORAL_NAMESPACE" --limit 1 \
    >/dev/null 2>&1; do
    sleep 1
done
