"""The assignment callback: a workflow's URL is asked what to do with each new reservation (taskrouter.md §3.5).

Prepare, call and apply are steps of their own (DESIGN 2.3); what the answer relied on is checked again.
"""

from typing import Any, Final

import msgspec
import structlog

from parlour.kit.errors import ContractError
from parlour.kit.wire import decode_json
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import reservations, store
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.desk import ASK_CALLBACK
from parlour.taskrouter.rows import Reservation, Task, Worker, Workflow
from parlour.webhooks import store as deliveries
from parlour.webhooks.delivery import Deliverer, Outcome, Told, Try

TIMEOUT: Final = 5.0  # seconds for each of the two URLs
VOICE: Final = {
    "dequeue": "it connects a queued call with the worker",
    "call": "it calls the worker",
    "redirect": "it has a live call, named by call_sid, go on with other TwiML",
    "conference": "it brings caller and worker into a conference",
}
NOT_TRANSFERRED: Final = frozenset({"dequeue", "call", "redirect"})  # never follow for a transferred task (§9.6)
NOT_JSON_TYPE: Final = 40000
NOT_JSON: Final = 40001
NO_INSTRUCTION: Final = 40005
BAD_ACTIVITY: Final = 40100
NOT_FOR_TRANSFERS: Final = 40151
UNKNOWN_INSTRUCTION: Final = 55555

log = structlog.get_logger("parlour.taskrouter")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A pending reservation as the callback is told of it."""

    reservation: Reservation
    task: Task
    worker: Worker
    workflow: Workflow


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer asks for: ``accept``, ``reject`` or nothing."""

    name: str = ""
    activity_sid: str | None = None


