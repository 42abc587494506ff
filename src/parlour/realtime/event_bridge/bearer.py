"""Who speaks through the event bridge, and what their token lets them do (taskrouter.md §9.1)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from parlour.accounts.access_tokens import AccessToken
from parlour.rest.errors import forbidden, not_found
from parlour.rest.operations import Caller
from parlour.store.unit import Reader
from parlour.taskrouter import held, task_store

PRIVILEGED: Final = frozenset({"supervisor", "admin"})


@dataclass(frozen=True, slots=True)
class Bearer:
    """The owner of a token with a TaskRouter grant.

    :ivar worker_sid: None for one who only looks after a workspace.
    :ivar token: a fingerprint, which is enough to know it again.
    """

    account_sid: str
    identity: str
    grants: Mapping[str, Any]
    workspace_sid: str
    worker_sid: str | None
    role: str
    token: bytes
    expires: datetime

    @property
    def privileged(self) -> bool:
        """Say whether other workers are theirs to look after."""
        return self.role in PRIVILEGED

    @property
    def caller(self) -> Caller:
        """Return the bearer as operations know callers."""
        return Caller("token", self.account_sid, self.identity, self.grants)

    def in_workspace(self, workspace_sid: str) -> None:
        """Demand that a path is in the token's workspace.

        :raises ContractError: 403/20403.
        """
        if workspace_sid != self.workspace_sid:
            raise forbidden(f"The token grants workspace {self.workspace_sid}, not {workspace_sid}")

    def as_worker(self, worker_sid: str) -> None:
        """Demand that a worker is the bearer, or that the bearer looks after others.

        :raises ContractError: 403/20403.
        """
        if worker_sid != self.worker_sid and not self.privileged:
            raise forbidden(f"The token is of worker {self.worker_sid}, not of {worker_sid}")

    async def with_task(self, reader: Reader, task_sid: str) -> None:
        """Demand that a task was offered to the bearer, or that the bearer looks after others.

        :raises ContractError: 404 where there is no such task, 403/20403.
        """
        if await task_store.task(reader, self.workspace_sid, task_sid) is None:
            raise not_found(task_sid)
        if not self.privileged and not await held.was_offered(reader, self.worker_sid or "", [task_sid]):
            raise forbidden(f"Task {task_sid} was not offered to worker {self.worker_sid}")


def bearer_of(read: AccessToken, text: str) -> Bearer:
    """Return the bearer of a token that was read from ``text``.

    :raises ContractError: 403/20403, it has no grant for TaskRouter or none for a worker.
    """
    grant = read.grants.get("task_router")
    grant = grant if isinstance(grant, dict) else {}
    workspace_sid, worker_sid = grant.get("workspace_sid"), grant.get("worker_sid")
    role = str(grant.get("role") or "worker")
    if not isinstance(workspace_sid, str) or not workspace_sid:
        raise forbidden("The token has no grant for a workspace of TaskRouter")
    if not isinstance(worker_sid, str) or not worker_sid:
        if role not in PRIVILEGED:
            raise forbidden("The token's grant for TaskRouter names no worker")
        worker_sid = None
    return Bearer(
        account_sid=read.account_sid,
        identity=read.identity,
        grants=read.grants,
        workspace_sid=workspace_sid,
        worker_sid=worker_sid,
        role=role,
        token=hashlib.sha256(text.encode()).digest(),
        expires=read.expires,
    )
