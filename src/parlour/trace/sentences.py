"""One sentence for each kind of fact, from its snapshot alone."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from parlour.taskrouter.explanation import text as routing_text

LONGEST: Final = 60  # characters of a text shown

Snapshot = Mapping[str, Any]


def sentence(kind: str, snapshot: Snapshot) -> str:
    """Return what a fact means, for a person; a kind without a sentence says its name."""
    name = kind.partition("/")[0]
    tell = _TOLD.get(name)
    if tell is None:
        subject, _, verb = name.partition(".")
        return f"{subject.replace('_', ' ').capitalize()}: {verb.replace('_', ' ').replace('.', ' ')}."
    return tell(snapshot)


def has_sentence(kind: str) -> bool:
    """Say whether a kind of fact has a sentence of its own."""
    return kind.partition("/")[0] in _TOLD


def quoted(text: object) -> str:
    """Return a text in quotation marks, cut to one short line."""
    line = " ".join(str(text or "").split())
    return f"“{line[: LONGEST - 1]}…”" if len(line) > LONGEST else f"“{line}”"


def _carrier_received(s: Snapshot) -> str:
    pictures = f" with {s['num_media']} file(s)" if s.get("num_media") else ""
    return f"{_of(s, 'from_address')} texted {_of(s, 'to_address')}{pictures}: {quoted(s.get('body'))}"


def _carrier_queued(s: Snapshot) -> str:
    return f"A text to {_of(s, 'to_address')} was ordered: {quoted(s.get('body'))}"


def _carrier_updated(s: Snapshot) -> str:
    way = "to" if s.get("direction") != "inbound" else "from"
    who = _of(s, "to_address" if way == "to" else "from_address")
    return f"The text {way} {who} is {_of(s, 'status')}{_error(s)}."


def _conversation_added(s: Snapshot) -> str:
    if s.get("address_sid"):
        return f"The address {s['address_sid']} made a conversation."
    return f"A conversation was made by {s.get('created_by') or s.get('source') or 'the system'}."


def _conversation_state(s: Snapshot) -> str:
    return f"The conversation went from {_of(s, 'state_from')} to {_of(s, 'state_to')} (by {_of(s, 'reason').lower()})."


def _who(s: Snapshot) -> str:
    return str(s.get("identity") or s.get("address") or s.get("messaging_binding_address") or s.get("sid") or "?")


def _participant(verb: str) -> Callable[[Snapshot], str]:
    def tell(s: Snapshot) -> str:
        kind = "Agent or user" if s.get("identity") else "Customer"
        return f"{kind} {_who(s)} {verb} the conversation."

    return tell


def _message_added(s: Snapshot) -> str:
    media = s.get("media") or ()
    what = quoted(s.get("body")) if s.get("body") else ""
    files = f" [{len(media)} file(s)]" if media else ""
    return f"{_of(s, 'author')} wrote message {_of(s, 'index')}: {what}{files}"


def _delivery(s: Snapshot) -> str:
    return f"Delivery of message {s.get('index', s.get('message_sid', '?'))} is {_of(s, 'status')}{_error(s)}."


def _execution_started(s: Snapshot) -> str:
    who = s.get("contact_channel_address") or "the contact"
    return f"The flow {_of(s, 'flow_sid')} (revision {_of(s, 'flow_revision')}) started for {who}."


def _execution_step(s: Snapshot) -> str:
    target = s.get("transitioned_to") or "the end"
    errors = [entry.get("message") for entry in s.get("log") or () if entry.get("level") == "ERROR"]
    trouble = f" Error: {'; '.join(map(str, errors))}" if errors else ""
    return f"Widget {_of(s, 'transitioned_from')}: {_of(s, 'name')}, on to {target}.{trouble}"


def _execution_ended(s: Snapshot) -> str:
    reason = f": {s['ended_reason']}" if s.get("ended_reason") else ""
    return f"The flow ended{reason}."


def _interaction_created(s: Snapshot) -> str:
    return f"An interaction over {_of(s, 'channel_type')} was made, with task {_of(s, 'task_sid')}."


def _channel_updated(s: Snapshot) -> str:
    return f"The interaction channel went from {s.get('status_from', '?')} to {_of(s, 'status')}{_error(s)}."


def _task(s: Snapshot) -> str:
    queue = s.get("task_queue_friendly_name") or s.get("task_queue_sid")
    return f"The task waits in queue {queue}." if queue else "The task has no queue."


def _task_ended(how: str) -> Callable[[Snapshot], str]:
    def tell(s: Snapshot) -> str:
        reason = f": {s['reason']}" if s.get("reason") else ""
        return f"The task {how}{reason} (age {_of(s, 'age')} s)."

    return tell


def _reservation(what: str) -> Callable[[Snapshot], str]:
    def tell(s: Snapshot) -> str:
        worker = s.get("worker") or {}
        return what.format(worker=worker.get("friendly_name") or s.get("worker_name") or s.get("worker_sid", "?"))

    return tell


def _of(s: Snapshot, name: str) -> str:
    value = s.get(name)
    return "?" if value is None else str(value)


def _error(s: Snapshot) -> str:
    return f" with error {s['error_code']}" if s.get("error_code") else ""


_TOLD: Final[dict[str, Callable[[Snapshot], str]]] = {
    "account.created": lambda s: f"The account {quoted(s.get('friendly_name'))} was made.",
    "carrier_message.received": _carrier_received,
    "carrier_message.unclaimed": lambda _: "No conversation has the text: it is for the webhook of its number.",
    "carrier_message.refused": lambda s: f"The webhook that is asked first refused the text: {quoted(s.get('body'))}",
    "carrier_message.queued": _carrier_queued,
    "carrier_message.updated": _carrier_updated,
    "conversation.added": _conversation_added,
    "conversation.updated": lambda _: "The conversation was changed.",
    "conversation.state_updated": _conversation_state,
    "conversation.removed": lambda _: "The conversation was removed.",
    "user.added": lambda s: f"The user {_of(s, 'identity')} was made.",
    "user.updated": lambda s: f"The user {_of(s, 'identity')} was changed.",
    "participant.added": _participant("joined"),
    "participant.updated": _participant("was changed in"),
    "participant.removed": _participant("left"),
    "message.added": _message_added,
    "message.updated": lambda s: f"Message {_of(s, 'index')} was changed.",
    "message.removed": lambda s: f"Message {_of(s, 'index')} was removed.",
    "delivery.updated": _delivery,
    "execution.started": _execution_started,
    "execution.step": _execution_step,
    "execution.ended": _execution_ended,
    "interaction.created": _interaction_created,
    "interaction_channel.updated": _channel_updated,
    "task.created": lambda s: f"A task was made with priority {_of(s, 'priority')}. {_task(s)}",
    "task.updated": lambda _: "The task was changed.",
    "workflow.entered": lambda s: (
        f"The task entered the workflow {s.get('workflow_friendly_name') or _of(s, 'workflow_sid')}."
    ),
    "workflow.target-matched": lambda _: "A filter of the workflow matched.",
    "workflow.skipped": lambda _: "A target of the workflow was skipped.",
    "workflow.timeout": lambda _: "The task was in its workflow for too long.",
    "task-queue.entered": _task,
    "task-queue.moved": lambda s: f"The task was moved. {_task(s)}",
    "task-queue.timeout": lambda _: "The task was at this target for too long.",
    "task.system-deleted": _task_ended("was deleted by the system"),
    "task.canceled": _task_ended("was canceled"),
    "task.wrapup": _task_ended("is wrapping up"),
    "task.completed": _task_ended("was completed"),
    "task.deleted": _task_ended("was deleted"),
    "routing.decided": routing_text,
    "reservation.created": _reservation("The task was offered to {worker}."),
    "reservation.accepted": _reservation("{worker} accepted."),
    "reservation.rejected": _reservation("{worker} rejected."),
    "reservation.timeout": _reservation("{worker} did not answer in time."),
    "reservation.canceled": _reservation("The offer to {worker} was canceled."),
    "reservation.rescinded": _reservation("The offer to {worker} was taken back: another one accepted."),
    "reservation.wrapup": _reservation("{worker} is wrapping up."),
    "reservation.failed": _reservation("The offer to {worker} failed."),
    "reservation.completed": _reservation("{worker} completed."),
}
