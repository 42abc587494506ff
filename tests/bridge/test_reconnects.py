"""No reservation is missed, however often and whenever a client reconnects (DESIGN 2.7).

The client attaches its listeners only after its lists were answered; a proxy keeps the last list back while a
reservation is made on the server.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.bridge import wire
from tests.bridge.agents import Agent, addresses
from tests.bridge.conftest import Bridge
from tests.bridge.gap import Gap, Held, Proxy, proxied
from tests.taskrouter.conftest import eventually

AGENTS = 8
RECONNECTS = 125 if os.environ.get("PARLOUR_PROVE") else 15  # of each agent
EVERY = 5  # reconnects of which one has a gap


@dataclass
class Desk:
    """One agent with the stream of their reservations.

    :ivar made: SIDs of all reservations that were made for them.
    :ivar in_gap: SIDs of those that were made in a gap.
    """

    bridge: Bridge
    agent: Agent
    worker: str
    token: str
    proxy: Proxy
    made: list[str] = field(default_factory=list)
    in_gap: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def offer(self) -> str:
        """Make a task for the agent and return the SID of its reservation as the server has it."""
        api = self.bridge.centre.api
        task = api.tasks.create(
            attributes="{}", task_channel="chat", routing_target=self.worker, task_queue_sid=self.bridge.queue
        )
        (sid,) = eventually(lambda: [str(each.sid) for each in api.tasks(task.sid).reservations.list()])
        self.made.append(sid)
        return str(sid)

    def known(self) -> set[str]:
        """SIDs of all reservations that the client was told, by event or in a list."""
        heard = list(self.agent.heard)
        listed = {each["sid"] for event in heard if event.name == "ready" for each in event.data["reservations"]}
        return listed | {event.data["sid"] for event in heard if event.name == "reservationCreated"}

    def finish(self, sid: str) -> None:
        """Accept and complete a reservation, while the client may or may not be there."""
        reservation = self.bridge.centre.api.workers(self.worker).reservations(sid)
        for status in ("accepted", "completed"):
            reservation.update(reservation_status=status)

    def stream(self) -> None:
        """Make reservations, one after the other, until the reconnects are over."""
        while not self.over.is_set():
            sid = self.offer()
            self.until_known(sid)
            self.finish(sid)

    def until_known(self, sid: str) -> None:
        """Wait until the client was told of a reservation."""
        eventually(lambda: sid in self.known(), 30)

    def reconnect(self) -> None:
        """Cut the line again and again, and now and then have a reservation made in the gap."""
        try:
            self._reconnect()
        finally:
            self.over.set()

    def _reconnect(self) -> None:
        for number in range(RECONNECTS):
            gap = None
            if number % EVERY == 0:
                held: Held = "request" if number % (2 * EVERY) else "answer"
                gap = self.proxy.gaps[self.token] = Gap(self.offer_in_gap, held)
            before = self.agent.count("ready")
            self.agent.do("cut")
            self.agent.wait("ready", count=before + 1, seconds=60)
            if gap is not None:
                gap.done.wait(30)
                eventually(lambda: self.in_gap[-1] in self.known())
                self.finish(self.in_gap[-1])

    def offer_in_gap(self, listed: set[str]) -> None:
        """Make a reservation after the client's list was handed to it."""
        sid = self.offer()
        assert sid not in listed
        self.in_gap.append(sid)


def test_of_all_reservations_made_while_clients_reconnect_none_is_missed(
    bridge: Bridge, say: Callable[[str], None]
) -> None:
    with proxied(bridge.centre.server.url) as proxy:
        desks = [open_desk(bridge, proxy, number) for number in range(AGENTS)]
        with ThreadPoolExecutor(2 * AGENTS) as pool:
            running = [pool.submit(act) for desk in desks for act in (desk.stream, desk.reconnect)]
            for each in running:
                each.result()
    missed = [sid for desk in desks for sid in desk.made if sid not in desk.known()]
    gaps = [sid for desk in desks for sid in desk.in_gap]
    reconnects = sum(desk.agent.count("ready") - 1 for desk in desks)
    say(f"{reconnects} reconnects, {sum(len(d.made) for d in desks)} reservations, {len(gaps)} of them in a gap")
    assert missed == []
    assert reconnects >= AGENTS * RECONNECTS
    assert len(gaps) >= AGENTS * RECONNECTS // EVERY
    for desk in desks:
        created = [event.data["sid"] for event in desk.agent.heard if event.name == "reservationCreated"]
        assert len(created) == len(set(created)), "a reservation was told twice"
        desk.agent.sound()


def test_an_offer_that_came_before_a_very_late_list_is_listed_again(bridge: Bridge) -> None:
    with proxied(bridge.centre.server.url) as proxy:
        desk = open_desk(bridge, proxy, 0)
        told = threading.Event()

        def offer_and_hold(listed: set[str]) -> None:
            desk.offer_in_gap(listed)
            told.wait(3)  # the bridge has told it by now, and nobody listened

        proxy.gaps[desk.token] = Gap(offer_and_hold, "answer")
        desk.agent.do("cut")
        ready = desk.agent.wait("ready", count=2)
        assert desk.in_gap[-1] not in desk.known(), "the client has not heard of it, or the test is in vain"
        again = desk.agent.wait("ready", lambda data: bool(data["reservations"]), seconds=30)
        assert again.number > ready.number
        desk.agent.do("accept", sid=desk.in_gap[-1])
        desk.agent.wait("reservation.accepted")
        desk.agent.sound()


def open_desk(bridge: Bridge, proxy: Proxy, number: int) -> Desk:
    worker = bridge.centre.worker(f"Agent {number}", chat=5)
    token = bridge.token(worker)
    options: dict[str, Any] = {
        "ebServer": proxy.url + wire.PATH,
        "wsServer": addresses(bridge.centre.server.url)["wsServer"],
    }
    return Desk(bridge, bridge.agent(worker, token=token, **options), worker, token, proxy)
