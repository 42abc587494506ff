"""The widget types a definition may use: their properties, events and failure exits (studio.md §2).

A type is `runs` when this installation executes it, `voice` when it needs a call, `dead` when its product
no longer exists. Whatever does not run is kept verbatim and takes its failure exit when it is reached
(studio.md §2.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["string", "number", "boolean", "pairs", "array", "object"]
Support = Literal["runs", "voice", "dead"]

FAILURE_EVENTS: Final = ("failed", "failedToEnqueue", "fail", "callFailure", "failure", "deliveryFailure")
"""Events that count as the failure exit of a widget, in the order in which they are looked for."""

CONDITION_TYPES: Final = (
    "equal_to", "not_equal_to", "matches_any_of", "does_not_match_any_of", "contains", "does_not_contain",
    "starts_with", "does_not_start_with", "is_blank", "is_not_blank", "regex", "less_than", "greater_than",
    "is_before_time", "is_after_time", "is_before_date", "is_after_date",
)  # fmt: skip

REVISION_NAMES: Final = ("LatestPublished", "LatestDraft", "LatestRevision")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a widget: its JSON type, whether it must be there, and its allowed values."""

    kind: Kind = "string"
    required: bool = False
    values: tuple[str, ...] = ()
    literal_sid: str = ""


@dataclass(frozen=True, slots=True)
class WidgetType:
    """What the contract says about one widget type."""

    name: str
    support: Support
    events: tuple[str, ...] | None
    properties: Mapping[str, Property] = field(default_factory=dict)


TEXT: Final = Property()
NUMBER: Final = Property("number")
FLAG: Final = Property("boolean")
PAIRS: Final = Property("pairs")


def _texts(names: str) -> dict[str, Property]:
    return dict.fromkeys(names.split(), TEXT)


def _numbers(names: str) -> dict[str, Property]:
    return dict.fromkeys(names.split(), NUMBER)


def _required(name: str, *values: str) -> dict[str, Property]:
    return {name: Property(required=True, values=values)}


_MESSAGE: Final = {
    **_texts("body service channel attributes media_url content_sid"),
    **_required("from"),
    "message_type": Property(values=("custom", "content_template")),
    "content_variables": PAIRS,
    "shorten_urls": FLAG,
}

_HTTP: Final = {
    "method": Property(required=True, values=("GET", "POST")),
    "url": Property(required=True),
    **_texts("content_type body"),
    "parameters": PAIRS,
    "add_twilio_auth": FLAG,
}

_FUNCTION: Final = {
    "url": Property(required=True),
    **_texts("service_sid environment_sid function_sid"),
    "parameters": PAIRS,
}

_SUBFLOW: Final = {
    "flow_sid": Property(required=True, literal_sid="FW"),
    **_required("flow_revision"),
    "parameters": PAIRS,
}

_FLEX: Final = {
    **_required("workflow"),
    **_required("channel"),
    **_texts("attributes waitUrl waitUrlMethod"),
    **_numbers("priority timeout"),
}

_OUTGOING_CALL_2: Final = {
    **_required("from"),
    **_required("to"),
    "record": FLAG,
    **_numbers("timeout"),
    **_texts("recording_channels recording_status_callback trim machine_detection send_digits"),
    **_texts("sip_auth_username sip_auth_password"),
}

