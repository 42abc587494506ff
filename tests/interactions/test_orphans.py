"""Orphans: damage made by SQL is listed with its cause, a look changes nothing, and a repair brings an agent back."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from parlour.cli.main import main
from parlour.demo import DEMO_NUMBER
from tests.interactions.conftest import Desk, Engagement, Place
from tests.requirements import requirement

CHANNEL = "account_sid = $1 AND sid = $2"
TASKS = (
    "account_sid = $1 AND sid IN (SELECT task_sid FROM interaction_invite WHERE account_sid = $1 AND channel_sid = $2)"
)
OFFERS = TASKS.replace("AND sid IN", "AND task_sid IN")
# Where the channel stands before, what is done to its rows, and the cause that is named.
DAMAGE = [
    ("waiting", f"UPDATE task SET assignment_status = 'canceled' WHERE {TASKS}", "task_ended"),
    ("waiting", f"DELETE FROM task WHERE {TASKS}", "task_gone"),
    ("waiting", "DELETE FROM interaction_invite WHERE account_sid = $1 AND channel_sid = $2", "no_invite"),
    ("worked on", f"UPDATE interaction_channel SET status = 'closed' WHERE {CHANNEL}", "closed_channel"),
    ("worked on", f"UPDATE interaction_channel SET status = 'failed', error_code = 45356 WHERE {CHANNEL}",
     "failed_channel"),
    ("worked on", f"DELETE FROM reservation WHERE {OFFERS}", "nobody_holds"),
    ("offered", f"DELETE FROM reservation WHERE {OFFERS}", "nobody_offered"),
    ("worked on", """UPDATE participant SET removed_at = date_created WHERE account_sid = $1 AND sid IN (
        SELECT conversation_participant_sid FROM interaction_participant
        WHERE account_sid = $1 AND channel_sid = $2 AND type = 'agent')""", "agent_outside"),
    ("parked", f"UPDATE interaction_channel SET wake = NULL WHERE {CHANNEL}", "never_wakes"),
    ("parked", """UPDATE conversation SET listeners = listeners - 'parked' WHERE account_sid = $1 AND sid = (
        SELECT conversation_sid FROM interaction_channel WHERE account_sid = $1 AND sid = $2)""", "never_wakes"),
    ("left", f"UPDATE interaction_channel SET parked = FALSE WHERE {CHANNEL}", "left_unmarked"),
    ("waiting", f"UPDATE task SET task_queue_sid = 'WQ' || repeat('0', 32) WHERE {TASKS}", "no_queue"),
]  # fmt: skip


def sql(place: Place, statement: str, *values: str) -> list[Any]:
    """Do something to the database behind the server's back."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(place.dsn)
        async with connection.transaction():
            # Constraints that would keep damage out stand in nobody's way here.
            await connection.execute("SET LOCAL session_replication_role = replica")
            rows = await connection.fetch(statement, place.server.credentials.account_sid, *values)
        await connection.close()
        return list(rows)

    return asyncio.run(run())


def orphans(place: Place, *arguments: str) -> list[dict[str, Any]]:
    """Return what `parlour orphans` says."""
    done = CliRunner().invoke(main, ["orphans", "--json", "--database-url", place.dsn, *arguments])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == (1 if any(row["done"] is None for row in rows) else 0), done.output
    return rows


def stand(desk: Desk, carla: str, where: str) -> Engagement:
    """Return an engagement at some point of its life."""
    work = desk.engage()
    if where in ("worked on", "parked", "left"):
        work.accepted_by(carla)
    if where == "parked":
        desk.centre.server.advance(5)
        work.end_of(carla)
    if where == "left":
        work.api.update(status="inactive", routing={"status": "closed"})
    if where == "waiting":
        desk.centre.move(carla, "Offline")
    desk.settle()
    return work


@pytest.mark.parametrize(
    ("where", "damage", "kind"), DAMAGE, ids=[f"{kind}-{n}" for n, (_, _, kind) in enumerate(DAMAGE)]
)
def test_damage_is_listed_with_its_cause_and_repaired(
    desk: Desk, place: Place, where: str, damage: str, kind: str
) -> None:
    carla = desk.worker("Carla", available=where != "waiting")
    work = stand(desk, carla, where)
    sql(place, damage, work.channel)
    desk.centre.server.advance(60)

    (found,) = orphans(place)
    assert (found["conversation_sid"], found["kind"]) == (work.conversation, kind)
    assert found["age_seconds"] >= 60
    assert found["customers"] == [work.customer]
    assert found["would"]
    (again,) = orphans(place)
    assert {**again, "age_seconds": 0} == {**found, "age_seconds": 0}  # the look changed nothing

    (repaired,) = orphans(place, "--repair")
    assert repaired["done"] == found["would"]
    assert orphans(place) == []
    desk.centre.move(carla, "Available")
    work.says(work.customer, "is anybody there?")
    if kind != "agent_outside":
        reached(desk, work, carla)
    assert {work.customer, "Carla"} <= work.members()
    (message,) = work.talk.messages.list(order="desc", limit=1)
    assert message.body == "is anybody there?"


