"""`parlour trace` and GET /parlour/v1/Trace/{Sid}: one story from any of its SIDs, from snapshots alone."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.kit.errors import ContractError
from parlour.outbox.facts import state
from parlour.store.unit import UnitOfWork
from parlour.trace.render import text, wire
from parlour.trace.sentences import has_sentence
from parlour.trace.story import Story, tell
from tests.carrier import eventually
from tests.conftest import LiveServer
from tests.tools.street import DEMO_NUMBER, Handset, handset
from tests.tools.test_robots import robots

WAY = (
    "carrier message",
    "address",
    "conversation",
    "message",
    "execution",
    "interaction",
    "interaction channel",
    "task",
    "reservation",
    "participant",
    "carrier message out",
    "receipt",
)


def ask_server(server: LiveServer, sid: str, credentials: Credentials | None = None) -> tuple[int, dict[str, Any]]:
    """Ask for a trace; return status and body."""
    known = credentials or server.credentials
    pair = base64.b64encode(f"{known.account_sid}:{known.auth_token}".encode()).decode()
    request = urllib.request.Request(f"{server.url}/parlour/v1/Trace/{sid}", headers={"Authorization": f"Basic {pair}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def trace(server: LiveServer, sid: str) -> dict[str, Any]:
    """Return a trace."""
    status, story = ask_server(server, sid)
    assert status == 200, story
    return story


@pytest.fixture(scope="module")
def path(server: LiveServer) -> Iterator[tuple[Handset, dict[str, Any]]]:
    """A customer who went the whole way, and the trace from the text's own SID."""
    customer = handset(server.url, DEMO_NUMBER)
    twilio = server.client()
    with robots(server, "--robot", "1", "--prefix", "traced"):
        customer.text("Hello")
        customer.received("What is it about")
        customer.text("1")
        customer.received("I got “1”")
        customer.text("bye")
        customer.received("I got “bye”")
        log = twilio.messages.list(from_=customer.number)
        eventually(lambda: all(m["state"] == "delivered" for m in customer.messages()), what="all ticks")
        yield customer, eventually(lambda: _closed(server, log[-1].sid), what="the end of the story")


def _closed(server: LiveServer, sid: str) -> dict[str, Any] | None:
    story = trace(server, sid)
    done = [e for e in story["events"] if e["kind"] == "delivery.updated/1" and "delivered" in e["text"]]
    ended = any(e["kind"] == "task.completed/1" for e in story["events"])
    return story if ended and len(done) >= 5 else None


def test_every_station_of_the_way_is_named_in_order(path: tuple[Handset, dict[str, Any]], server: LiveServer) -> None:
    customer, story = path
    twilio = server.client()
    assert tuple(hop["name"] for hop in story["hops"]) == WAY
    assert story["missing"] is None
    hops = {hop["name"]: hop["sids"] for hop in story["hops"]}
    held = twilio.conversations.v1.participant_conversations.list(address=customer.number)
    assert hops["conversation"] == [row.conversation_sid for row in held]
    addresses = twilio.conversations.v1.address_configurations.list()
    assert hops["address"] == [row.sid for row in addresses if row.address == DEMO_NUMBER]
    inbound = [row.sid for row in twilio.messages.list(from_=customer.number)]
    assert hops["carrier message"] == inbound[::-1]
    outbound = {row.sid for row in twilio.messages.list(to=customer.number)}
    assert set(hops["carrier message out"]) == outbound
    offsets = [event["offset"] for event in story["events"]]
    assert offsets == sorted(offsets)


def test_the_story_is_the_same_from_each_of_its_sids(path: tuple[Handset, dict[str, Any]], server: LiveServer) -> None:
    _, story = path
    for hop in story["hops"]:
        for sid in {hop["sids"][0], hop["sids"][-1]}:
            assert trace(server, sid)["hops"] == story["hops"], f"from the {hop['name']} {sid}"


