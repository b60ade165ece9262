"""The one appender of the audit log's chain, and its checkpoints."""

from datetime import timedelta

from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import heartbeats
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.audit_checkpoints import Checkpoints
from db.queries.audit_chain import append_links, last_link
from db.session import Database
from domain.audit import Checkpoint
from domain.messages.audit import Chained
from runtime.clock import activity_now

# What is not linked now is linked by the next run.
CHAIN = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=5),
)
BATCH = 2_000


class AuditActivities:
    def __init__(self, database: Database, checkpoints: Checkpoints, *, batch: int = BATCH) -> None:
        self._database, self._checkpoints, self._batch = database, checkpoints, batch

    @activity.defn
    async def chain_audit_log(self) -> Chained:
        """Link every row that is in no chain yet, and sign how far it has come."""
        now, linked = activity_now(), 0
        async with heartbeats():
            while True:
                async with self._database.transaction(WORKER) as session:
                    more = await append_links(session, now, self._batch)
                    last = await last_link(session)
                linked += more
                if more < self._batch:
                    break
        if last is None:
            return Chained(linked=linked, position=0)
        # Held against the files: whoever linked may have died before signing, and a log that was
        # restored goes on from an earlier link than they know.
        known = self._checkpoints.newest()
        if known is None or (known.position, known.hash) != (last.position, last.hash):
            self._checkpoints.add(Checkpoint(last.position, last.hash, now))
        return Chained(linked=linked, position=last.position)
