"""Executions whose server is killed while they run: all end as they would have, and nobody gets a text twice.

What customers got is counted from the carrier's book; how executions ended, from the public API.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from parlour.kit import failpoints
from tests.faults.world import DEMO_NUMBER, World, alive, running_world, wait_until
from tests.studio.building import flow, say, widget
from tests.studio.site import Site, running_site

KILLS, EACH = 50, 4
IN_PROGRESS = (failpoints.FLOW_ANSWERED, failpoints.BEFORE_COMMIT, failpoints.JOBS_CLAIMED)
AFTERWARDS = (failpoints.JOB_DONE, failpoints.CARRIER_ACCEPTED)
KINDS = ("straight", "silent", "reply")
FROM = {"from": "{{flow.channel.address}}"}


def definition(site: Site) -> dict[str, Any]:
    """A flow that asks a host, says so, waits for a reply in two of three kinds, asks the host again, and says so."""
    split = widget("kind", "split-based-on", {"noMatch": "ask"}, input="{{flow.data.kind}}")
    condition = {"friendly_name": "s", "arguments": [""], "type": "equal_to", "value": "straight"}
    split["transitions"].append({"event": "match", "next": "again", "conditions": [condition]})
    both: dict[str, str | None] = {"success": "first", "failed": None}
    return flow(
        widget("host", "make-http-request", both, method="POST", url=f"{site.url}/word"),
        say("first", "first {{flow.data.n}} {{widgets.host.parsed.word}}", "kind", **FROM),
        split,
        widget(
            "ask",
            "send-and-wait-for-reply",
            {"incomingMessage": "again", "timeout": "again", "deliveryFailure": None},
            **FROM,
            body="question {{flow.data.n}}",
            timeout="{% if flow.data.kind == 'silent' %}4{% else %}600{% endif %}",
        ),
        widget(
            "again", "make-http-request", {"success": "last", "failed": None}, method="POST", url=f"{site.url}/word"
        ),
        say("last", "last {{flow.data.n}} {{widgets.ask.inbound.Body}}", **FROM),
    )


@dataclass
class Customer:
    """One customer, and what should become of them."""

    number: int
    handset: str
    kind: str
    sid: str = ""
    tried: bool = False
    replied: bool = False

    @property
    def path(self) -> list[tuple[str, str]]:
        begin = [("Trigger", "incomingRequest"), ("host", "success"), ("first", "sent")]
        end = [("again", "success"), ("last", "sent")]
        if self.kind == "straight":
            return [*begin, ("kind", "match"), *end]
        event = "incomingMessage" if self.kind == "reply" else "timeout"
        return [*begin, ("kind", "noMatch"), ("ask", event), *end]

    @property
    def texts(self) -> list[str]:
        asked = [] if self.kind == "straight" else [f"question {self.number}"]
        word = f"reply {self.number}" if self.kind == "reply" else ""
        return [f"first {self.number} yes", *asked, f"last {self.number} {word}"]


@dataclass
class Town:
    """The customers of a world."""

    world: World
    runs: Any
    customers: list[Customer] = field(default_factory=list)
    got: dict[str, list[str]] = field(default_factory=dict)
    read: int = 0

    def begin(self, count: int) -> None:
        """Start executions; one whose answer a kill cut is started again, which finds it or starts it."""
        for _ in range(count):
            number = len(self.customers)
            self.customers.append(Customer(number, self.world.handset(), KINDS[number % len(KINDS)]))
        self.start_those_without_answer()

    def start_those_without_answer(self) -> None:
        """Start what is not started; what a cut answer had started already is found by its contact."""
        left = [each for each in self.customers if not each.sid]
        try:
            if any(each.tried for each in left):
                there = {row.contact_channel_address: str(row.sid) for row in self.runs.list()}
                for each in left:
                    each.sid = there.get(each.handset, "")
            for each in left:
                each.tried = True
                if not each.sid:
                    parameters = {"n": str(each.number), "kind": each.kind}
                    each.sid = self.runs.create(to=each.handset, from_=DEMO_NUMBER, parameters=parameters).sid
        except OSError:
            return  # the server died over it; there is another look when it is back

    def reply(self) -> None:
        """Have customers answer the questions they got."""
        page = self.world.carrier.call(f"/_sim/ledger?since={self.read}&kind=handset.received")
        self.read = page["next"]
        for line in page["lines"]:
            self.got.setdefault(line["handset"], []).append(line["body"])
        for each in self.customers:
            asked = f"question {each.number}" in self.got.get(each.handset, [])
            if each.kind == "reply" and asked and not each.replied:
                each.replied = True
                self.world.carrier.text(each.handset, DEMO_NUMBER, f"reply {each.number}")


def kill(town: Town, moment: str, after: int) -> str:
    """Arm a failpoint, start customers, see it kill, and start the server again; say at what moment it died."""
    server = town.world.server
    server.arm(moment, after=after, pids=[server.process.pid])
    pid = server.process.pid
    town.begin(EACH)
    until = time.monotonic() + 4
    while alive(pid) and time.monotonic() < until:
        town.reply()
        time.sleep(0.02)  # noqa: TID251 - another process dies meanwhile
    died = moment if not alive(pid) else "none of them"
    server.process.kill()
    server.process.wait(10)
    server.start()
    server.wait()
    town.start_those_without_answer()
    return died


async def unknown(dsn: str) -> set[str]:
    """Return the handsets that have a text of which nobody knows whether it came."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT address FROM carrier_send WHERE state = 'unknown'")
    await connection.close()
    return {str(row["address"]) for row in rows}


@pytest.mark.timeout(900)
def test_200_executions_end_as_they_would_have_whatever_was_killed(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(6)
    with running_world(tmp_path) as world, running_site() as site:
        site.page("/word", {"word": "yes"})
        client = world.client()
        for address in client.conversations.v1.address_configurations.list():
            address.delete()
        made = client.studio.v2.flows.create(friendly_name="Killed", status="published", definition=definition(site))
        (number,) = client.incoming_phone_numbers.list(phone_number=DEMO_NUMBER)
        number.update(sms_url=made.webhook_url)
        town = Town(world, client.studio.v2.flows(made.sid).executions)
        plan = [*(IN_PROGRESS * KILLS)[: KILLS // 2 + 5], *(AFTERWARDS * KILLS)[: KILLS // 2 - 5]]
        chance.shuffle(plan)
        died = Counter(kill(town, moment, chance.randint(1, 4)) for moment in plan)

        def ended() -> bool:
            town.reply()
            return not town.runs.list(status="active", limit=1)

        wait_until(ended, seconds=120, what="every execution ends")

        def all_there() -> bool:
            town.reply()
            return all(len(town.got.get(each.handset, [])) >= len(each.texts) for each in town.customers)

        wait_until(all_there, seconds=60, what="every text comes")
        assert len(town.customers) == KILLS * EACH
        for each in town.customers:
            steps = reversed(town.runs(each.sid).steps.list())
            assert [(step.transitioned_from, step.name) for step in steps] == each.path, each
        nobody_knows = asyncio.run(unknown(world.dsn))
        for each in town.customers:
            got = Counter(town.got.get(each.handset, []))
            for text in each.texts:
                assert got[text] == 1 or (got[text] == 0 and each.handset in nobody_knows), (each, got)
            assert set(got) <= set(each.texts)
        outcome = f"killed at {dict(died)}; {len(nobody_knows)} texts unknown; {len(site.book)} requests of flows"
        record_property("said", outcome)
        assert sum(died[moment] for moment in IN_PROGRESS) * 2 >= KILLS
