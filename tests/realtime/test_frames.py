"""Frames and pages: the algorithms below the protocol (realtime-protocol.md §3, §8.2)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.kit.errors import ContractError
from parlour.kit.wire import encode_json
from parlour.realtime.sync import paging
from parlour.realtime.sync.items import Key
from parlour.realtime.sync.paging import Query
from parlour.realtime.twilsock import frames
from parlour.realtime.twilsock.frames import BadFrame
from parlour.realtime.twilsock.sending import Overflow, Sending
from tests.realtime import wire

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=50)


@given(text=TEXTS, payload=st.binary(max_size=200), rest=st.binary(max_size=5))
def test_a_frame_is_read_as_it_was_made_whatever_follows_it(text: str, payload: bytes, rest: bytes) -> None:
    read = frames.parse(wire.frame({"method": "message", "id": text}, payload) + rest)
    assert (read.method, read.id, read.payload) == ("message", text, payload)


@given(text=TEXTS, value=TEXTS)
def test_a_frame_that_is_built_has_lengths_in_bytes_and_no_line_end_inside(text: str, value: str) -> None:
    built = frames.build({"method": "notification", "id": text}, encode_json({"body": value}))
    header, payload = wire.opened(built)
    assert (header["id"], payload) == (text, {"body": value})
    assert built.count(b"\r\n") == 2


def test_a_frame_without_payload_ends_its_header_line() -> None:
    assert frames.build({"method": "ping", "id": "TM1"}).endswith(b"}\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"TWILSOCK V3.0 x\r\n{}\r\n",
        b"TWILSOCK V3.0 9999\r\n{}\r\n",
        b"TWILSOCK V3.0 2\r\n[]\r\n",
        b"TWILSOCK V3.0 3\r\n{a}\r\n",
        b'TWILSOCK V3.0 18\r\n{"payload_size":5}\r\nabc',
        b'TWILSOCK V3.0 19\r\n{"payload_size":-1}\r\n',
        b"TWILSOCK V3.0 " + b"1" * 100,
        b"TWILSOCK V3.0 2\r\n{}\r\n" + b"x" * frames.LARGEST,
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        frames.parse(data)


@dataclass(frozen=True)
class Row:
    """An item of a list in memory."""

    key: int


class Shelf:
    """A collection in memory, as the statements read one."""

    def __init__(self, keys: set[int]) -> None:
        self.keys = keys

    async def fetch(self, descending: bool, start: Key | None, inclusive: bool, limit: int) -> Sequence[Row]:
        """Return items from a key on."""

        def fits(key: int) -> bool:
            if start is None or (inclusive and key == start):
                return True
            return key < int(start) if descending else key > int(start)

        return [Row(key) for key in sorted(filter(fits, self.keys), reverse=descending)][:limit]


async def walk(shelf: Shelf, query: Query, *, back: bool) -> list[int]:
    """Follow the tokens of one direction to their end, and return the keys in the order of the query."""
    items, previous_token, next_token = await paging.page(query, shelf.fetch)
    found = [row.key for row in items]
    while (token := previous_token if back else next_token) is not None:
        items, previous_token, next_token = await paging.page(paging.from_token(token), shelf.fetch)
        assert items, "a token led to an empty page"
        page = [row.key for row in items]
        found = page + found if back else found + page
    return found


@given(
    keys=st.sets(st.integers(0, 40)),
    start=st.one_of(st.none(), st.integers(0, 40)),
    size=st.integers(1, 7),
    descending=st.booleans(),
    inclusive=st.booleans(),
)
def test_pages_in_both_directions_have_every_item_once_and_tokens_end_where_the_items_end(
    keys: set[int], start: int | None, size: int, descending: bool, inclusive: bool
) -> None:
    query = Query(size=size, descending=descending, start=start, inclusive=inclusive)
    shelf = Shelf(keys)
    ordered = sorted(keys, reverse=descending)

    async def both() -> tuple[list[int], list[int]]:
        return await walk(shelf, query, back=False), await walk(shelf, query, back=True)

    forward, backward = asyncio.run(both())

    def after(key: int) -> bool:
        if start is None or (inclusive and key == start):
            return True
        return key < start if descending else key > start

    assert forward == [key for key in ordered if after(key)]
    assert backward == [key for key in ordered if not after(key)] + forward[:size]


@pytest.mark.parametrize("token", ["nonsense", "bnVsbA", "eyJzaXplIjowfQ"])
def test_a_token_that_was_not_made_here_is_refused(token: str) -> None:
    with pytest.raises(ContractError):
        paging.from_token(token)


async def test_a_queue_takes_no_more_than_its_bound_from_those_who_do_not_wait() -> None:
    async def never(_frame: bytes) -> None:
        await asyncio.Event().wait()

    sending = Sending(never, bound=1000)
    sender = asyncio.create_task(sending.run())
    for _ in range(10):
        sending.offer(b"x" * 100)
    with pytest.raises(Overflow):
        sending.offer(b"x")
    assert sending.waiting == 1000
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)


async def test_an_answer_waits_for_room_and_then_goes() -> None:
    sent: list[bytes] = []
    gate = asyncio.Event()

    async def deliver(frame: bytes) -> None:
        await gate.wait()
        sent.append(frame)

    sending = Sending(deliver, bound=100)
    sender = asyncio.create_task(sending.run())
    sending.offer(b"a" * 90)
    waiting = asyncio.create_task(sending.put(b"b" * 90))
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()
    gate.set()
    await waiting
    sending.finish()
    await sender
    assert [frame[:1] for frame in sent] == [b"a", b"b"]
