"""The unmodified SDK, 3.0.1 and 2.5.0, against running servers (realtime-protocol.md §16)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.realtime.driver import Driver, Refused
from tests.realtime.world import Line, World

LOOKS, BETWEEN = 50, 0.1  # until what a client shows is what a fresh one shows; seconds


@dataclass
class Pair:
    """Two clients in one conversation; the second one's server is another."""

    driver: Driver
    world: World
    ana: str
    ben: str
    sid: str

    async def call(self, action: str, name: str, **arguments: Any) -> Any:
        """Have one of them do something in their conversation."""
        return await self.driver.call(action, name, sid=self.sid, **arguments)

    async def until(self, name: str, event: str, **wanted: Any) -> Any:
        """Wait until one of them hears of something."""
        return await self.driver.call("until", name, event=event, wanted=wanted)


@pytest.fixture
async def pair(driver: Driver, world: World, line: Line, far_line: Line, names: tuple[str, str]) -> AsyncIterator[Pair]:
    """Ana, who made the conversation and joined it, and Ben, whom she added."""
    ana, ben = names
    for name, way in ((ana, line), (ben, far_line)):
        assert await driver.call("connect", name, token=world.token(name), uri=way.uri) == "connected"
    sid = await driver.call("create", ana, options={"friendlyName": "Greeting", "attributes": {"colour": "red"}})
    await driver.call("join", ana, sid=sid)
    await driver.call("add", ana, sid=sid, identity=ben)
    await driver.call("until", ben, event="conversationJoined", wanted={"sid": sid})
    yield Pair(driver, world, ana, ben, sid)
    for name in names:
        await driver.call("shutdown", name)


async def test_conversations_are_listed_and_a_message_goes_both_ways(pair: Pair) -> None:
    assert await pair.call("send", pair.ana, body="hello") == 0
    heard = await pair.until(pair.ben, "messageAdded", index=0)
    assert (heard["body"], heard["author"], heard["conversation"]) == ("hello", pair.ana, pair.sid)
    assert await pair.call("send", pair.ben, body="good day") == 1
    assert (await pair.until(pair.ana, "messageAdded", index=1))["author"] == pair.ben
    [listed] = await pair.driver.call("snapshot", pair.ben)
    assert (listed["name"], listed["attributes"], listed["state"]) == ("Greeting", {"colour": "red"}, "active")
    assert [each["body"] for each in listed["messages"]] == ["hello", "good day"]
    assert {each["identity"] for each in listed["participants"]} == {pair.ana, pair.ben}


async def test_a_message_posted_by_rest_arrives(pair: Pair) -> None:
    posted = await pair.world.rest(
        lambda api: api.conversations(pair.sid).messages.create(body="from outside", author="system")
    )
    heard = await pair.until(pair.ben, "messageAdded", sid=posted.sid)
    assert (heard["body"], heard["author"], heard["index"]) == ("from outside", "system", 0)


async def test_a_message_sent_by_the_sdk_is_read_by_rest(pair: Pair) -> None:
    await pair.call("send", pair.ana, body="for the record")
    [stored] = await pair.world.rest(lambda api: api.conversations(pair.sid).messages.list())
    participants = await pair.world.rest(lambda api: api.conversations(pair.sid).participants.list())
    assert (stored.body, stored.author) == ("for the record", pair.ana)
    assert stored.participant_sid in {each.sid for each in participants if each.identity == pair.ana}


async def test_typing_is_seen_by_the_other_and_not_by_the_typist(pair: Pair) -> None:
    await pair.call("typing", pair.ana)
    assert (await pair.until(pair.ben, "typingStarted"))["identity"] == pair.ana
    await pair.call("send", pair.ana, body="typed")
    assert (await pair.until(pair.ben, "typingEnded"))["identity"] == pair.ana
    assert await pair.driver.call("events", pair.ana, event="typingStarted") == []


