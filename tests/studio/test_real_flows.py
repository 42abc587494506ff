"""Real flows on a real server: customers made by program take every transition that a message can reach.

They are found on the stage of `parlour flow test` and acted again through a carrier; path and texts must be the same.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from twilio.request_validator import RequestValidator

from parlour.demo import DEMO_NUMBER, MESSAGING_NUMBER
from parlour.studio.definition import Definition, read
from parlour.studio.reach import Exit, reachable
from parlour.studio.rehearsal.stage import Answer, Opening
from tests import shared_flows
from tests.carrier import running_carrier
from tests.conftest import running_server
from tests.studio.exploring import Customer, words_of
from tests.studio.site import Site, running_site
from tests.studio.town import Town, fresh

ATTEMPTS = 4000
TURNS = 40
LONG = 4000  # seconds, more than any wait of these flows
ENDPOINT = "/inbound"
WAYS = {"13": "message", "14": "request", "15": "message"}


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town whose clock stands until it is moved."""
    folder = tmp_path_factory.mktemp("still")
    with (
        running_carrier(folder / "ledger.sqlite") as carrier,
        running_server(
            folder, "start", "--demo", "--test-clock", "--data", str(folder / "data"),
            "--simulator-url", carrier.url_with_credentials,
        ) as server,
    ):  # fmt: skip
        client = server.client()
        for address in client.conversations.v1.address_configurations.list():
            if address.address in (DEMO_NUMBER, MESSAGING_NUMBER):
                address.delete()
        yield Town(server, carrier, client)


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as one:
        yield one


def filled(number: str, site: Site) -> Any:
    """Load a real flow with the addresses that its author left to be filled."""
    raw = shared_flows.load(number, **{"https://YOUR_TWILIO_ENVIRONMENT_DOMAIN_NAME": site.url})
    for state in raw["states"]:
        if state["properties"].get("url") == "":
            state["properties"]["url"] = f"{site.url}/{state['name']}"
        for pair in state["properties"].get("variables", ()):
            if pair["key"] == "IE_ENDPOINT":
                pair["value"] = site.url + ENDPOINT
    return raw


def plan(definition: Definition, way: str) -> list[Customer]:
    """Find customers who together take every transition; one whose message is refused ends there."""
    rng, wanted, chosen = random.Random(13), reachable(definition, [way]), []
    says = [each.name for each in definition.widgets.values() if each.type == "send-message"]
    calls = [each.name for each in definition.widgets.values() if each.type in ("run-function", "make-http-request")]
    words = [each for each in words_of(definition) if each]
    told = [Answer(json={"fulfillmentText": each}) for each in words_of(definition)]
    for attempt in range(ATTEMPTS):
        refused = frozenset([rng.choice(says)] if attempt % 3 == 0 else [])
        answers = {name: rng.sample([*told, Answer(status=500)], len(told) + 1) for name in calls}
        opening = Opening(trigger=way, body=rng.choice(words), parameters={"event_type": rng.choice(words)})
        stage = Customer(definition, opening, answers=answers, refused=refused)
        act(stage, rng, words)
        if stage.ended and (not refused or stage.steps[-1].transitioned_from in refused):
            if stage.took & wanted:
                chosen.append(stage)
            wanted -= stage.took
        if not wanted:
            return chosen
    raise AssertionError(f"no customer takes {sorted(wanted)}")


def act(stage: Customer, rng: random.Random, words: Sequence[str]) -> None:
    stage.start()
    for _ in range(TURNS):
        if stage.ended:
            return
        chance = rng.random()
        if chance < 0.86:
            about = [each for each in words_of(stage.definition, stage.state.widget) if each]
            stage.customer(rng.choice(about or words))
        elif chance < 0.93:
            stage.wait(LONG)
        else:
            stage.undelivered()


@dataclass
class Acting:
    """A customer of the stage on the street."""

    stage: Customer
    handset: str
    done: int = 0

    @property
    def next(self) -> tuple[str, str, int] | None:
        return self.stage.deeds[self.done] if self.done < len(self.stage.deeds) else None

    @property
    def refused(self) -> bool:
        return bool(self.stage.refused)

    @property
    def fails(self) -> int | None:
        """The number of the message that is lost on its way, from 1."""
        return next((said for deed, _, said in self.stage.deeds if deed == "fail"), None)


