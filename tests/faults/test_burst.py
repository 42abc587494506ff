"""A customer who writes 50 first messages at once has one conversation, execution, interaction and task (DESIGN §3.2).

The carrier gives each message its own id and hands one half to each of two servers on one database.
"""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.carrier import eventually
from tests.faults.world import MESSAGING_NUMBER, World
from tests.requirements import requirement

MESSAGES = 50
AT_ONCE = 24  # webhooks in flight


@dataclass(frozen=True)
class Burst:
    """What one customer wrote. bodies: in no order."""

    handset: str
    bodies: frozenset[str]


def send_burst(world: World, pool: ThreadPoolExecutor, chance: random.Random) -> Burst:
    handset = world.handset()
    forms = [
        {
            "MessageSid": f"SM{chance.getrandbits(128):032x}",
            "AccountSid": world.carrier.account_sid,
            "From": handset,
            "To": MESSAGING_NUMBER,
            "Body": f"{handset} writes {count}",
        }
        for count in range(MESSAGES)
    ]
    urls = world.inbound_urls()
    calls = [(urls[count % len(urls)], form) for count, form in enumerate(forms)]
    chance.shuffle(calls)
    assert set(pool.map(lambda call: world.deliver(*call), calls)) == {200}
    return Burst(handset, frozenset(form["Body"] for form in forms))


def check_conversation(world: World, burst: Burst) -> str:
    client = world.client(1)

    def all_there() -> Any:
        found = client.conversations.v1.participant_conversations.list(address=burst.handset)
        if not found:
            return None
        assert len(found) == 1, f"{burst.handset} is in {[one.conversation_sid for one in found]}"
        messages = client.conversations.v1.conversations(found[0].conversation_sid).messages.list(page_size=100)
        return (found[0], messages) if len(messages) >= MESSAGES else None

    found, messages = eventually(all_there, seconds=60, what=f"{MESSAGES} messages of {burst.handset}")
    assert [message.index for message in messages] == list(range(MESSAGES))
    assert {message.body for message in messages} == burst.bodies
    assert found.conversation_state == "active"
    return str(found.conversation_sid)


def check_followers(world: World, conversations: dict[str, str]) -> None:
    """Check executions, tasks and interactions of all bursts.

    :param conversations: handset by conversation SID.
    """
    client = world.client(0)
    flow = next(one for one in client.studio.v2.flows.list() if one.friendly_name == "Messaging Flow")
    executions = [one.contact_channel_address for one in client.studio.v2.flows(flow.sid).executions.list()]
    space = client.taskrouter.v1.workspaces.list(friendly_name="Flex Task Assignment")[0]
    attributes = [json.loads(task.attributes) for task in client.taskrouter.v1.workspaces(space.sid).tasks.list()]
    tasks = [one["conversationSid"] for one in attributes]
    interactions = {one["flexInteractionSid"] for one in attributes}
    handsets = set(conversations.values())
    assert sorted(one for one in executions if one in handsets) == sorted(handsets)
    assert sorted(one for one in tasks if one in conversations) == sorted(conversations)
    assert len(interactions) == len(tasks)
    for one in attributes[:3]:
        interaction = client.flex_api.v1.interaction(one["flexInteractionSid"])
        assert [channel.sid for channel in interaction.channels.list()] == [one["flexInteractionChannelSid"]]


def try_bursts(world: World, count: int, seed: int) -> str:
    chance = random.Random(seed)
    conversations: dict[str, str] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(count):
            burst = send_burst(world, pool, chance)
            conversations[check_conversation(world, burst)] = burst.handset
    world.server.call("/_clock/settle")
    check_followers(world, conversations)
    assert len(conversations) == count
    assert world.doctor() == []
    return f"{count} bursts of {MESSAGES} first messages to {len(world.servers)} servers (seed {seed}): one of each"


@requirement("S35", "S37")
def test_50_first_messages_to_two_servers_make_one_conversation_execution_interaction_and_task(
    pair: World, say: Callable[[str], None]
) -> None:
    say(try_bursts(pair, 40, seed=1))


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_400_bursts_of_first_messages_make_one_conversation_each(pair: World, say: Callable[[str], None]) -> None:
    say(try_bursts(pair, 400, seed=2))