class Mistake(Exception):
    """The answer does not conform; ``code`` is the contract's."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def add_assignment(reactions: Reactions, deliverer: Deliverer) -> None:
    """Have assignment callbacks called by `deliverer`."""

    @reactions.job(ASK_CALLBACK)
    async def ask_assignment_callback(run: JobRun, payload: dict[str, Any]) -> None:
        workspace_sid, sid = str(payload["workspace_sid"]), str(payload["sid"])
        asked = await run.read(lambda reader: _asked(reader, workspace_sid, sid))
        if asked is None:
            return
        auth_token = await run.read(deliverer.auth_token)
        tries: list[tuple[Told, Try, str | None]] = []
        instruction: Instruction | None = None
        for url in (asked.workflow.assignment_callback_url, asked.workflow.fallback_assignment_callback_url):
            if not url or instruction is not None:
                continue
            told = _told(asked, url, run)
            last = (await deliverer.tries(told, auth_token, attempt=run.attempt))[-1]
            mistake: str | None = None
            try:
                instruction = read_answer(last.outcome, transferred=asked.reservation.transfer_sid is not None)
            except Mistake as error:
                mistake = f"{error.code}: {error}"
                log.warning(
                    "an assignment callback is not understood", code=error.code, why=str(error), reservation=sid
                )
            tries.append((told, last, mistake))

        async def write(uow: UnitOfWork) -> None:
            for told, each, mistake in tries:
                _write(uow, told, each, mistake)

        async def apply(uow: UnitOfWork) -> None:
            await write(uow)
            reached = any(each.outcome.delivered for _, each, _ in tries)
            await _apply(uow, asked, instruction, reached=reached)

        try:
            await run.finish(apply)
        except ContractError as refusal:
            log.warning("what an assignment callback asked for was refused", why=refusal.message, reservation=sid)
            await run.finish(write)


def _write(uow: UnitOfWork, told: Told, each: Try, mistake: str | None) -> None:
    row = each.row(uow, told, "delivered" if each.outcome.delivered else "dead", asked=True)
    deliveries.insert(uow, row if mistake is None else msgspec.structs.replace(row, error=mistake))


async def _asked(reader: Reader, workspace_sid: str, sid: str) -> Asked | None:
    """What the callback is told, None where the reservation is pending no more or nobody is to be asked."""
    reservation = await sql.reservation(reader, workspace_sid, sid)
    if reservation is None or reservation.reservation_status != "pending":
        return None
    task = await sql.task(reader, workspace_sid, reservation.task_sid)
    worker = await sql.worker(reader, workspace_sid, reservation.worker_sid)
    if task is None or worker is None or task.workflow_sid is None:
        return None
    workflow = await store.workflow(reader, workspace_sid, task.workflow_sid)
    if workflow is None or not workflow.assignment_callback_url:
        return None
    return Asked(reservation=reservation, task=task, worker=worker, workflow=workflow)


def _told(asked: Asked, url: str, run: JobRun) -> Told:
    task, worker = asked.task, asked.worker
    pairs = [
        ("AccountSid", task.account_sid),
        ("WorkspaceSid", task.workspace_sid),
        ("WorkflowSid", asked.workflow.sid),
        ("TaskQueueSid", task.task_queue_sid or ""),
        ("WorkerSid", worker.sid),
        ("WorkerAttributes", worker.attributes),
        ("TaskSid", task.sid),
        ("TaskAttributes", task.attributes),
        ("TaskAge", str(task.age(run.now))),
        ("TaskPriority", str(task.priority)),
        ("ReservationSid", asked.reservation.sid),
        ("Timestamp", str(int(run.now.timestamp()))),
    ]
    return Told(
        webhook_sid=asked.workflow.sid,
        stream=task.sid,
        key=f"{asked.reservation.sid}:{url}",
        event_sid=None,
        event_type="assignment",
        method="post",
        url=url,
        pairs=pairs,
        patience=TIMEOUT,
        counted=False,
    )


def read_answer(outcome: Outcome, *, transferred: bool = False) -> Instruction | None:
    """Read what an answer asks for; None where the URL was not reached.

    :param transferred: whether the reservation came by a transfer, for which some instructions do not exist.
    :raises Mistake: it was, and the answer is none that can be followed.
    """
    if not outcome.delivered:
        return None
    if outcome.status == 204 or not outcome.body.strip():
        return Instruction()
    if outcome.content_type.partition(";")[0].strip().lower() != "application/json":
        raise Mistake(NOT_JSON_TYPE, f"the content type is '{outcome.content_type[:80]}', not application/json")
    try:
        answer = decode_json(outcome.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Mistake(NOT_JSON, f"the body is not JSON ({error})") from error
    name = answer.get("instruction") if isinstance(answer, dict) else None
    if not isinstance(name, str) or not name:
        raise Mistake(NO_INSTRUCTION, "the body has no instruction")
    name = name.lower()
    if transferred and name in NOT_TRANSFERRED:
        raise Mistake(NOT_FOR_TRANSFERS, f"the instruction '{name}' does not go with a transferred task")
    if name in VOICE:
        raise Mistake(
            UNKNOWN_INSTRUCTION,
            f"the instruction '{name}' is for voice calls, which are not served here ({VOICE[name]}); "
            "accept and reject are followed",
        )
    if name not in ("accept", "reject"):
        raise Mistake(UNKNOWN_INSTRUCTION, f"'{name[:40]}' is no instruction")
    activity = answer.get("activity_sid") or None
    if activity is not None and (name != "reject" or not isinstance(activity, str)):
        raise Mistake(BAD_ACTIVITY, "activity_sid goes with the instruction reject, as a text")
    return Instruction(name=name, activity_sid=activity)


async def _apply(uow: UnitOfWork, asked: Asked, instruction: Instruction | None, *, reached: bool) -> None:
    """Do what the answer asks for, if the reservation is still pending; a refusal leaves it as it is."""
    workspace_sid, sid = asked.reservation.workspace_sid, asked.reservation.sid
    known = await sql.reservation(uow, workspace_sid, sid)
    if known is None or known.reservation_status != "pending":
        return
    if not reached:
        await reservations.cancel(uow, workspace_sid, sid)
    elif instruction is not None and instruction.name == "accept":
        await reservations.accept(uow, workspace_sid, sid)
    elif instruction is not None and instruction.name == "reject":
        await reservations.reject(
            uow, workspace_sid, sid, activity_sid=await _activity(uow, workspace_sid, instruction)
        )


async def _activity(reader: Reader, workspace_sid: str, instruction: Instruction) -> str | None:
    """The activity to move the worker to; one that is not the workspace's leaves the worker where they are."""
    sid = instruction.activity_sid
    if sid is not None and await store.activity(reader, workspace_sid, sid) is None:
        log.warning("an assignment callback names an activity that is not the workspace's", code=BAD_ACTIVITY, sid=sid)
        return None
    return sid
