"""`parlour flow test` and `parlour flow run`: flows as software."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from parlour.cli.main import main
from parlour.studio.definition import read
from parlour.studio.rehearsal.stage import Answer
from tests import shared_flows
from tests.studio.building import ask, flow, say, widget
from tests.studio.exploring import untaken, words_of
from tests.studio.mutants import mutants

EXAMPLES = Path(__file__).parents[2] / "docs" / "flows"
NAMES = ["topic-menu", "opening-hours", "survey"]
MUTANTS = 30
NAMED = re.compile(r"first difference at step (\d+), widget ([\w/-]+): ")


def parlour(*arguments: str | Path, said: str | None = None) -> Result:
    return CliRunner().invoke(main, ["flow", *(str(each) for each in arguments)], input=said)


def files(name: str) -> tuple[Path, Path]:
    return EXAMPLES / f"{name}.json", EXAMPLES / f"{name}.tests.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_passes_its_tests_and_every_transition_is_taken(name: str) -> None:
    result = parlour("test", *files(name))
    assert result.exit_code == 0, result.output
    assert "10 of 10 tests passed" in result.output
    widgets = re.search(r"widgets +(\d+) of (\d+)", result.output)
    transitions = re.search(r"transitions +(\d+) of (\d+)", result.output)
    assert widgets is not None
    assert transitions is not None
    assert widgets[1] == widgets[2]
    assert transitions[1] == transitions[2]


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_of_an_example_find_what_is_wrong_in_its_variants(name: str, tmp_path: Path) -> None:
    definition, tests = files(name)
    missed = []
    for number, mutant in enumerate(mutants(json.loads(definition.read_text()), MUTANTS)):
        variant = tmp_path / f"{number}.json"
        variant.write_text(json.dumps(mutant.flow))
        result = parlour("test", variant, tests)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        named = NAMED.search(result.output)
        if result.exit_code != 1 or named is None or int(named[1]) < 1:
            missed.append((mutant.kind, mutant.widget, result.output))
    assert len(missed) <= 1, missed


def test_a_difference_names_the_first_step_that_differs(tmp_path: Path) -> None:
    definition, tests = files("topic-menu")
    raw = json.loads(definition.read_text())
    state = next(each for each in raw["states"] if each["name"] == "returns")
    state["properties"]["variables"][1]["value"] = "no"
    variant = tmp_path / "variant.json"
    variant.write_text(json.dumps(raw))
    result = parlour("test", variant, tests, "--only", "returns are urgent")
    assert result.exit_code == 1
    assert "first difference at step 5, widget returns: the widget's output" in result.output
    assert '- {"topic":"returns","urgent":"yes"}' in result.output
    assert '+ {"topic":"returns","urgent":"no"}' in result.output
    assert "0 of 1 tests passed" in result.output


def written(tmp_path: Path, definition: dict[str, Any], tests: str) -> Result:
    (tmp_path / "flow.json").write_text(json.dumps(definition))
    (tmp_path / "tests.yaml").write_text(tests)
    return parlour("test", tmp_path / "flow.json", tmp_path / "tests.yaml")


TALK = flow(ask("a", "Well?", "b"), say("b", "You said {{widgets.a.inbound.Body}}"), on="incomingConversationMessage")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("- bot: Well?\n      - customer: yes\n      - bot: You said yes", None),
        ("- bot: Well?\n      - customer: 007\n      - bot: You said 007", None),
        ("- bot: Well?\n      - customer: 1.10\n      - bot: You said 1.10", None),
        ("- bot: Well!", "widget a: the message"),
        ("- customer: yes", None),
        ("- bot: {body: Well?!, from: Somebody}", "the message's author"),
        ("- bot: {body: \"Well?\", waits: 61}", "the seconds of the wait"),
        ("- bot: Well?\n      - bot: Well?", "the flow said nothing more"),
        ("- bot: Well?\n      - customer: x", "the flow is to say nothing here"),
        ("- bot: Well?\n      - wait: 60\n      - customer: x", "after the flow ended"),
        ("- bot: Well?\n      - undelivered: 1\n      - undelivered: 1", "no message whose reply is awaited"),
    ],
)  # fmt: skip
def test_a_script_is_held_against_what_the_flow_says(tmp_path: Path, script: str, words: str | None) -> None:
    script = script.replace("{body: Well?!, from", '{body: "Well?", from')
    result = written(tmp_path, TALK, f"tests:\n  - name: t\n    script:\n      {script}\n")
    assert result.exit_code == (0 if words is None else 1), result.output
    assert words is None or words in result.output


SHOWS = flow(
    say(
        "t",
        "",
        "f",
        message_type="content_template",
        content_sid="HX" + "1" * 32,
        content_variables=[{"key": "{{1}}", "value": "{{trigger.conversation.Body}}"}],
    ),
    say("f", "", "b", media_url="https://a.example/{{trigger.conversation.Body}}.png"),
    say("b", "", "c"),
    say("c", "", message_type="content_template", content_sid="{{nothing}}"),
    on="incomingConversationMessage",
)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", None),
        (
            f"- bot: {{content: HX{'1' * 32}, variables: {{1: hi}}}}\n      - bot: {{media: 'https://a.example/hi.png'}}",
            None,
        ),
        (f"- bot: {{content: HX{'2' * 32}}}\n      - bot: {{body: ''}}", "widget t: the content template"),
        ("- bot: {variables: {1: ho}}\n      - bot: {body: ''}", "widget t: the content template's values"),
        ("- bot: {media: 'https://a.example/hi.png'}\n      - bot: {body: ''}", "widget t: the message's file"),
        ("- bot: {body: ''}", "[file https://a.example/hi.png]"),
    ],
)
def test_content_templates_and_files_are_held_against_the_script(tmp_path: Path, lines: str, words: str | None) -> None:
    """What a server would refuse, an empty message and a template without a SID, is refused on the stage too."""
    path = "[Trigger incomingConversationMessage, t sent, f sent, b failed, c failed]"
    script = f"script:\n      {lines}" if lines else "script: []"
    result = written(tmp_path, SHOWS, f"tests:\n  - name: t\n    {script}\n    expect:\n      path: {path}\n")
    assert result.exit_code == (0 if words is None else 1), result.output
    assert words is None or words in result.output


def test_a_flow_that_is_run_shows_templates_and_files(tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(json.dumps(SHOWS))
    shown = parlour("run", tmp_path / "flow.json").output
    assert f'Bot: [content HX{"1" * 32} {{"1":"hi"}}]' in shown
    assert "Bot: [file https://a.example/hi.png]" in shown


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("tests: [", "is not YAML"),
        ("tests: []", "it has no test"),
        ("tests:\n  - name: t\n    scripts: []", "scripts"),
        ("tests:\n  - name: t\n    script: [{bot: a, customer: b}]", "turn 1 must have one of"),
        ("tests:\n  - name: t\n    script: [{}]", "turn 1 must have one of"),
        ("tests:\n  - name: t\n    script: [{wait: soon}]", "wait"),
        ("tests:\n  - name: t\n    trigger: call", "trigger is one of conversation, message, request"),
        ("tests:\n  - name: t\n    at: 2026-01-05T09:00:00", "time zone"),
        ("tests:\n  - name: t\n    name: u", "line 3: name is given twice"),
        ("tests:\n  - name: t\n    expect: {state: over}", "state is ended or waiting"),
    ],
)
def test_a_test_file_that_means_nothing_is_refused_with_its_place(tmp_path: Path, tests: str, words: str) -> None:
    result = written(tmp_path, TALK, tests)
    assert result.exit_code == 2
    assert words in result.output


def test_a_definition_that_is_not_valid_is_listed(tmp_path: Path) -> None:
    result = written(tmp_path, {**TALK, "initial_state": "gone"}, "tests:\n  - name: t\n")
    assert result.exit_code == 2
    assert '#/initial_state: "gone" does not name a state' in result.output


def test_a_request_that_no_answer_is_given_for_is_named(tmp_path: Path) -> None:
    state = widget(
        "call", "make-http-request", {"success": None, "failed": None}, method="GET", url="https://a.example/"
    )
    result = written(
        tmp_path, flow(state, on="incomingConversationMessage"), "tests:\n  - name: t\n    expect: {state: ended}\n"
    )
    assert result.exit_code == 1
    assert "GET https://a.example/: the test has no answer for this widget" in result.output


def test_a_subflow_comes_from_a_file(tmp_path: Path) -> None:
    inner = "FW" + "1" * 32
    (tmp_path / "inner.json").write_text(json.dumps(flow(ask("q", "Inside?"), on="incomingParent")))
    outer = flow(
        widget(
            "sub",
            "run-subflow",
            {"completed": "b", "failed": None},
            flow_sid=inner,
            flow_revision="LatestPublished",
            parameters=[],
        ),
        say("b", "Back"),
        on="incomingConversationMessage",
    )
    tests = f"""