def test_facts_stand_below_their_causes_and_have_a_sentence(path: tuple[Handset, dict[str, Any]]) -> None:
    _, story = path
    by_sid = {event["sid"]: event for event in story["events"]}
    caused = [event for event in story["events"] if event["cause"] in by_sid]
    assert caused
    assert all(event["depth"] == by_sid[event["cause"]]["depth"] + 1 for event in caused)
    texts = [event["text"] for event in story["events"]]
    assert any("texted" in line and "“Hello”" in line for line in texts)
    assert any("accepted." in line for line in texts)
    lines = text(story)
    assert lines[0].startswith(story["sid"])
    assert any("conversation.added" in line for line in lines)


def test_no_kind_of_fact_of_the_way_is_without_its_own_sentence(path: tuple[Handset, dict[str, Any]]) -> None:
    _, story = path
    assert [event["kind"] for event in story["events"] if not has_sentence(event["kind"])] == []


def test_nothing_is_told_to_strangers_or_of_unknown_sids(
    path: tuple[Handset, dict[str, Any]], server: LiveServer
) -> None:
    _, story = path
    stranger = Credentials(server.credentials.account_sid, "wrong")
    assert ask_server(server, story["hops"][0]["sids"][0], stranger)[0] == 401
    status, error = ask_server(server, "CH" + "0" * 32)
    assert (status, error["code"]) == (404, 20404)


def test_a_conversation_without_an_agent_shows_the_first_missing_station(server: LiveServer, twilio: Client) -> None:
    customer = handset(server.url, DEMO_NUMBER)
    customer.text("Hello")
    customer.received("What is it about")
    sid = twilio.messages.list(from_=customer.number)[0].sid
    story = trace(server, sid)
    assert story["missing"] == "interaction"
    assert any("first that is missing" in line for line in text(story))


async def states(program: Program, account_sid: str, *facts: tuple[str, str, dict[str, Any]]) -> None:
    """State facts: kind, stream, snapshot."""

    async def work(uow: UnitOfWork) -> None:
        for kind, stream, snapshot in facts:
            await state(uow, kind, stream=stream, object_sid=stream, snapshot=snapshot)

    await program.database.step(account_sid, work, request_id="RQ" + "1" * 32)


async def ask(program: Program, account_sid: str, sid: str) -> Story:
    """Tell a story in process."""
    return await program.database.read(account_sid, lambda reader: tell(reader, sid))


async def test_a_story_does_not_run_over_into_another_by_what_both_share(
    program: Program, account: Credentials
) -> None:
    flow = "FW" + "a" * 32
    first, second = "CH" + "1" * 32, "CH" + "2" * 32
    await states(
        program,
        account.account_sid,
        ("story.began/1", first, {"flow_sid": flow}),
        ("story.began/1", second, {"flow_sid": flow}),
    )
    story = await ask(program, account.account_sid, first)
    assert [fact.stream for fact in story.facts] == [first]
    newest = await ask(program, account.account_sid, flow)
    assert [fact.stream for fact in newest.facts] == [second]


async def test_a_sid_in_a_snapshots_text_links_two_streams(program: Program, account: Credentials) -> None:
    conversation, task = "CH" + "3" * 32, "WT" + "3" * 32
    await states(
        program,
        account.account_sid,
        ("story.began/1", conversation, {}),
        ("story.went_on/1", task, {"attributes": json.dumps({"conversationSid": conversation})}),
    )
    story = await ask(program, account.account_sid, task)
    assert {fact.stream for fact in story.facts} == {conversation, task}
    shown = wire(account.account_sid, story, "http://x")
    assert shown["events"][0]["text"] == "Story: began."


async def test_a_request_is_traced_by_its_id(program: Program, account: Credentials) -> None:
    await states(program, account.account_sid, ("story.began/1", "XX" + "4" * 32, {}))
    story = await ask(program, account.account_sid, "RQ" + "1" * 32)
    assert [fact.stream for fact in story.facts] == ["XX" + "4" * 32]


async def test_other_accounts_facts_are_no_part_of_it(program: Program, account: Credentials) -> None:
    await states(program, account.account_sid, ("story.began/1", "CH" + "5" * 32, {}))
    with pytest.raises(ContractError) as refusal:
        await ask(program, "AC" + "f" * 32, "CH" + "5" * 32)
    assert refusal.value.code == 20404
