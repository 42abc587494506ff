"""Several customers in one engagement, each on a channel of their own: who sees what, and until when (flex.md S6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.carrier import eventually
from tests.channels.street import ANSWERED, FAST, Street, street
from tests.desktop.colleague import Colleague, colleague
from tests.realtime.driver import Refused
from tests.requirements import requirement

SHOP = "whatsapp:+15550900077"
FIRST = "the line before the others came"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("customers")) as one:
        one.attach(SHOP)
        one.client.conversations.v1.address_configurations.create(
            type="whatsapp", address=SHOP, auto_creation_enabled=True, auto_creation_type="default"
        )
        one.carrier.faults(**FAST)
        yield one


@dataclass
class Engagement:
    """An agent with a customer who wrote by text, and what others may join."""

    world: Street
    channel: Any
    talk: Any
    texting: str
    messaging: str

    def says(self, body: str, author: str = "fay") -> None:
        self.talk.messages.create(author=author, body=body)

    def joins(self, **media: str) -> str:
        """Add a customer, and return their SID."""
        return str(self.channel.participants.create(type="customer", media_properties=media).sid)

    def leaves(self, sid: str) -> None:
        """Take a customer out."""
        self.channel.participants(sid).update(status="closed")

    def has(self, body: str) -> None:
        """Wait until the conversation has a message."""
        sid = str(self.talk.fetch().sid)
        eventually(lambda: body in self.world.texts(sid), what=body)

    def got(self, customer: str) -> list[str]:
        return self.world.carrier.received(customer)

    def arrives(self, body: str, *customers: str) -> None:
        """Wait until handsets show a text."""
        for customer in customers:
            self.world.carrier.wait_for(customer, body)


@pytest.fixture
def work(world: Street) -> Iterator[Engagement]:
    client = world.client
    texting, _ = world.fresh_address()
    world.carrier.text(texting, ANSWERED, "Hello")
    conversation = eventually(lambda: world.conversation_of(texting))
    workspace = client.taskrouter.v1.workspaces(client.taskrouter.v1.workspaces.list()[0].sid)
    (available,) = workspace.activities.list(friendly_name="Available")
    agent = workspace.workers.create(
        friendly_name="fay", attributes='{"contact_uri": "client:fay", "roles": ["agent"]}'
    )
    workspace.workers(agent.sid).update(activity_sid=available.sid)
    made = client.flex_api.v1.interaction.create(
        channel={"type": "sms", "initiated_by": "api", "properties": {"media_channel_sid": conversation}},
        routing={"properties": {"workspace_sid": workspace.fetch().sid, "task_channel_unique_name": "chat"}},
    )
    (offer,) = eventually(workspace.workers(agent.sid).reservations.list, what="an offer to the agent")
    workspace.workers(agent.sid).reservations(offer.sid).update(reservation_status="accepted")
    channel = client.flex_api.v1.interaction(made.sid).channels(made.channel["sid"])
    talk = client.conversations.v1.conversations(conversation)
    yield Engagement(world, channel, talk, texting, f"whatsapp:{world.fresh()[0]}")
    channel.update(status="closed", routing={"status": "closed"})
    eventually(lambda: talk.fetch().state == "closed", what="the end of the conversation")
    workspace.workers(agent.sid).delete()


@dataclass
class Visitor:
    """A customer in a browser: their SID in the channel, and their client."""

    sid: str
    client: Colleague


@pytest.fixture
def visitor(work: Engagement, tmp_path: Path) -> Iterator[Visitor]:
    """A customer in a browser, who joins when the agent has said something already."""
    work.says(FIRST)
    work.arrives(FIRST, work.texting)
    sid = work.joins(identity="the neighbour")
    with colleague(work.world.server, work.talk.fetch().sid, "the neighbour", tmp_path, there=True) as one:
        assert one.reads() == ["Hello", FIRST]  # a browser shows the conversation from its start
        yield Visitor(sid, one)


@requirement("S3", "S6")
def test_customers_on_three_channels_hear_each_other_and_the_agent(work: Engagement, visitor: Visitor) -> None:
    work.joins(address=work.messaging, proxy_address=SHOP)
    everybody = {each.identity or each.messaging_binding["address"] for each in work.talk.participants.list()}
    assert everybody == {"fay", work.texting, work.messaging, "the neighbour"}

    work.says("Are all three of you here?")
    work.arrives("Are all three of you here?", work.texting, work.messaging)
    visitor.client.hears("messageAdded", body="Are all three of you here?")

    work.world.carrier.text(work.messaging, SHOP, "I am, by WhatsApp")
    work.arrives("I am, by WhatsApp", work.texting)
    visitor.client.hears("messageAdded", body="I am, by WhatsApp", author=work.messaging)
    work.world.carrier.text(work.texting, ANSWERED, "I am, by text")
    work.arrives("I am, by text", work.messaging)
    visitor.client.hears("messageAdded", body="I am, by text", author=work.texting)
    visitor.client.says("I am, in a browser")
    work.arrives("I am, in a browser", work.texting, work.messaging)

    # Who writes does not hear themselves, and nobody hears anything twice.
    assert work.got(work.texting) == [
        FIRST, "Are all three of you here?", "I am, by WhatsApp", "I am, in a browser",
    ]  # fmt: skip
    assert work.got(work.messaging) == ["Are all three of you here?", "I am, by text", "I am, in a browser"]


def test_who_joins_later_has_the_history_where_their_channel_has_one(work: Engagement, visitor: Visitor) -> None:
    work.joins(address=work.messaging, proxy_address=SHOP)
    work.says("Now you are here")
    work.arrives("Now you are here", work.messaging)
    visitor.client.hears("messageAdded", body="Now you are here")
    assert visitor.client.reads() == [
        "Hello",
        FIRST,
        "Now you are here",
    ]  # a browser shows the conversation from its start
    assert work.got(work.messaging) == ["Now you are here"]  # a phone what is sent to it


def test_a_customer_who_was_taken_out_hears_nothing_more_and_is_heard_no_more(
    work: Engagement, visitor: Visitor
) -> None:
    messaging = work.joins(address=work.messaging, proxy_address=SHOP)
    work.says("All three")
    work.arrives("All three", work.texting, work.messaging)
    visitor.client.hears("messageAdded", body="All three")

    work.leaves(messaging)
    work.leaves(visitor.sid)
    visitor.client.hears("conversationLeft", sid=work.talk.fetch().sid)
    work.says("Between us two")
    work.arrives("Between us two", work.texting)
    assert work.got(work.messaging) == ["All three"]
    assert visitor.client.heard() == ["All three"]
    assert visitor.client.reads() is None
    with pytest.raises(Refused, match=r"40[34]|[Ff]orbidden|[Nn]ot [Ff]ound"):
        visitor.client.says("Let me in")

    work.world.carrier.text(work.messaging, SHOP, "And me?")
    other = eventually(lambda: work.world.conversation_of(work.messaging), what="a conversation of their own")
    assert other != work.talk.fetch().sid
    assert "And me?" not in work.world.texts(work.talk.fetch().sid)
    assert {each.type for each in work.channel.participants.list()} == {"agent", "customer"}
    assert len(work.channel.participants.list()) == 2


def test_a_customer_who_was_taken_out_may_come_back(work: Engagement) -> None:
    sid = work.joins(address=work.messaging, proxy_address=SHOP)
    work.leaves(sid)
    work.says("Without you")
    work.arrives("Without you", work.texting)
    again = work.joins(address=work.messaging, proxy_address=SHOP)
    assert again != sid
    work.says("With you again")
    work.arrives("With you again", work.texting, work.messaging)
    assert work.got(work.messaging) == ["With you again"]
