"""SIDs: in the order of their making, each minted once, also by a process that began as the copy of another."""

import os
from datetime import UTC, datetime, timedelta

from parlour.kit.sids import Sids, is_exact_sid

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_sids_of_one_moment_and_of_later_ones_sort_in_the_order_of_their_making() -> None:
    sids = Sids()
    made = [sids.new("CH", NOW + timedelta(milliseconds=number // 300)) for number in range(1000)]
    assert all(is_exact_sid(sid) for sid in made)
    assert made == sorted(made)
    assert len(set(made)) == 1000


def test_a_clock_that_goes_back_takes_no_sid_back() -> None:
    sids = Sids()
    later = sids.new("CH", NOW)
    assert sids.new("CH", NOW - timedelta(hours=1)) > later


def test_a_forked_process_mints_none_of_its_parents_sids() -> None:
    sids = Sids()
    sids.new("CH", NOW)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "\n".join(sids.new("CH", NOW) for _ in range(20)).encode())
        os._exit(0)
    os.close(writing)
    ours = {sids.new("CH", NOW) for _ in range(20)}
    with os.fdopen(reading) as line:
        theirs = set(line.read().split("\n"))
    os.waitpid(child, 0)
    assert len(theirs) == 20
    assert not ours & theirs
