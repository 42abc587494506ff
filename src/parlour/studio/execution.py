"""What an execution is to the engine: its state, the events it takes, the effects it asks for (studio.md §5).

All of it is plain data, so that the same engine runs inside a transaction, in a test and in a dry run.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Json = dict[str, object]
Pending = Literal["", "next", "send", "enqueue", "reply", "call", "subflow", "conversation"]


class LogEntry(Struct, frozen=True):
    """One sentence of the execution's log; code 0 stands for none of the dictionary (studio.md §8)."""

    code: int
    level: Literal["warning", "error", "notice"]
    message: str
    widget: str


class CallHttp(Struct, frozen=True):
    """Call a URL and answer with Answered or NotAnswered.

    `form` is sent as a form body, `body` as it is; `sign` asks for the account's signature, `credentials` for its SID
    and token as basic auth, `follow` for redirects to be followed. `token` is the same at every try of this step.
    """

    method: str
    url: str
    token: str
    content_type: str = ""
    body: str = ""
    form: list[tuple[str, str]] | None = None
    sign: bool = False
    credentials: bool = False
    follow: bool = False


class SendMessage(Struct, frozen=True):
    """Send a message and answer with Sent or NotSent. `to` counts only outside a conversation.

    `content_sid` is that of a content template, which speaks instead of body and media; None sends those.
    `content_variables` are the template's values, as a JSON object.
    """

    conversation_sid: str | None
    author: str
    to: str
    body: str
    attributes: str
    media_url: str = ""
    content_sid: str | None = None
    content_variables: str = ""

    @property
    def fetches(self) -> bool:
        """Whether its file is fetched before it is sent; the carrier of a text fetches it itself."""
        return self.conversation_sid is not None and bool(self.media_url)


class Frame(Struct, frozen=True):
    """What of the parent waits while a subflow runs: its widget, and its parts of the context.

    `flow_sid` and `revision` are the subflow's.
    """

    flow_sid: str
    revision: int
    widget: str
    step_sid: str
    in_a_row: int
    flow: Json
    widgets: Json
    log: tuple[LogEntry, ...] = ()


class ExecutionState(Struct):
    """Where an execution stands.

    `widget` is the widget it is in, `step_sid` the SID its step will have, `pending` what it waits for, `call` the
    request whose answer it waits for, `sending` the message whose file it waits for. `webhook_sid` is that of a
    conversation which the flow itself began or resumed, `close_on_end` whether the conversation closes with the
    execution, `handed_off` whether agents have it.
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
    call: CallHttp | None = None
    sending: SendMessage | None = None
    frame: Frame | None = None
    webhook_sid: str = ""
    close_on_end: bool = False
    handed_off: bool = False


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


class Answered(Struct, frozen=True):
    """A URL answered the call of this step."""

    step_sid: str
    status: int
    content_type: str
    body: str
    headers: dict[str, str]


class NotAnswered(Struct, frozen=True):
    """The call of this step brought no answer; `code` 0 leaves it to the widget."""

    step_sid: str
    message: str
    code: int = 0


class SubflowOpened(Struct, frozen=True):
    """The subflow exists, its definition is at hand; `parameters` are those of the command."""

    flow_sid: str
    revision: int
    parameters: Json


class SubflowRefused(Struct, frozen=True):
    """The subflow cannot run."""

    code: int
    message: str


class Joined(Struct, frozen=True):
    """The conversation was started or resumed, and its replies come here; `output` as the context shows it."""

    conversation_sid: str
    webhook_sid: str
    channel_type: str
    output: Json
    details: Json


class NotJoined(Struct, frozen=True):
    """The conversation could not be started or resumed."""

    code: int
    message: str


class Stopped(Struct, frozen=True):
    """The execution was ended from outside."""

    reason: str


Event = (
    Started | Continued | Sent | NotSent | Replied | TimedOut | Enqueued | NotEnqueued | Answered | NotAnswered
    | SubflowOpened | SubflowRefused | Joined | NotJoined | Stopped
)  # fmt: skip


class SendToFlex(Struct, frozen=True):
    """Make the interaction and answer with Enqueued or NotEnqueued. `timeout` in seconds."""

    conversation_sid: str
    workflow_sid: str
    task_channel: str
    attributes: Json
    channel_type: str
    priority: int | None
    timeout: int


class OpenSubflow(Struct, frozen=True):
    """Find a subflow and answer with SubflowOpened or SubflowRefused. `revision` as the widget names it."""

    flow_sid: str
    revision: str
    parameters: Json


class StartConversation(Struct, frozen=True):
    """Make a conversation that feeds this execution, and answer with Joined or NotJoined. Durations in ISO 8601."""

    chat_service_sid: str
    messaging_service_sid: str
    friendly_name: str
    attributes: str
    timers_inactive: str
    timers_closed: str
    participants: list[dict[str, str]]


class ResumeConversation(Struct, frozen=True):
    """Have a conversation feed this execution, and answer with Joined or NotJoined."""

    chat_service_sid: str
    conversation_sid: str
    attributes: str


class SetTimer(Struct, frozen=True):
    """Answer with TimedOut for this step after so many seconds."""

    step_sid: str
    seconds: int


class CancelTimer(Struct, frozen=True):
    """The wait of this step is over."""

    step_sid: str


class RecordStep(Struct, frozen=True):
    """Write the step of a widget that was left, with the context as it then is.

    `exit` is the place of the transition taken among the widget's own, -1 for an event that it does not list.
    """

    sid: str
    name: str
    transitioned_from: str
    transitioned_to: str
    type: str
    context: Json
    log: tuple[LogEntry, ...]
    position: int
    parent_step_sid: str | None = None
    exit: int = -1


class End(Struct, frozen=True):
    """The execution is over."""

    reason: str


Command = SendMessage | SendToFlex | CallHttp | OpenSubflow | StartConversation | ResumeConversation
Effect = RecordStep | SetTimer | CancelTimer | End


class Turn(Struct, frozen=True):
    """What one event led to: effects in order, then at most one command whose answer is the next event.

    `paused` asks for Continued as the next event: a long chain of widgets is cut into turns.
    """

    state: ExecutionState
    effects: tuple[Effect, ...]
    command: Command | None
    paused: bool = False
