"""What became of something: the facts linked to a SID by causes and by the SIDs in their snapshots.

A customer's text, the agent's acceptance and the agent's answer are requests of their own, so causes alone tell
three stories. Facts that name the same conversation, execution, interaction, task or carrier message are one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from parlour.kit.wire import json_text
from parlour.rest.errors import not_found
from parlour.store.unit import Reader
from parlour.trace import store
from parlour.trace.store import Fact, WaitingJob

MOST_FACTS: Final = 2000
ROUNDS: Final = 24
FOLLOWED: Final = frozenset({"CH", "FN", "KD", "WT", "SM", "MM"})  # SIDs of one story; others are shared by many
SHARED: Final = frozenset({"AC", "FW", "IG", "IS", "MG", "PN", "TC", "WA", "WC", "WK", "WQ", "WS", "WW", "RL", "US"})
_SID: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9a-f]{32}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Hop:
    """A station on the way from carrier to screen, and the SIDs that stand there; none: not reached."""

    name: str
    sids: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """The facts in order, the jobs that wait or died, and the stations.

    :ivar truncated: there are more facts than a trace tells.
    """

    sid: str
    facts: list[Fact]
    jobs: list[WaitingJob]
    hops: list[Hop]
    truncated: bool

    @property
    def missing(self) -> str | None:
        """Return the first station that was not reached, of a story that has any."""
        return next((hop.name for hop in self.hops if not hop.sids), None)


async def tell(reader: Reader, sid: str) -> Story:
    """Return the story of a SID (or of a request id, RQ…).

    :raises ContractError: 404/20404, no fact of the last 30 days names it.
    """
    known: dict[str, Fact] = {}
    followed: set[str] = set()
    fresh = await _first(reader, sid)
    if not fresh:
        raise not_found(sid)
    for _ in range(ROUNDS):
        new = [fact for fact in fresh if fact.sid not in known]
        if not new or len(known) >= MOST_FACTS:
            break
        known.update((fact.sid, fact) for fact in new)
        fresh = await _linked(reader, new, known, followed)
    facts = sorted(known.values(), key=lambda fact: (fact.at, fact.sid))
    jobs = await store.jobs_of(reader, list(known), sorted(followed))
    return Story(sid, facts[:MOST_FACTS], jobs, hops(facts), len(known) >= MOST_FACTS)


async def _first(reader: Reader, sid: str) -> list[Fact]:
    if sid.startswith("RQ"):
        return await store.facts_of_request(reader, sid, MOST_FACTS)
    if sid.startswith("EV"):
        return await store.facts_named(reader, [sid], 1)
    if sid[:2] not in SHARED:
        found = await store.facts_of(reader, [sid], MOST_FACTS)
        if found:
            return found
        mention = await store.first_mention(reader, sid)
        if mention is not None:
            return [mention]
    mention = await store.last_mention(reader, sid)
    return [] if mention is None else [mention]


async def _linked(reader: Reader, new: list[Fact], known: dict[str, Fact], followed: set[str]) -> list[Fact]:
    """Return the facts that caused, were caused by, or share an object with ``new``."""
    room = MOST_FACTS - len(known) + len(new)
    fresh = await store.facts_caused_by(reader, [fact.sid for fact in new], room)
    causes = {fact.cause for fact in new if fact.cause is not None} - known.keys()
    if causes:
        fresh += await store.facts_named(reader, causes, room)
    objects = {sid for fact in new for sid in sids_of(fact) if sid[:2] in FOLLOWED} - followed
    if objects:
        followed |= objects
        fresh += await store.facts_of(reader, objects, room)
    return fresh


def sids_of(fact: Fact) -> list[str]:
    """Return the SIDs that a fact names, in order: its object, its stream, and those of its snapshot."""
    texts = [fact.object_sid, fact.stream, json_text(fact.snapshot)]
    return list(dict.fromkeys(found for text in texts for found in _SID.findall(text)))


def hops(facts: Iterable[Fact]) -> list[Hop]:
    """Return the stations in the order of the way, each with its SIDs in the order of their first mention."""
    found: dict[str, dict[str, None]] = {name: {} for name, _ in STATIONS}
    prefixes = {prefix: name for name, of in STATIONS for prefix in of}
    for fact in facts:
        outbound = fact.kind.startswith("carrier_message.") and fact.snapshot.get("direction") != "inbound"
        for sid in sids_of(fact):
            name = prefixes.get(sid[:2])
            if name == CARRIER and (sid != fact.object_sid or not fact.kind.startswith("carrier_message.")):
                continue  # only its own fact says which way it went
            if name is not None:
                found[OUTBOUND if name == CARRIER and outbound else name].setdefault(sid)
    return [Hop(name, tuple(sids)) for name, sids in found.items()]


CARRIER: Final = "carrier message"
OUTBOUND: Final = "carrier message out"
STATIONS: Final = (
    (CARRIER, ("SM", "MM")),
    ("address", ("IG",)),
    ("conversation", ("CH",)),
    ("message", ("IM",)),
    ("execution", ("FN",)),
    ("interaction", ("KD",)),
    ("interaction channel", ("UO",)),
    ("task", ("WT",)),
    ("reservation", ("WR",)),
    ("participant", ("MB",)),
    (OUTBOUND, ()),
    ("receipt", ("DY",)),
)