async def test_the_read_horizon_moves_for_both_and_counts_what_is_unread(pair: Pair) -> None:
    for body in ("one", "two", "three"):
        await pair.call("send", pair.ana, body=body)
    await pair.until(pair.ben, "messageAdded", index=2)
    assert await pair.call("read", pair.ben, index=1) == 1
    seen = await pair.until(pair.ana, "participantUpdated", identity=pair.ben, read=1)
    assert "lastReadMessageIndex" in seen["reasons"]
    [listed] = await pair.driver.call("snapshot", pair.ben)
    assert (listed["read"], listed["unread"]) == (1, 1)


async def test_a_picture_goes_both_ways(pair: Pair) -> None:
    assert await pair.call("sendPicture", pair.ana, filename="a.png") == 0
    heard = await pair.until(pair.ben, "messageAdded", index=0)
    assert [each[1:] for each in heard["media"]] == [["image/png", "a.png", 70]]
    assert await pair.call("fetchPicture", pair.ben, index=0) == {"same": True, "type": "image/png"}
    assert await pair.call("sendPicture", pair.ben, filename="b.png") == 1
    await pair.until(pair.ana, "messageAdded", index=1)
    assert (await pair.call("fetchPicture", pair.ana, index=1))["same"] is True


async def test_edits_and_removals_are_heard(pair: Pair) -> None:
    for body in ("first", "second"):
        await pair.call("send", pair.ana, body=body)
    await pair.until(pair.ben, "messageAdded", index=1)
    await pair.call("edit", pair.ana, index=0, body="changed")
    assert (await pair.until(pair.ben, "messageUpdated", index=0))["reasons"].count("body") == 1
    await pair.call("remove", pair.ana, index=1)
    assert (await pair.until(pair.ben, "messageRemoved", index=1))["index"] == 1
    [listed] = await pair.driver.call("snapshot", pair.ben)
    assert ([each["body"] for each in listed["messages"]], listed["last"]) == (["changed"], 0)


async def test_a_new_name_is_heard(pair: Pair) -> None:
    await pair.call("rename", pair.ana, to="Farewell")
    heard = await pair.until(pair.ben, "conversationUpdated", reasons=["friendlyName", "dateUpdated"])
    assert heard["sid"] == pair.sid
    [listed] = await pair.driver.call("snapshot", pair.ben)
    assert listed["name"] == "Farewell"


async def test_what_a_role_does_not_allow_is_refused(pair: Pair) -> None:
    with pytest.raises(Refused) as refused:
        await pair.call("rename", pair.ben, to="Mine")
    assert refused.value.error["body"]["code"] == 50107
    assert refused.value.error["body"]["status"] == 403


async def test_a_removed_participant_hears_of_it_and_of_nothing_after(pair: Pair) -> None:
    await pair.call("removeParticipant", pair.ana, identity=pair.ben)
    await pair.until(pair.ben, "conversationLeft", sid=pair.sid)
    await pair.call("send", pair.ana, body="in private")
    await pair.until(pair.ana, "messageAdded", index=0)
    await pair.call("add", pair.ana, identity=pair.ben)
    await pair.until(pair.ben, "conversationJoined", sid=pair.sid)
    assert await pair.driver.call("events", pair.ben, event="messageAdded") == []


async def test_users_show_their_names_to_each_other(pair: Pair) -> None:
    await pair.driver.call("nameMyself", pair.ana, to="Ana of Accounts")
    shown = await pair.driver.call("user", pair.ben, identity=pair.ana)
    assert shown == {"friendlyName": "Ana of Accounts", "attributes": {}}


async def same_as_fresh(pair: Pair, way: Line) -> None:
    """Assert that Ben's client shows what one shows that was just loaded."""
    fresh = f"{pair.ben}:fresh"
    await pair.driver.call("connect", fresh, token=pair.world.token(pair.ben), uri=way.uri)
    try:
        loaded = await pair.driver.call("snapshot", fresh)
    finally:
        await pair.driver.call("shutdown", fresh)
    # What changes beside a message, such as the last index of its conversation, is an event of its own.
    shown = await pair.driver.call("snapshot", pair.ben)
    for _ in range(LOOKS):
        if shown == loaded:
            break
        await asyncio.sleep(BETWEEN)
        shown = await pair.driver.call("snapshot", pair.ben)
    assert shown == loaded