subflows: {{{inner}: inner.json}}
tests:
  - name: t
    script:
      - bot: Inside?
      - customer: here
      - bot: Back
    expect:
      path:
        - Trigger incomingConversationMessage
        - sub/Trigger incomingParent
        - sub/q incomingMessage
        - sub completed
        - b sent
"""
    result = written(tmp_path, outer, tests)
    assert result.exit_code == 0, result.output


def test_one_can_talk_to_a_flow_in_the_terminal() -> None:
    result = parlour("run", EXAMPLES / "topic-menu.json", said="/help\nwhat\n2\n")
    assert result.exit_code == 0, result.output
    for line in (
        "Parlour: What is it about? 1 Orders, 2 Returns, 3 Something else",
        "-- 4. read_topic noMatch → enough",
        "Parlour: Thank you. Somebody who knows about returns will be with you.",
        "-- 11. agents callComplete → Ended",
    ):
        assert line in result.output
    assert "/wait SECONDS lets time pass" in result.output


def test_in_the_terminal_time_passes_and_hosts_answer_as_told() -> None:
    told = "--answer", 'hours={"open": false, "next": "ten"}'
    result = parlour("run", EXAMPLES / "opening-hours.json", *told, said="/wait 599\n/context\n/wait 1\n")
    assert result.exit_code == 0, result.output
    assert "Parlour: We are there again at ten. Leave a message?" in result.output
    assert "closed timeout → goodbye" in result.output
    assert '"next": "ten"' in result.output
    assert parlour("run", EXAMPLES / "opening-hours.json", "--answer", "hours").exit_code == 2


WAYS = {
    "01": ["message", "conversation"],
    "02": ["message", "conversation"],
    "03": ["conversation"],
    "04": ["message", "conversation"],
    "13": ["message"],
    "14": ["request"],
    "15": ["message"],
    "17": ["conversation"],
    "18": ["conversation"],
    "38": ["conversation"],
}


@pytest.mark.needs_shared
@pytest.mark.parametrize(("number", "way"), [(number, way) for number, ways in WAYS.items() for way in ways])
def test_customers_take_every_transition_of_a_real_flow_that_they_can_reach(number: str, way: str) -> None:
    raw = shared_flows.load(number)
    for state in raw["states"]:
        if state["properties"].get("url") == "":
            state["properties"]["url"] = "https://functions.example.org/"
    definition = read(raw)
    words = words_of(definition)
    told = [Answer(json={"fulfillmentText": each, "isOpen": "true", "closedReason": each}) for each in words]
    calls = [each.name for each in definition.widgets.values() if each.type in ("run-function", "make-http-request")]
    left, total, stages = untaken(
        definition,
        way,
        answers={name: [*told, Answer(status=500), Answer(error="away")] for name in calls},
        parameters=[{"event_type": each} for each in words],
    )
    assert left == set()
    assert total >= 1
    assert all(stage.ended for stage in stages)