def reached(desk: Desk, work: Engagement, worker: str) -> None:
    """Accept the offer by which the customer reaches an agent, in whichever interaction."""
    offers = desk.client.taskrouter.v1.workspaces
    everywhere = [desk.centre.sid, desk.client.flex_api.v1.configuration().fetch().taskrouter_workspace_sid]
    for workspace in everywhere:
        for task in offers(workspace).tasks.list(assignment_status=["reserved", "pending"]):
            if json.loads(task.attributes).get("conversationSid") != work.conversation:
                continue
            if workspace != desk.centre.sid:
                take_elsewhere(desk, workspace, task.sid)
                return
            (offer,) = (each for each in desk.centre.offers(worker) if each.task_sid == task.sid)
            desk.answer(offer, "accepted")
            return
    raise AssertionError("no task came for the conversation")


def take_elsewhere(desk: Desk, workspace: str, task: str) -> None:
    """Accept a task in another workspace by a worker there of the same name."""
    api = desk.client.taskrouter.v1.workspaces(workspace)
    (free,) = api.activities.list(friendly_name="Available")
    (away,) = api.activities.list(friendly_name="Offline")
    worker = api.workers.create(
        friendly_name=f"Carla {task}", attributes='{"contact_uri": "client:Carla"}', activity_sid=free.sid
    )
    desk.settle()
    (offer,) = (each for each in api.workers(worker.sid).reservations.list() if each.task_sid == task)
    api.workers(worker.sid).reservations(offer.sid).update(reservation_status="accepted")
    worker.update(activity_sid=away.sid)
    desk.settle()


def test_an_open_channel_of_a_closed_conversation_is_closed(desk: Desk, place: Place) -> None:
    carla = desk.worker("Carla")
    work = stand(desk, carla, "worked on")
    sql(place, "UPDATE conversation SET state = 'closed' WHERE account_sid = $1 AND sid = $2", work.conversation)
    (found,) = orphans(place)
    assert (found["kind"], found["would"]) == ("closed_conversation", "closed")
    orphans(place, "--repair")
    assert work.status == "closed"
    assert len(desk.centre.offers(carla, "wrapping")) == 1


def test_orphans_may_be_closed_instead(desk: Desk, place: Place) -> None:
    work = stand(desk, desk.worker("Carla", available=False), "waiting")
    sql(place, f"DELETE FROM task WHERE {TASKS}", work.channel)
    orphans(place, "--repair", "--close")
    assert (work.state, work.status, orphans(place)) == ("closed", "closed", [])


@pytest.mark.parametrize("integration", ["studio", "webhook"])
@requirement("S41", "S42")
def test_a_conversation_without_its_addresss_webhook_is_an_orphan_by_the_faqs_definition(
    desk: Desk, place: Place, integration: str
) -> None:
    client = desk.client
    number = DEMO_NUMBER
    (address,) = (each for each in client.conversations.v1.address_configurations.list() if each.address == number)
    before = address.auto_creation
    if integration == "webhook":
        address.update(
            auto_creation_type="webhook",
            auto_creation_webhook_url="https://example.com/own",
            auto_creation_webhook_filters=["onMessageAdded"],
        )
    talk = client.conversations.v1.conversations.create()
    customer = f"+1202555{7700 + len(integration)}"
    talk.participants.create(messaging_binding_address=customer, messaging_binding_proxy_address=number)
    sql(place, "UPDATE conversation SET created_by = 'system' WHERE account_sid = $1 AND sid = $2", talk.sid)
    (found,) = orphans(place)
    assert (found["conversation_sid"], found["kind"]) == (talk.sid, "nobody_listens")
    address.update(auto_creation_type="studio", auto_creation_studio_flow_sid=before["studio_flow_sid"])
    (repaired,) = orphans(place, "--repair") or [{"done": None}]
    if integration == "studio":
        assert repaired["done"] == "sent to agents by a new interaction"
    talk.update(state="closed")
    desk.settle()
    assert orphans(place) == []
