"""Calls about a worker's reservations (taskrouter.md §9.4, §6)."""

from typing import Final

from parlour.realtime.event_bridge.calls.operations import WORKER, WORKSPACE, calls
from parlour.realtime.event_bridge.calls.worker_call import WorkerCall
from parlour.rest.errors import invalid_parameter, not_found
from parlour.rest.forms import Form
from parlour.rest.operations import Answer
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import reservations, snapshots, tasks, transfer_store
from parlour.taskrouter.paging import if_match
from parlour.taskrouter.rows import Reservation
from parlour.taskrouter.task_routes import VOICE, UpdateReservation, wanted_status

RESERVATION: Final = f"{WORKER}/Reservations/{{Sid}}"
# Names that the client spells otherwise than the REST API.
SPELLED: Final = frozenset({"DequeueStatusCallbackEvents", "ConferenceStatusCallbackEvents"})
BY_TELEPHONE: Final = "telephone calls are not served here"


@calls.get(RESERVATION)
async def fetch_reservation(call: WorkerCall, _form: Form) -> Answer:
    """Answer with a reservation and its task."""
    workspace_sid = call.workspace_sid

    async def read(reader: Reader) -> dict[str, object]:
        found = await _of_worker(call, reader)
        task = await tasks.fetch(reader, workspace_sid, found.task_sid)
        known = await transfer_store.transfers(reader, [sid for sid in (found.transfer_sid, task.transfer_sid) if sid])
        latest = known.get(task.transfer_sid or "")
        active = latest is not None and latest.active_of(found)
        incoming = known.get(found.transfer_sid or "")
        return snapshots.bridge_reservation(
            found, task, reader.now, incoming=incoming, outgoing=latest if active else None
        )

    return Answer(200, await call.read(read))


@calls.post(RESERVATION, form=UpdateReservation)
async def update_reservation(call: WorkerCall, form: UpdateReservation) -> Answer:
    """Accept, reject, wrap up or complete a reservation; the answer shows it without its task (§1.4, 1)."""
    workspace_sid = call.workspace_sid
    refuse_telephony(call, form.instruction)
    status = wanted_status(form)
    version = if_match(call, call.path["Sid"])

    async def work(uow: UnitOfWork) -> Reservation:
        known = await _of_worker(call, uow)
        return await reservations.update(
            uow,
            workspace_sid,
            known.sid,
            status=status,
            worker_activity_sid=form.worker_activity_sid or None,
            version=version,
            known=known,
        )

    return Answer(200, snapshots.bridge_reservation_alone(await call.step(work)))


@calls.post(f"{WORKSPACE}/Tasks/{{TaskSid}}/Reservations/{{Sid}}", form=UpdateReservation)
async def update_reservation_of_task(call: WorkerCall, form: UpdateReservation) -> Answer:
    """Refuse to supervise, which is all that a client asks for below a task."""
    call.bearer.in_workspace(call.path["WorkspaceSid"])
    refuse_telephony(call, form.instruction or "supervise")
    raise invalid_parameter("Instruction", f"'{(form.instruction or '')[:64]}' is not supported below a task")


def refuse_telephony(call: WorkerCall, instruction: str | None) -> None:
    """Refuse instructions and parameters of telephone calls by name.

    :raises ContractError: 400/20001.
    """
    if (instruction or "").lower() not in ("", "accept", "reject"):
        raise invalid_parameter("Instruction", f"'{(instruction or '')[:64]}' is not supported ({BY_TELEPHONE})")
    for name in call.query:
        if name in VOICE or name in SPELLED:
            raise invalid_parameter(name, f"this parameter is not supported ({BY_TELEPHONE})")


async def _of_worker(call: WorkerCall, reader: Reader) -> Reservation:
    """The reservation of the path, which must be of the worker of the path."""
    found = await reservations.fetch(reader, call.workspace_sid, call.path["Sid"])
    if found.worker_sid != call.worker_sid:
        raise not_found(found.sid)
    return found
