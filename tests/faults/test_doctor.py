"""`parlour doctor` names each broken invariant: the database is damaged by SQL in two or more ways each (DESIGN §3)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from parlour.app import Program, compose
from parlour.cli.doctor import questions
from parlour.package import Invariant
from parlour.settings import Settings
from tests.carrier import eventually
from tests.faults.world import MESSAGING_NUMBER, World, running_world, stop

ACCEPTED = "account_sid = $1 AND reservation_status = 'accepted'"
NOWHERE = "repeat('0', 32)"
SECOND_ACCEPTED = f"""
INSERT INTO reservation SELECT (jsonb_populate_record(r, jsonb_build_object('sid', 'WR' || {NOWHERE}))).*
FROM reservation AS r WHERE {ACCEPTED}"""
LATE_MARK = """
WITH late AS (
    UPDATE task SET date_updated = date_updated - interval '1 minute'
    WHERE account_sid = $1 AND assignment_status = 'pending' RETURNING *
) INSERT INTO match_mark (account_sid, workspace_sid, subject_sid, marked_at)
SELECT account_sid, workspace_sid, sid, date_updated FROM late"""
LATE_WEBHOOK = """
UPDATE carrier_event SET done_at = NULL, received_at = received_at - interval '2 hours' WHERE account_sid = $1"""
LATE_SEND = """
UPDATE carrier_send SET state = 'sending', date_updated = date_updated - interval '2 hours' WHERE account_sid = $1"""
DAMAGE = [
    (1, LATE_WEBHOOK),
    (1, f"UPDATE carrier_event SET message_sid = 'IM' || {NOWHERE} WHERE account_sid = $1"),
    (1, "DELETE FROM message WHERE account_sid = $1 AND index = 0"),
    (2, "DELETE FROM open_pair WHERE account_sid = $1"),
    (2, "UPDATE conversation SET state = 'closed' WHERE account_sid = $1"),
    (2, "UPDATE participant SET address = '+15550000009' WHERE account_sid = $1 AND address IS NOT NULL"),
    (3, "UPDATE conversation SET next_index = next_index + 1 WHERE account_sid = $1"),
    (3, "DELETE FROM message WHERE account_sid = $1 AND index = 0"),
    (3, "UPDATE receipt SET status = 'failed' WHERE account_sid = $1"),
    (4, "UPDATE task SET assignment_status = 'canceled' WHERE account_sid = $1"),
    (4, "DELETE FROM interaction_invite WHERE account_sid = $1"),
    (5, "UPDATE task SET assignment_status = 'pending' WHERE account_sid = $1 AND assignment_status = 'assigned'"),
    (5, "UPDATE worker_channel SET assigned_tasks = 0 WHERE account_sid = $1"),
    (5, SECOND_ACCEPTED),
    (5, LATE_MARK),
    (6, "UPDATE participant SET removed_at = date_created WHERE account_sid = $1 AND identity IS NOT NULL"),
    (6, f"UPDATE reservation SET reservation_status = 'completed' WHERE {ACCEPTED}"),
    (6, "DELETE FROM interaction_participant WHERE account_sid = $1 AND type = 'agent'"),
    (9, "DELETE FROM lane WHERE account_sid = $1"),
    (9, "UPDATE lane SET due = due + interval '40 days' WHERE account_sid = $1"),
    (9, "UPDATE lane SET holder = 999999, lease = due WHERE account_sid = $1"),
    (9, "UPDATE job SET dead_at = '2026-01-01T00:00:00Z' WHERE account_sid = $1"),
    (11, LATE_SEND),
    (11, "UPDATE carrier_send SET state = 'queued' WHERE account_sid = $1"),
    (11, "UPDATE carrier_send SET provider_sid = NULL WHERE account_sid = $1"),
    (11, "UPDATE receipt SET channel_message_sid = NULL WHERE account_sid = $1"),
]
ASKED = {1, 2, 3, 4, 5, 6, 9, 11}


@dataclass
class Patient:
    """A database at rest in which one conversation has an agent and another waits for one."""

    world: World
    program: Program

    async def broken(self, damage: str = "") -> set[int]:
        """Return the invariants that the doctor's queries find broken after some damage, which is then undone."""
        account = self.world.credentials.account_sid
        connection = await asyncpg.connect(self.world.dsn)
        transaction = connection.transaction()
        await transaction.start()
        if damage:
            done = await connection.execute(damage, account)
            assert not done.endswith(" 0"), "nothing was damaged"
        now = self.program.clock.now()
        found = set()
        for question in questions(self.program):
            if isinstance(question, Invariant) and await connection.fetch(question.sql, account, now):
                found.add(question.number)
        await transaction.rollback()
        await connection.close()
        return found


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    with running_world(tmp_path_factory.mktemp("doctor")) as world:
        with world.robots(1, "--capacity", "1", "--poll", "0.1"):
            served, waiting = world.handset(), world.handset()
            world.carrier.text(served, MESSAGING_NUMBER, "serve me")
            eventually(lambda: world.carrier.received(served), seconds=30, what="the robot's answer")
            world.carrier.text(waiting, MESSAGING_NUMBER, "I can wait")
            eventually(lambda: pending_tasks(world), seconds=30, what="a waiting task")
        eventually(lambda: world.doctor() == [], seconds=20, what="everything is settled")
        stop(world.server.process)
        program = compose(Settings(data=world.data, demo=True), world.dsn)
        yield Patient(world, program)


def pending_tasks(world: World) -> list[Any]:
    client = world.client()
    space = client.taskrouter.v1.workspaces.list(friendly_name="Flex Task Assignment")[0]
    return list(client.taskrouter.v1.workspaces(space.sid).tasks.list(assignment_status=["pending"]))


def test_every_invariant_that_the_doctor_is_asked_about_is_damaged_in_two_ways(patient: Patient) -> None:
    ways = [number for number, _ in DAMAGE]
    assert {number for number in ways if ways.count(number) >= 2} == ASKED
    assert {one.number for one in questions(patient.program) if isinstance(one, Invariant)} == ASKED


async def test_an_undamaged_database_breaks_no_invariant(patient: Patient) -> None:
    assert await patient.broken() == set()


@pytest.mark.parametrize(("number", "damage"), DAMAGE)
async def test_damage_is_named_by_the_invariant_that_it_breaks(patient: Patient, number: int, damage: str) -> None:
    assert number in await patient.broken(damage)


def test_the_command_names_the_invariant_with_its_rows_and_the_remedy(patient: Patient, tmp_path: Path) -> None:
    async def damage() -> None:
        connection = await asyncpg.connect(patient.world.dsn)
        await connection.execute("DELETE FROM interaction_invite WHERE TRUE")
        await connection.close()

    asyncio.run(damage())
    found = [finding for finding in patient.world.doctor() if finding["name"].startswith("4. ")]
    assert len(found) == 1
    assert len(found[0]["rows"]) == 2
    assert "Invites" in found[0]["remedy"]
