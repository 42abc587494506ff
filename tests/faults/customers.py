"""Customers of the demo number who talk to the flow and to an agent, whatever happens meanwhile.

Each conversation is one of a fresh handset, so that the carrier's book alone tells what it should have got.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from parlour.studio.defaults import DEMO_QUESTION, DEMO_THANKS
from tests.carrier import Carrier
from tests.faults.world import DEMO_NUMBER, World

GREETING = "Hello! This is an automatic greeting."
THANKS = DEMO_THANKS.replace("{{flow.variables.topic}}", "sales")
FLOW_TEXTS = [GREETING, DEMO_QUESTION, THANKS]
PATIENCE = 200.0  # seconds for one answer; a send that a kill cut waits 30 s for its callback, each time
BETWEEN = 0.2
LOOK = 0.1


@dataclass
class Talk:
    """One conversation: what the customer wrote in this order, and whether it came to its end."""

    handset: str
    wrote: list[str] = field(default_factory=list)
    ended: bool = False
    waiting_for: str = ""


class Book:
    """What the handsets got, read from the carrier's book as it grows; one reader for all customers."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._next = 0
        self._lock = threading.Lock()
        self.got: dict[str, list[str]] = defaultdict(list)

    def look(self) -> None:
        """Read what is new."""
        with self._lock:
            page = self._carrier.call(f"/_sim/ledger?since={self._next}&kind=handset.received")
            for line in page["lines"]:
                self.got[line["handset"]].append(line["body"])
            self._next = page["next"]


class Customers:
    """Customers who come one after the other, whatever became of those before them, until they are told to stop."""

    def __init__(self, world: World, every: float) -> None:
        self._world = world
        self._every = every
        self.book = Book(world.carrier)
        self.talks: list[Talk] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._done = threading.Event()
        self._talkers: list[threading.Thread] = []
        self._threads = [threading.Thread(target=work) for work in (self._read, self._come)]

    def __enter__(self) -> "Customers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """Let nobody come any more and wait for those who are there."""
        self._stop.set()
        reader, door = self._threads
        door.join()
        for thread in self._talkers:
            thread.join()
        self._done.set()
        reader.join()

    def _read(self) -> None:
        while not self._done.is_set():
            self.book.look()
            self._done.wait(LOOK)
        self.book.look()

    def _come(self) -> None:
        while not self._stop.is_set() and not self.errors:
            talk = Talk(self._world.handset())
            self.talks.append(talk)
            thread = threading.Thread(target=self._run, args=(talk,), name=talk.handset)
            self._talkers.append(thread)
            thread.start()
            self._stop.wait(self._every)

    def _run(self, talk: Talk) -> None:
        try:
            self._talk(talk)
        except TimeoutError:
            if not self.errors:
                self.errors.append(self._why(talk))
        else:
            talk.ended = True

    def _why(self, talk: Talk) -> str:
        got = self.book.got[talk.handset]
        return (
            f"{talk.handset} waited in vain for {talk.waiting_for}; it wrote {talk.wrote}, got {got}; "
            f"the database has\n{self._world.stuck(talk.handset)}"
        )

    def _talk(self, talk: Talk) -> None:
        handset = talk.handset
        self._write(talk, f"hello from {handset}")
        self._wait(talk, DEMO_QUESTION, 1)
        self._write(talk, "1")
        self._wait(talk, "#", 1)
        self._write(talk, f"first line of {handset}")
        self._write(talk, f"second line of {handset}")
        self._wait(talk, "#", 3)
        self._write(talk, "bye")
        self._wait(talk, "#", 4)

    def _write(self, talk: Talk, body: str) -> None:
        talk.wrote.append(body)
        self._world.carrier.text(talk.handset, DEMO_NUMBER, body)

    def _wait(self, talk: Talk, beginning: str, times: int) -> None:
        talk.waiting_for = f"{beginning!r} for the {times}. time"
        deadline = time.monotonic() + PATIENCE
        while sum(body.startswith(beginning) for body in list(self.book.got[talk.handset])) < times:
            if time.monotonic() > deadline or self.errors:
                raise TimeoutError
            time.sleep(BETWEEN)  # noqa: TID251 - waiting for other processes