async def test_after_a_cut_everything_missed_comes_once_and_in_order(pair: Pair, far_line: Line) -> None:
    await pair.call("send", pair.ana, body="before")
    await pair.until(pair.ben, "messageAdded", index=0)
    far_line.closed = True
    far_line.cut()
    for number in range(1, 6):
        await pair.call("send", pair.ana, body=f"missed {number}")
    await pair.call("edit", pair.ana, index=0, body="edited meanwhile")
    await pair.call("remove", pair.ana, index=3)
    far_line.closed = False
    await pair.until(pair.ben, "messageAdded", index=5)
    await pair.until(pair.ben, "messageUpdated", index=0)
    added = await pair.driver.call("events", pair.ben, event="messageAdded")
    assert [each["index"] for each in added] == [0, 1, 2, 4, 5]
    await same_as_fresh(pair, far_line)


async def test_after_a_server_restart_the_client_goes_on(pair: Pair, far_line: Line) -> None:
    await pair.call("send", pair.ana, body="before")
    await pair.until(pair.ben, "messageAdded", index=0)
    port = far_line.target
    await asyncio.to_thread(pair.world.end, port)
    await pair.call("send", pair.ana, body="while it was away")
    await asyncio.to_thread(pair.world.start, port)
    await pair.until(pair.ben, "messageAdded", index=1)
    await pair.call("send", pair.ben, body="I am back")
    for name in (pair.ana, pair.ben):
        await pair.until(name, "messageAdded", index=2)
    added = await pair.driver.call("events", pair.ben, event="messageAdded")
    assert [each["index"] for each in added] == [0, 1, 2]
    await same_as_fresh(pair, far_line)


async def test_after_a_killed_server_the_client_goes_on(pair: Pair, far_line: Line) -> None:
    port = far_line.target
    await asyncio.to_thread(pair.world.kill, port)
    await pair.call("send", pair.ana, body="while it was away")
    await asyncio.to_thread(pair.world.start, port)
    assert (await pair.until(pair.ben, "messageAdded", index=0))["body"] == "while it was away"
    await same_as_fresh(pair, far_line)


async def test_a_new_token_is_taken_without_a_break_and_one_of_somebody_else_is_not(pair: Pair) -> None:
    await pair.driver.call("updateToken", pair.ben, token=pair.world.token(pair.ben, ttl=7200))
    assert await pair.driver.call("state", pair.ben) == "connected"
    with pytest.raises(Refused):
        await pair.driver.call("updateToken", pair.ben, token=pair.world.token("somebody else"))
    await pair.until(pair.ben, "connectionStateChanged", state="denied")


async def test_a_token_is_announced_before_its_end_and_replaced_after_it(pair: Pair, line: Line) -> None:
    name = f"{pair.ana}:short"
    await pair.driver.call("connect", name, token=pair.world.token(pair.ana, ttl=6), uri=line.uri)
    await pair.until(name, "tokenAboutToExpire")
    await pair.until(name, "tokenExpired")
    await pair.until(name, "connectionStateChanged", state="disconnected")
    await pair.driver.call("updateToken", name, token=pair.world.token(pair.ana))
    await pair.call("send", pair.ben, body="still there?")
    assert (await pair.until(name, "messageAdded", index=0))["body"] == "still there?"
    await pair.driver.call("shutdown", name)


async def test_history_is_paged_in_both_directions(pair: Pair) -> None:
    def fill(api: Any) -> None:
        messages = api.conversations(pair.sid).messages
        made = [messages.create(body=str(number)) for number in range(70)]
        for number in (0, 13, 14, 50, 69):
            made[number].delete()

    await pair.world.rest(fill)
    there = [number for number in range(70) if number not in (0, 13, 14, 50, 69)]
    backwards = await pair.call("messages", pair.ben, pageSize=20)
    forwards = await pair.call("messages", pair.ben, pageSize=7, anchor=0, direction="forward")
    assert backwards == there
    assert forwards == there
