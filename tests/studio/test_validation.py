"""The check of definitions: the contract's texts and pointers (studio.md §1.2)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from parlour.studio.references import mapped, references
from parlour.studio.validation import check
from tests import shared_flows

VALID: dict[str, Any] = {
    "description": "d",
    "initial_state": "Trigger",
    "flags": {"allow_concurrent_calls": True},
    "states": [
        {
            "name": "Trigger",
            "type": "trigger",
            "transitions": [
                {"event": "incomingConversationMessage", "next": "ask", "name": "stray"},
                {"event": "incomingRequest", "next": ""},
                {"event": "incomingCall", "next": None},
            ],
            "properties": {"offset": {"x": 0, "y": -10}},
        },
        {
            "name": "ask",
            "type": "send-and-wait-for-reply",
            "transitions": [{"event": "incomingMessage", "next": "split"}],
            "properties": {"from": "Bot", "body": "?", "timeout": 3600},
        },
        {
            "name": "split",
            "type": "split-based-on",
            "transitions": [
                {"event": "noMatch"},
                {
                    "event": "match",
                    "next": "sub",
                    "conditions": [{"friendly_name": "f", "arguments": ["a"], "type": "equal_to", "value": "1"}],
                },
            ],
            "properties": {"input": "{{widgets.ask.inbound.Body}}"},
        },
        {
            "name": "sub",
            "type": "run-subflow",
            "transitions": [{"event": "completed"}],
            "properties": {"flow_sid": "FW" + "a" * 32, "flow_revision": "LatestPublished"},
        },
    ],
}

BROKEN: list[tuple[list[Any], Any, str, str]] = [
    (["states"], None, "is missing but it is required", "#/states"),
    (["initial_state"], None, "is missing but it is required", "#/initial_state"),
    (["initial_state"], "Nowhere", '"Nowhere" does not name a state', "#/initial_state"),
    (["states"], [], "must have between 1 and 1000 items but found 0", "#/states"),
    (["flags"], {}, "is missing but it is required", "#/flags/allow_concurrent_calls"),
    (
        ["flags", "allow_concurrent_calls"],
        "yes",
        "string found, boolean expected",
        "#/flags/allow_concurrent_calls",
    ),
    (
        ["$schema"],
        "x",
        "must be a constant value https://schemas.twilio.com/studio/draft/2019-09/flow-definition",
        "#/$schema",
    ),
    (["states", 1, "name"], "Trigger", '"Trigger" is the name of another state', "#/states/1/name"),
    (
        ["states", 1, "name"],
        "1ask",
        "must start with a letter and hold no spaces or periods",
        "#/states/1/name",
    ),
    (["states", 1, "type"], None, "is missing but it is required", "#/states/1/type"),
    (
        ["states", 1, "transitions", 0, "next"],
        "gone",
        '"gone" does not name a state',
        "#/states/1/transitions/0/next",
    ),
    (
        ["states", 1, "transitions", 0, "event"],
        "sent",
        "does not have a value in the enumeration [incomingMessage, timeout, deliveryFailure]",
        "#/states/1/transitions/0/event",
    ),
    (["states", 1, "properties", "body"], 7, "integer found, string expected", "#/states/1/properties/body"),
    (
        ["states", 1, "properties", "body"],
        True,
        "boolean found, string expected",
        "#/states/1/properties/body",
    ),
    (
        ["states", 1, "properties", "from"],
        None,
        "is missing but it is required",
        "#/states/1/properties/from",
    ),
    (
        ["states", 1, "properties", "shorten_urls"],
        "x",
        "string found, boolean expected",
        "#/states/1/properties/shorten_urls",
    ),
    (
        ["states", 2, "properties", "input"],
        None,
        "is missing but it is required",
        "#/states/2/properties/input",
    ),
    (
        ["states", 3, "properties", "flow_sid"],
        "{{flow.variables.sid}}",
        "must be a valid, non-liquid flow sid",
        "#/states/3/properties/flow_sid",
    ),
    (
        ["states", 2, "transitions", 1, "conditions", 0, "value"],
        None,
        "is missing but it is required",
        "#/states/2/transitions/1/conditions/0/value",
    ),
]


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    definition = copy.deepcopy(VALID)
    place: Any = definition
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return definition


def test_a_definition_as_exports_write_it_has_no_errors() -> None:
    report = check(VALID)
    assert (report.errors, report.foreign) == ([], [])


@pytest.mark.parametrize(("path", "value", "message", "pointer"), BROKEN, ids=range(len(BROKEN)))
def test_what_is_wrong_is_named_with_its_place(path: list[Any], value: Any, message: str, pointer: str) -> None:
    found = [(each.message, each.path) for each in check(changed(path, value)).errors]
    assert (message, pointer) in found


def test_an_unknown_condition_type_is_listed() -> None:
    path = ["states", 2, "transitions", 1, "conditions", 0, "type"]
    (finding,) = check(changed(path, "is_weekday")).errors
    assert finding.message.startswith("does not have a value in the enumeration [equal_to, ")


def test_an_unknown_widget_type_refuses_only_a_publication() -> None:
    report = check(changed(["states", 1, "type"], "hang-up"))
    assert report.errors == []
    assert report.foreign[0].path == "#/states/1/type"
    assert report.foreign[0].message.startswith("does not have a value in the enumeration [trigger, ")
    assert "widget ask" in report.foreign[0].message


def test_null_is_named() -> None:
    definition = copy.deepcopy(VALID)
    definition["states"][1]["properties"]["from"] = None
    assert [each.message for each in check(definition).errors] == ["must not be null"]


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_a_definition_is_an_object(value: object) -> None:
    assert check(value).errors[0].path == "#"


def test_start_conversation_needs_the_rest_trigger() -> None:
    definition = copy.deepcopy(VALID)
    definition["states"][1] = {
        "name": "ask",
        "type": "start-conversation",
        "transitions": [{"event": "created", "next": "split"}],
        "properties": {},
    }
    (finding,) = check(definition).errors
    assert finding.message == "start-conversation can only be used in flows triggered by the REST API"
    definition["states"][0]["transitions"][1]["next"] = "ask"
    assert check(definition).errors == []


@pytest.mark.needs_shared
@pytest.mark.parametrize("path", shared_flows.files() or [Path("absent")], ids=lambda path: path.stem[:2])
def test_a_real_export_is_valid(path: Path) -> None:
    definition = shared_flows.load(path.name[:2])
    report = check(definition)
    assert (report.errors, report.foreign) == ([], [])


def test_foreign_sids_and_placeholders_are_listed_and_mapped() -> None:
    workflow = "WW" + "1" * 32
    definition = {
        "states": [
            {"name": "t", "type": "trigger", "transitions": [{"event": "incomingMessage", "next": "a"}]},
            {
                "name": "a",
                "type": "send-to-flex",
                "transitions": [],
                "properties": {
                    "workflow": workflow,
                    "channel": "${CHANNEL}",
                    "attributes": '{"q": "${QUEUE}", "x": "{{flow.sid}}"}',
                },
            },
        ]
    }
    found = [(each.value, each.widget, each.field, each.path, each.whole) for each in references(definition)]
    assert found == [
        (workflow, "a", "workflow", "#/states/1/properties/workflow", True),
        ("${CHANNEL}", "a", "channel", "#/states/1/properties/channel", True),
        ("${QUEUE}", "a", "attributes", "#/states/1/properties/attributes", False),
    ]
    ours: Any = mapped(definition, {workflow: "WW2", "${CHANNEL}": "chat", "${QUEUE}": "q"})
    assert references(ours) == []
    assert ours["states"][1]["properties"]["attributes"] == '{"q": "q", "x": "{{flow.sid}}"}'
