"""Robots: what customers see of them, and how they share a worker with a person."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from twilio.rest import Client

from parlour.agent import takeover
from parlour.agent.robot import answer_line, answered_number
from parlour.agent.words import NoDesk, Work, choose_activity, identity_of
from tests.carrier import eventually
from tests.conftest import LiveServer
from tests.tools.street import handset
from tests.tools.terminal import at_terminal

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@contextlib.contextmanager
def robots(server: LiveServer, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `parlour agent` with robots until the block ends."""
    known = {"TWILIO_ACCOUNT_SID": server.credentials.account_sid, "TWILIO_AUTH_TOKEN": server.credentials.auth_token}
    command = [sys.executable, "-m", "parlour.cli.main", "agent", *arguments, "--url", server.url, "--poll", "0.2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **known})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def state(twilio: Client, address: str) -> list[str]:
    """Return the states of a customer's conversations."""
    return [row.conversation_state for row in twilio.conversations.v1.participant_conversations.list(address=address)]


def test_a_robot_answers_each_text_once_with_its_number_and_ends_at_bye(server: LiveServer, twilio: Client) -> None:
    customer = handset(server.url)
    with robots(server, "--robot", "1", "--prefix", "answering", "--capacity", "5", "--quiet") as process:
        customer.text("Hello")
        customer.received("#0 answering-1: I got “Hello”.")
        for word in ("one", "two"):
            customer.text(word)
            customer.received(f"answering-1: I got “{word}”.")
        customer.text("Bye")
        eventually(lambda: state(twilio, customer.number) == ["closed"], what="a closed conversation")
        process.send_signal(signal.SIGTERM)
        books = json.loads(process.stdout.read() if process.stdout else "")
        process.wait(20)
    assert process.returncode == 0
    assert books == {"accepted": 1, "answered": 4, "completed": 1}
    answers = [m["body"] for m in customer.messages() if "answering-1" in m["body"]]
    assert len(answers) == len(set(answers)) == 4


def test_a_person_takes_the_worker_over_and_the_robot_goes_on_afterwards(server: LiveServer, twilio: Client) -> None:
    customer = handset(server.url)
    known = {"TWILIO_ACCOUNT_SID": server.credentials.account_sid, "TWILIO_AUTH_TOKEN": server.credentials.auth_token}
    with robots(server, "gina", "--robot", "1"):
        customer.text("Robot?")
        customer.received("gina: I got “Robot?”.")
        with at_terminal("agent", "gina", "--url", server.url, environment=known) as person:
            person.sees(r"Chat 1 with")
            eventually(lambda: "answered_by" in _attributes(twilio, "gina"), what="the mark")
            customer.text("A person now?")
            person.sees(r"A person now\?")
            person.types("Yes, it is me.")
            customer.received("Yes, it is me.")
            person.types("/quit")
            person.sees("Goodbye")
            assert person.leaves() == 0
        customer.text("bye")
        customer.received("gina: I got “bye”.")
        eventually(lambda: state(twilio, customer.number) == ["closed"], what="a closed conversation")
    assert not [m for m in customer.messages() if "I got “A person now?”" in m["body"]]


def test_a_robot_gives_way_to_whoever_is_available(server: LiveServer, twilio: Client) -> None:
    space = twilio.taskrouter.v1.workspaces(twilio.taskrouter.v1.workspaces.list()[0].sid)
    activities = {each.friendly_name: each.sid for each in space.activities.list()}
    person = space.workers.create(friendly_name="paula")
    with robots(server, "hugo", "--robot", "1", "--give-way"):

        def robot_is(activity: str) -> bool:
            return [each.activity_name for each in space.workers.list(friendly_name="hugo")] == [activity]

        eventually(lambda: robot_is("Available"), what="a robot at work")
        space.workers(person.sid).update(activity_sid=activities["Available"])
        eventually(lambda: robot_is("Offline"), what="a robot that gives way")
        customer = handset(server.url)
        customer.text("Is there a person?")
        eventually(
            lambda: space.workers(person.sid).reservations.list(reservation_status="pending"), what="the person's offer"
        )
        space.workers(person.sid).update(activity_sid=activities["Offline"])
        eventually(lambda: robot_is("Available"), what="a robot that goes on")


def _attributes(twilio: Client, name: str) -> str:
    workspace = twilio.taskrouter.v1.workspaces.list()[0]
    return str(workspace.workers.list(friendly_name=name)[0].attributes)


def test_a_mark_counts_until_it_runs_out() -> None:
    marked = takeover.take({"full_name": "Ana"}, "desk-1", NOW)
    assert takeover.taken(marked, NOW + timedelta(seconds=59))
    assert not takeover.taken(marked, NOW + timedelta(seconds=61))
    assert not takeover.taken({}, NOW)
    assert not takeover.taken({takeover.MARK: {"until": "soon"}}, NOW)


def test_a_mark_is_given_back_by_its_own_terminal_only() -> None:
    marked = takeover.take({"full_name": "Ana"}, "desk-1", NOW)
    assert takeover.give_back(marked, "desk-2") == marked
    assert takeover.give_back(marked, "desk-1") == {"full_name": "Ana"}


def test_an_answers_number_is_read_back() -> None:
    assert answered_number(answer_line("robot-1", 17, "Hello", picture=False)) == 17
    assert answered_number(answer_line("robot-1", 3, None, picture=True)) == 3
    assert answered_number("Hello #3") is None
    assert answered_number("#x") is None


def test_a_task_without_an_interaction_is_work_too() -> None:
    work = Work.of("WT1", '{"from": "+1"}', "default")
    assert (work.customer, work.name, work.channel_type, work.conversation_sid) == ("+1", "+1", "default", None)
    assert Work.of("WT1", "no json", "chat").name == "somebody"


def test_an_identity_is_the_contact_uri_without_client() -> None:
    assert identity_of({"contact_uri": "client:ana"}, "Ana") == "ana"
    assert identity_of({}, "Ana") == "Ana"


def test_activities_are_chosen_by_name_then_by_availability() -> None:
    activities = [("WA1", "Lunch", False), ("WA2", "Ready", True)]
    assert choose_activity(activities, "Available", available=True) == "WA2"
    assert choose_activity(activities, "lunch", available=True) == "WA1"
    with pytest.raises(NoDesk, match="Available"):
        choose_activity([], "Available", available=True)
