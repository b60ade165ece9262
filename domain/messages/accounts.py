"""What the processes around an account are asked for."""

from uuid import UUID

from domain.values import Value


def reset_workflow_id(request_id: UUID) -> str:
    return f"password-reset:{request_id}"


class ResetAsked(Value):
    """Somebody asked for a new password of an account, named by the hash of its address.

    Whether there is such an account is looked up by the process: the page that was asked does the
    same, and takes as long, for every address.
    """

    request_id: UUID
    account: str