class Play:
    """A flow, its customers, and the street."""

    def __init__(self, town: Town, site: Site, known: Any, way: str) -> None:
        self.town, self.site, self.known, self.way = town, site, known, way
        self.texts: dict[str, list[str]] = {}
        self.read = 0
        self.numbers = itertools.count(1)

    def look(self) -> None:
        """Read what handsets got since the last look."""
        while True:
            page = self.town.carrier.call(f"/_sim/ledger?since={self.read}&kind=handset.received")
            self.read = page["next"]
            for line in page["lines"]:
                self.texts.setdefault(line["handset"], []).append(line["body"])
            if not page["lines"]:
                return

    def until(self, customer: Acting, said: int) -> None:
        """Wait until a customer has so many texts, or is to lose the last of them."""
        deadline = time.monotonic() + 40
        while len(self.texts.get(customer.handset, [])) < said:
            assert time.monotonic() < deadline, (customer.stage.deeds, customer.done, self.texts.get(customer.handset))
            self.look()
            time.sleep(0.02)  # noqa: TID251 - other processes are at work meanwhile

    def open(self, customer: Acting) -> None:
        """Have an execution begin; what hosts answer is laid out before."""
        stage = customer.stage
        self.site.turns = {}
        for name, answers in stage.answers.items():
            url = stage.definition.widgets[name].text("url")
            path = urlsplit(url).path if url.startswith("http") else ENDPOINT
            if path != ENDPOINT or any(step.transitioned_from == name for step in stage.steps):
                self.site.turns[path] = [{"body": each.json or "", "status": each.status} for each in answers]
        if self.way == "request":
            sender = "+15005550006" if customer.refused else DEMO_NUMBER
            self.known.executions.create(to=customer.handset, from_=sender, parameters=stage.opening.parameters)
        else:
            self.say(customer, stage.opening.body)

    def say(self, customer: Acting, body: str) -> None:
        """Have a customer write: through the carrier, or to the flow's own address where the number is to go."""
        if not customer.refused:
            self.town.carrier.text(customer.handset, DEMO_NUMBER, body)
            return
        url = self.known.fetch().webhook_url
        form = {"MessageSid": f"SM{next(self.numbers):032x}", "From": customer.handset, "To": DEMO_NUMBER, "Body": body}
        made = RequestValidator(self.town.server.credentials.auth_token).compute_signature(url, form)
        assert requests.post(url, data=form, headers={"X-Twilio-Signature": made}, timeout=30).status_code == 200

    def perform(self, customer: Acting) -> None:
        """Do what a customer did on the stage, up to a wait; what is over is seen to its end."""
        self._perform(customer)
        if customer.next is None:
            self.ended(customer)

    def _perform(self, customer: Acting) -> None:
        last = len(customer.stage.deeds) - 1
        if customer.refused and last < 0 and self.way == "message":
            self.without_number(lambda: self.open(customer))
            return
        self.open(customer)
        while customer.next is not None:
            deed, body, said = customer.next
            if deed == "wait":
                self.until(customer, said)
                return
            self.until(customer, said - 1 if deed == "fail" else said)
            customer.done += 1
            if deed == "say" and customer.refused and customer.done > last:
                self.without_number(lambda text=body: self.say(customer, text))
            elif deed == "say":
                self.say(customer, body)

    def without_number(self, work: Any) -> None:
        """Do something while the account has not the number, so that nothing can be sent from it."""
        numbers = self.town.client.incoming_phone_numbers
        (number,) = numbers.list(phone_number=DEMO_NUMBER)
        number.delete()
        work()
        self.town.server.settle()
        numbers.create(phone_number=DEMO_NUMBER)
        self.town.webhook(self.known.fetch().webhook_url)

    def ended(self, customer: Acting) -> Any:
        """Return the execution of a customer, over."""
        deadline = time.monotonic() + 40
        while True:
            found = [row for row in self.known.executions.list() if row.contact_channel_address == customer.handset]
            if found and found[0].status == "ended":
                return found[0]
            assert time.monotonic() < deadline, (
                customer.stage.deeds,
                found and self.town.path(self.known, found[0].sid),
            )
            time.sleep(0.05)  # noqa: TID251 - other processes are at work meanwhile


def path_of(stage: Customer) -> list[tuple[str, str]]:
    return [(step.transitioned_from, step.name) for step in stage.steps]


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", WAYS)
@pytest.mark.timeout(400)
def test_every_transition_is_taken_on_the_street_as_on_the_stage(still: Town, site: Site, number: str) -> None:
    """13 and 15 begin by the number's own webhook, 14 by REST."""
    way = WAYS[number]
    raw = filled(number, site)
    definition = read(raw)
    customers = [Acting(stage, fresh()) for stage in plan(definition, way)]
    known = still.publish(raw)
    still.webhook(known.fetch().webhook_url)
    lost = [
        {"match": {"op": "create", "to": each.handset, "nth": each.fails}, "action": "fail", "code": 30003, "times": 1}
        for each in customers
        if each.fails is not None
    ]
    still.carrier.faults(rules=lost, sent_after_ms=5, delivered_after_ms=10)
    play = Play(still, site, known, way)
    for each in customers:
        play.perform(each)
    waiting = [each for each in customers if each.next is not None]
    if waiting:
        still.server.settle()
        still.server.advance(LONG)
    took: set[Exit] = set()
    for each in customers:
        run = play.ended(each)
        assert still.path(known, run.sid) == path_of(each.stage), each.stage.deeds
        took |= each.stage.took
    assert took >= reachable(definition, [way])
    play.look()
    for each in customers:
        said = [one.command.body for one in each.stage.said]
        kept = said[:-1] if each.fails is not None else said
        assert play.texts.get(each.handset, [])[: len(kept)] == kept