_TYPES: Final = (
    WidgetType(
        "trigger",
        "runs",
        (
            "incomingMessage",
            "incomingCall",
            "incomingConversationMessage",
            "incomingRequest",
            "incomingParent",
        ),
    ),
    WidgetType("send-message", "runs", ("sent", "failed"), {**_MESSAGE, **_texts("to")}),
    WidgetType(
        "send-and-wait-for-reply",
        "runs",
        ("incomingMessage", "timeout", "deliveryFailure"),
        {**_MESSAGE, **_texts("save_response_as to"), **_numbers("timeout")},
    ),
    WidgetType("split-based-on", "runs", ("noMatch", "match"), _required("input")),
    WidgetType("set-variables", "runs", ("next",), {"variables": PAIRS}),
    WidgetType("make-http-request", "runs", ("success", "failed"), _HTTP),
    WidgetType("run-function", "runs", ("success", "fail"), _FUNCTION),
    WidgetType("run-function-v2", "runs", ("success", "fail"), {**_FUNCTION, "url": TEXT}),
    WidgetType("run-subflow", "runs", ("completed", "failed"), _SUBFLOW),
    WidgetType("send-to-flex", "runs", ("callComplete", "failedToEnqueue", "callFailure", "composerStarted"), _FLEX),
    WidgetType(
        "start-conversation",
        "runs",
        ("created", "failed"),
        {
            **_texts("conversation_service_sid timers_inactive timers_closed friendly_name attributes"),
            **_texts("messaging_service_sid"),
            "participants": Property("array"),
            "close_conversation_on_execution_end": FLAG,
        },
    ),
    WidgetType(
        "resume-conversation",
        "runs",
        ("resumed", "failed"),
        {
            **_required("conversation_service_sid"),
            **_texts("conversation_sid attributes"),
            "close_conversation_on_execution_end": FLAG,
        },
    ),
    WidgetType(
        "add-twiml-redirect",
        "runs",
        ("return", "timeout", "fail"),
        {**_required("url"), **_texts("method"), **_numbers("timeout")},
    ),
    WidgetType(
        "say-play",
        "voice",
        ("audioComplete",),
        {**_texts("say play voice language digits"), **_numbers("loop")},
    ),
    WidgetType(
        "gather-input-on-call",
        "voice",
        ("keypress", "speech", "timeout"),
        {
            **_texts("say play voice language hints finish_on_key speech_model gather_language"),
            **_texts("profanity_filter"),
            **_numbers("loop number_of_digits timeout speech_timeout"),
            "stop_gather": FLAG,
        },
    ),
    WidgetType(
        "connect-call-to",
        "voice",
        ("callCompleted", "hangup"),
        {
            "noun": Property(required=True, values=("number", "number-multi", "client", "sip", "sim", "conference")),
            **_texts("to caller_id sip_endpoint sip_username sip_password"),
            "record": FLAG,
            **_numbers("timeout time_limit"),
        },
    ),
    WidgetType(
        "make-outgoing-call-v1",
        "voice",
        ("answered", "busy", "noAnswer", "failed", "answeredByMachine", "hangup"),
        {**_required("from"), **_required("to"), "record": FLAG, **_numbers("timeout")},
    ),
    WidgetType("make-outgoing-call-v2", "voice", ("answered", "busy", "noAnswer", "failed"), _OUTGOING_CALL_2),
    WidgetType(
        "record-voicemail",
        "voice",
        ("recordingComplete", "noAudio", "hangup"),
        {
            **_numbers("timeout max_length"),
            **_texts("finish_on_key trim play_beep transcription_callback_url recording_status_callback_url"),
            "transcribe": FLAG,
        },
    ),
    WidgetType(
        "record-call",
        "voice",
        ("success", "failed"),
        {
            "record_call": Property("boolean", required=True),
            **_texts("trim recording_channels recording_status_callback recording_status_callback_method"),
            **_texts("recording_status_callback_events"),
        },
    ),
    WidgetType(
        "enqueue-call",
        "voice",
        ("callComplete", "failedToEnqueue", "callFailure"),
        {
            **_texts("workflow_sid queue_name task_attributes wait_url wait_url_method"),
            **_numbers("priority timeout"),
        },
    ),
    WidgetType(
        "capture-payments",
        "voice",
        ("success", "maxFailedAttempts", "providerError", "payInterrupted", "hangup", "validationError"),
        {"valid_card_types": Property("array"), "security_code": FLAG, "parameters": PAIRS},
    ),
    WidgetType(
        "fork-stream",
        "voice",
        ("next",),
        {**_required("stream_action"), "stream_parameters": PAIRS},
    ),
    WidgetType("run-conversation-relay", "voice", ("success", "failed"), {"parameters": PAIRS}),
    WidgetType("connect-virtual-agent", "voice", ("return", "hangup"), _required("connector")),
    WidgetType(
        "connect-virtual-agent-v2",
        "voice",
        ("completed", "live-agent-handoff", "hangup", "failed", "paused", "timeout"),
        {
            "channel": Property(values=("voice", "conversations")),
            "parameters": PAIRS,
            "configurations": Property("array"),
        },
    ),
    WidgetType("send-to-auto-pilot", "dead", ("sessionEnded", "failure", "timeout")),
    WidgetType("create-task", "dead", None),
    WidgetType("create-chat-channel", "dead", None),
    WidgetType("add-member-to-chat-channel", "dead", None),
    WidgetType("update-sync-object", "dead", None),
    WidgetType("understand", "dead", None),
)

WIDGET_TYPES: Final[Mapping[str, WidgetType]] = {kind.name: kind for kind in _TYPES}
