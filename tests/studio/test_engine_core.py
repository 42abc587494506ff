"""The engine without a database: real flows, random flows, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parlour.studio.engine import MAX_STEPS
from parlour.studio.execution import Replied, Stopped, TimedOut
from tests import shared_flows
from tests.requirements import requirement
from tests.studio.dry_run import CUSTOMER, DryRun
from tests.studio.random_flows import EVERY_EXIT, SUBFLOW, Script, scripts
from tests.studio.random_flows import script as made


def flow(*states: dict[str, Any], first: str | None = None) -> dict[str, Any]:
    trigger = {
        "name": "Trigger",
        "type": "trigger",
        "transitions": [{"event": "incomingConversationMessage", "next": first or states[0]["name"]}],
        "properties": {},
    }
    return {"states": [trigger, *states], "initial_state": "Trigger", "description": ""}


def widget(name: str, kind: str, exits: dict[str, str | None], **properties: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "transitions": [{"event": event, "next": target} for event, target in exits.items()],
        "properties": properties,
    }


def at(context: object, *names: str) -> Any:
    """Return what a context has at a path."""
    for name in names:
        assert isinstance(context, dict)
        context = context[name]
    return context


@pytest.mark.needs_shared
def test_flow_04_asks_for_a_queue_and_sends_the_chosen_one_to_flex() -> None:
    run = DryRun(shared_flows.load("04", WORKFLOW_SID_ASSIGN_TO_ANYONE="WW1", CHAT_CHANNEL_SID="chat")).start()
    assert run.texts == ["To better assist you please say 1 for Sales and 2 for Support"]
    assert run.timers[-1].seconds == 3600
    run.reply(" 2 ")
    assert run.path == [
        ("Trigger", "incomingConversationMessage", "identify_queue"),
        ("identify_queue", "incomingMessage", "check_response"),
        ("check_response", "match", "set_queue_support"),
        ("set_queue_support", "next", "SendConversationToAgent"),
        ("SendConversationToAgent", "callComplete", "Ended"),
    ]
    task = run.tasks[0]
    assert task.attributes["ivr_queue"] == "template_example_support"
    assert task.attributes["customerAddress"] == CUSTOMER
    assert task.attributes["channelType"] == "sms"
    assert (task.workflow_sid, task.task_channel) == ("WW1", "chat")
    assert run.state.ended


@pytest.mark.needs_shared
def test_flow_38_loops_three_times_until_the_customer_chooses_nothing() -> None:
    run = DryRun(shared_flows.load("38")).start()
    hello = "Hello! In order for us to assist you today, please answer a few questions."
    assert run.texts[0] == hello
    assert run.sent[1].attributes.startswith('{"selections": ["Hours"')
    assert run.sent[1].author == "Cloud City Healthcare"
    run.reply("hours").reply("existing").reply("Ada").reply("Lovelace").reply("1815-12-10")
    assert run.tasks[0].attributes["name"] == "Ada Lovelace"
    assert run.tasks[0].attributes["dob"] == "1815-12-10"
    assert at(run.state.context, "flow", "variables", "count") == "0"


@pytest.mark.needs_shared
def test_flow_38_goes_on_to_an_agent_when_the_customer_is_silent() -> None:
    run = DryRun(shared_flows.load("38")).start().time_out()
    assert run.texts[-1].startswith("Thank you! Please hold on")
    assert run.tasks


def compare(script: Script) -> None:
    """Run a random flow, and hold it against what the naive interpreter says of it."""
    run = DryRun(script.definition, answers=script.answers, subflows={SUBFLOW: script.subflow}).start()
    for reply in script.replies:
        if reply is None:
            run.time_out()
        else:
            run.reply(reply)
    assert run.path == script.expected.steps
    assert run.texts == script.expected.texts
    assert run.requests == script.expected.requests
    tasks = [{"topic": task.attributes["topic"]} for task in run.tasks]
    assert tasks[-1:] == ([script.expected.task_attributes] if script.expected.task_attributes else [])
    assert run.state.ended


@pytest.mark.parametrize("script", scripts(200), ids=lambda script: f"seed-{script.seed}")
def test_a_random_flow_does_what_a_naive_reading_of_it_says(script: Script) -> None:
    compare(script)


@pytest.mark.prove
@pytest.mark.parametrize("first", range(1, 5001, 500))
def test_five_thousand_random_flows_do_what_a_naive_reading_of_them_says(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("seeds", f"{first} to {first + 499}")
    for seed in range(first, first + 500):
        compare(made(seed))


def test_random_flows_take_every_exit() -> None:
    assert set().union(*(each.expected.exits for each in scripts(40))) >= EVERY_EXIT


def test_a_trigger_whose_exit_is_unwired_ends_at_once_with_a_hint() -> None:
    definition = flow(widget("a", "set-variables", {"next": None}))
    run = DryRun(definition, trigger="incomingMessage").start()
    assert run.path == [("Trigger", "incomingMessage", "Ended")]
    assert run.log == [(0, "Trigger")]


def test_send_to_flex_from_incoming_message_fails_with_a_sentence_and_goes_on() -> None:
    states = [
        widget(
            "flex",
            "send-to-flex",
            {"callComplete": None, "failedToEnqueue": "say"},
            workflow="WW1",
            channel="chat",
        ),
        widget("say", "send-message", {"sent": None, "failed": None}, **{"from": "Bot", "body": "sorry"}),
    ]
    definition = flow(*states)
    definition["states"][0]["transitions"] = [{"event": "incomingMessage", "next": "flex"}]
    run = DryRun(definition, trigger="incomingMessage", conversation_sid=None).start()
    assert run.path[1] == ("flex", "failedToEnqueue", "say")
    assert run.steps[1].log[0].code == 81020
    assert "incomingMessage" in run.steps[1].log[0].message
    assert run.texts == ["sorry"]


@pytest.mark.parametrize("attributes", ['{"a": "{{trigger.conversation.Body}}', "[1]", '"x"'])
def test_attributes_that_are_no_object_fail_with_81015(attributes: str) -> None:
    definition = flow(
        widget(
            "flex",
            "send-to-flex",
            {"failedToEnqueue": None},
            workflow="WW1",
            channel="c",
            attributes=attributes,
        )
    )
    run = DryRun(definition).start()
    assert run.path[1] == ("flex", "failedToEnqueue", "Ended")
    assert run.log == [(81015, "flex")]


def test_explicit_attributes_win_over_those_the_widget_adds() -> None:
    definition = flow(
        widget(
            "f",
            "send-to-flex",
            {},
            workflow="WW1",
            channel="c",
            attributes='{"from": "Ada", "priority": 2}',
            priority="{{ 3 }}",
        )
    )
    task = DryRun(definition).start().tasks[0]
    assert task.attributes["from"] == "Ada"
    assert task.attributes["name"] == CUSTOMER
    assert task.priority == 3
    assert task.timeout == 3600


def test_one_widget_runs_at_most_ten_times_in_a_row() -> None:
    definition = flow(widget("a", "set-variables", {"next": "a"}))
    run = DryRun(definition).start()
    assert len(run.steps) == 1 + 10
    assert run.log == [(81001, "a")]
    assert run.steps[-1].transitioned_to == "Ended"


def test_an_execution_takes_at_most_a_thousand_steps() -> None:
    definition = flow(widget("a", "set-variables", {"next": "b"}), widget("b", "set-variables", {"next": "a"}))
    run = DryRun(definition).start()
    assert len(run.steps) == MAX_STEPS
    assert run.log == [(81000, run.steps[-1].transitioned_from)]


@requirement("S46")
def test_a_widget_that_needs_a_call_takes_its_failure_exit_or_ends() -> None:
    run = DryRun(flow(widget("say", "say-play", {"audioComplete": None}, say="hello"))).start()
    assert run.path[1] == ("say", "failed", "Ended")
    assert run.log == [(81020, "say")]
    definition = flow(
        widget("call", "make-outgoing-call-v2", {"answered": None, "failed": "t"}),
        widget("t", "set-variables", {"next": None}),
    )
    assert DryRun(definition).start().path[1] == ("call", "failed", "t")


def test_a_widget_type_of_a_later_version_is_reached_and_fails_clearly() -> None:
    definition = flow(
        widget("x", "teleport", {"done": None, "failed": "t"}), widget("t", "set-variables", {"next": None})
    )
    run = DryRun(definition).start()
    assert run.path[1] == ("x", "failed", "t")
    assert "not supported by this installation" in run.steps[1].log[0].message


WAIT = {"from": "Bot", "body": "?", "timeout": "5"}


def test_a_reply_cancels_the_timer_and_a_late_timer_changes_nothing() -> None:
    definition = flow(
        widget("a", "send-and-wait-for-reply", {"incomingMessage": "b", "timeout": None}, **WAIT),
        widget("b", "send-and-wait-for-reply", {"incomingMessage": None, "timeout": None}, **WAIT),
    )
    run = DryRun(definition).start()
    late = run.timers[0].step_sid
    run.reply("x")
    run.feed(TimedOut(late))
    assert run.state.widget == "b"
    assert not run.state.ended
    assert at(run.state.context, "widgets", "a", "inbound", "Body") == "x"


def test_a_stopped_execution_takes_no_more_events() -> None:
    definition = flow(widget("a", "send-and-wait-for-reply", {"incomingMessage": None}, **WAIT))
    run = DryRun(definition).start()
    run.feed(Stopped("the conversation was closed"))
    run.feed(Replied({"Body": "x"}))
    assert run.state.ended == "the conversation was closed"
    assert len(run.steps) == 1


def test_the_snapshot_of_a_step_does_not_change_afterwards() -> None:
    definition = flow(
        widget("a", "set-variables", {"next": "b"}, variables=[{"key": "k", "value": "1"}]),
        widget(
            "b",
            "set-variables",
            {"next": None},
            variables=[{"key": "k", "value": "{{flow.variables.k | plus: 1}}"}],
        ),
    )
    run = DryRun(definition).start()
    values = [at(step.context, "flow", "variables").get("k") for step in run.steps]
    assert values == [None, "1", "2"]


def test_variables_of_type_json_object_keep_the_object() -> None:
    variables = [
        {"key": "all", "value": "{{trigger.conversation}}", "type": "json_object"},
        {"key": "made", "value": '{"n": {{ 1 | plus: 1 }}}', "type": "json_object"},
        {"key": "bad", "value": "{oops", "type": "json_object"},
        {"key": "read", "value": "{{flow.variables.made.n}}"},
    ]
    run = DryRun(flow(widget("a", "set-variables", {"next": None}, variables=variables))).start()
    found = at(run.state.context, "flow", "variables")
    assert found["all"]["Body"] == "hi"
    assert found["made"] == {"n": 2}
    assert found["bad"] == "{oops"
    assert found["read"] == "2"
    assert run.log == [(81027, "a")]


def test_a_template_that_fails_is_empty_and_logged_as_81018() -> None:
    definition = flow(
        widget("a", "send-message", {"sent": None}, **{"from": "Bot", "body": "Hi {{ x | nosuchfilter }}"})
    )
    run = DryRun(definition).start()
    assert run.texts == [""]
    assert run.log == [(81018, "a")]
