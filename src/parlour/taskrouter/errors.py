"""The refusals of TaskRouter (taskrouter.md §1.5, §2.1, §2.2, §6)."""

from parlour.kit.errors import ContractError


def refused(message: str) -> ContractError:
    """400/20001, the code of nearly every TaskRouter refusal."""
    return ContractError(20001, 400, message)


def no_queue_for_task(workspace_sid: str, account_sid: str) -> ContractError:
    """No filter holds and there is no default filter."""
    return refused(f"Couldn't match task to queue in workspace {workspace_sid} for account {account_sid}")


def workflow_required() -> ContractError:
    """The workspace has none or several workflows and the task names none."""
    return refused("WorkflowSid field is required")


def _cannot(verb: str, sid: str, workspace_sid: str, account_sid: str, why: str) -> ContractError:
    return refused(f"Cannot {verb} task {sid} in workspace {workspace_sid} for account {account_sid} because {why}.")


def not_assigned(verb: str, sid: str, workspace_sid: str, account_sid: str) -> ContractError:
    """``verb`` (complete, wrap up) needs a task that an agent has."""
    return _cannot(verb, sid, workspace_sid, account_sid, "it is not currently assigned")


def not_cancelable(sid: str, workspace_sid: str, account_sid: str) -> ContractError:
    """Only a waiting task can be canceled."""
    return _cannot("cancel", sid, workspace_sid, account_sid, "it is not pending or reserved")


def reservation_rescinded(sid: str) -> ContractError:
    """Another worker accepted the task first: 410 (§6)."""
    return ContractError(20001, 410, f"Reservation {sid} has been rescinded because another worker accepted the task.")


def reservation_state(sid: str, current: str, wanted: str) -> ContractError:
    """The reservation has no way from its status to the wanted one."""
    return refused(f"Unable to update reservation {sid} to {wanted}: it is currently {current}.")


def precondition_failed(sid: str, version: int) -> ContractError:
    """If-Match names another version than the row has: 412 (§1.3)."""
    return ContractError(20412, 412, f"The resource {sid} was changed by another request, its version is {version}")


def duplicate_worker() -> ContractError:
    """Worker names are unique in any case of letters (§1.5)."""
    return refused("Worker with the same friendly name already exists")


def in_use(what: str, sid: str, why: str) -> ContractError:
    """A row that others stand on cannot be deleted (§1.5)."""
    return refused(f"{what} {sid} cannot be deleted: {why}")


def transfer_is_over(sid: str, status: str) -> ContractError:
    """Only a transfer that is under way can be canceled; the space before the dot is the contract's (§9.6)."""
    return refused(f"Transfer {sid} is already {status} . Cannot cancel transfer.")
