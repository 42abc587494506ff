"""What an execution is to the engine: its state, the events it takes, the effects it asks for (studio.md §5).

All of it is plain data, so that the same engine runs inside a transaction, in a test and in a dry run.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Json = dict[str, object]
Pending = Literal["", "next", "send", "enqueue", "reply"]


class LogEntry(Struct, frozen=True):
    """One sentence of the execution's log; code 0 stands for none of the dictionary (studio.md §8)."""

    code: int
    level: Literal["warning", "error", "notice"]
    message: str
    widget: str


class ExecutionState(Struct):
    """Where an execution stands.

    `widget` is the widget it is in, `step_sid` the SID its step will have, `pending` what it waits for.
    """

    sid: str
    flow_sid: str
    context: Json
    trigger: str
    conversation_sid: str | None = None
    channel_type: str = ""
    widget: str = ""
    step_sid: str = ""
    pending: Pending = ""
    next: str = ""
    message_sid: str = ""
    steps: int = 0
    in_a_row: int = 0
    ended: str = ""
    log: list[LogEntry] = field(default_factory=list)


class Started(Struct, frozen=True):
    """The trigger fires."""


class Continued(Struct, frozen=True):
    """The engine paused between two widgets and may go on."""


class Sent(Struct, frozen=True):
    """A message was accepted; `output` is the message as the context shows it."""

    sid: str
    output: Json


class NotSent(Struct, frozen=True):
    """A message was refused, or a sent one could not be delivered."""

    code: int
    message: str
    output: Json | None = None


class Replied(Struct, frozen=True):
    """A message of somebody else arrived in the conversation; `inbound` as the context shows it."""

    inbound: Json


class TimedOut(Struct, frozen=True):
    """The timer of one wait fired; it counts only while that step still waits."""

    step_sid: str


class Enqueued(Struct, frozen=True):
    """The interaction and its task exist; `output` as the context shows it."""

    output: Json


class NotEnqueued(Struct, frozen=True):
    """The interaction could not be made."""

    code: int
    message: str


class Stopped(Struct, frozen=True):
    """The execution was ended from outside."""

    reason: str


Event = Started | Continued | Sent | NotSent | Replied | TimedOut | Enqueued | NotEnqueued | Stopped


class SendMessage(Struct, frozen=True):
    """Send a message and answer with Sent or NotSent. `to` counts only outside a conversation."""

    conversation_sid: str | None
    author: str
    to: str
    body: str
    attributes: str
    media_url: str
    content_sid: str


class SendToFlex(Struct, frozen=True):
    """Make the interaction and answer with Enqueued or NotEnqueued. `timeout` in seconds."""

    conversation_sid: str
    workflow_sid: str
    task_channel: str
    attributes: Json
    channel_type: str
    priority: int | None
    timeout: int


class SetTimer(Struct, frozen=True):
    """Answer with TimedOut for this step after so many seconds."""

    step_sid: str
    seconds: int


class CancelTimer(Struct, frozen=True):
    """The wait of this step is over."""

    step_sid: str


class RecordStep(Struct, frozen=True):
    """Write the step of a widget that was left, with the context as it then is."""

    sid: str
    name: str
    transitioned_from: str
    transitioned_to: str
    type: str
    context: Json
    log: tuple[LogEntry, ...]
    position: int


class End(Struct, frozen=True):
    """The execution is over."""

    reason: str


Command = SendMessage | SendToFlex
Effect = RecordStep | SetTimer | CancelTimer | End


class Turn(Struct, frozen=True):
    """What one event led to: effects in order, then at most one command whose answer is the next event.

    `paused` asks for Continued as the next event: a long chain of widgets is cut into turns.
    """

    state: ExecutionState
    effects: tuple[Effect, ...]
    command: Command | None
    paused: bool = False
