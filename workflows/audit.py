"""The audit log's rows are linked into their chain, again and again, by one appender."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.audit import CHAIN, AuditActivities
    from domain.messages.audit import Chained, ChainInput


@workflow.defn
class AuditKeeperWorkflow:
    """A Schedule starts it; what one leaves the next one links."""

    @workflow.run
    async def run(self, chain: ChainInput) -> Chained:
        del chain
        return await workflow.execute_activity_method(AuditActivities.chain_audit_log, **CHAIN)
