"""Refusals of the event bridge that no other test comes to (taskrouter.md §9.4)."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant

from tests.contract.calls import taskrouter, tasks
from tests.contract.calls.engagements import transfer
from tests.contract.calls.flex import channel, routing
from tests.contract.inprocess import JSON, Request
from tests.contract.world import World

PATH = "/v1/wschannels"


def token(world: World, workspace: str | None, worker: str | None, role: str = "worker") -> str:
    """Return a token with a grant of TaskRouter."""
    key = world.keep("bridge key", lambda: world.client.new_keys.create(friendly_name="bridge"))
    made = AccessToken(world.account_sid, key.sid, key.secret, identity="worker")
    made.add_grant(TaskRouterGrant(workspace_sid=workspace, worker_sid=worker, role=role))
    return str(made.to_jwt())


async def asked(world: World, method: str, url: str, by: Callable[[], str], **params: Any) -> tuple[int, Any]:
    """Call through the bridge, and return status and body."""
    envelope = {"url": url, "method": method, "params": params, "token": await asyncio.to_thread(by)}
    request = Request("POST", "event-bridge.twilio.com", PATH, body=json.dumps(envelope).encode())
    reply = await world.stage.send(request.with_header("Content-Type", JSON))
    body = reply.body
    return reply.status, body.get("payload", body) if isinstance(body, dict) else body


async def test_a_token_needs_a_workspace(own: World) -> None:
    status, body = await asked(own, "GET", "Workspaces/WS" + "0" * 32, lambda: token(own, None, None))
    assert (status, body["code"], "no grant for a workspace" in body["message"]) == (403, 20403, True)


async def test_a_task_is_changed_by_whom_it_was_offered_to(own: World) -> None:
    task, _, _ = await asyncio.to_thread(tasks.offer, own)
    stranger = await asyncio.to_thread(taskrouter.worker, own)
    workspace = own.keep("workspace", str)  # where offers are made
    status, body = await asked(
        own,
        "POST",
        f"Workspaces/{workspace}/Tasks/{task}",
        lambda: token(own, workspace, stranger),
        Attributes="{}",
    )
    assert (status, body["code"], "was not offered" in body["message"]) == (403, 20403, True)


async def test_who_was_asked_into_a_channel_does_nothing_to_it_before_they_accept(own: World) -> None:
    url, workspace, agent, other = await asyncio.to_thread(two_in_a_channel, own, accepts=False)
    wanted = {"type": "cold", "from": agent, "to": other}
    status, body = await asked(own, "POST", url, lambda: token(own, workspace, other), **wanted)
    assert (status, body["code"], "does not work in" in body["message"]) == (403, 20403, True)


async def test_an_agent_hands_over_their_own_part_alone(own: World) -> None:
    url, workspace, agent, other = await asyncio.to_thread(two_in_a_channel, own, accepts=True)
    wanted = {"type": "cold", "from": agent, "to": other}
    status, body = await asked(own, "POST", url, lambda: token(own, workspace, other), **wanted)
    assert (status, body["code"], f"is not worker {other}" in body["message"]) == (403, 20403, True)


def two_in_a_channel(world: World, *, accepts: bool) -> tuple[str, str, str, str]:
    """Return where a channel's transfers are, its workspace, an agent in it, and a worker who was asked into it too."""
    known, agent, other = transfer(world)
    properties = {key: each for key, each in routing(world)["properties"].items() if key != "workflow_sid"}
    queue = world.client.flex_api.v1.configuration().fetch().taskrouter_target_taskqueue_sid
    made = known.invites.create(routing={"properties": {**properties, "worker_sid": other, "queue_sid": queue}})
    world.stage.settle()
    if accepts:
        worker = world.client.taskrouter.v1.workspaces(properties["workspace_sid"]).workers(other)
        task = made.routing["properties"]["sid"]
        (offer,) = (each for each in worker.reservations.list() if each.task_sid == task)
        worker.reservations(offer.sid).update(reservation_status="accepted")
        world.stage.settle()
    found = known.fetch()
    instance = world.client.flex_api.v1.configuration().fetch().flex_instance_sid
    url = f"v1/Instances/{instance}/Interactions/{found.interaction_sid}/Channels/{found.sid}/Transfers"
    return url, properties["workspace_sid"], agent, other


async def test_an_invite_is_answered_by_a_worker(own: World) -> None:
    known = await asyncio.to_thread(channel, own)
    workspace = (await asyncio.to_thread(routing, own))["properties"]["workspace_sid"]

    def path() -> str:
        found, invite = known.fetch(), known.invites.list(limit=1)[0]
        return f"v1/Interactions/{found.interaction_sid}/Channels/{found.sid}/Invites/{invite.sid}"

    url = await asyncio.to_thread(path)
    answer: dict[str, Any] = {"action": "accept", "routing": {"reservation": {"sid": "WR" + "0" * 32}}}
    status, body = await asked(own, "POST", url, lambda: token(own, workspace, None, role="supervisor"), **answer)
    assert (status, body["code"], "of no worker" in body["message"]) == (403, 20403, True)


async def test_the_task_of_a_conversation_changes_hands_with_it(own: World) -> None:
    known, _, other = await asyncio.to_thread(transfer, own)
    workspace = (await asyncio.to_thread(routing, own))["properties"]["workspace_sid"]
    api = own.client.taskrouter.v1.workspaces(workspace)

    def held() -> tuple[str, str, str]:
        task = known.invites.list(limit=1)[0].routing["properties"]["sid"]
        (reservation,) = api.tasks(task).reservations.list()
        return str(task), str(reservation.sid), str(reservation.worker_sid)

    task, reservation, ana = await asyncio.to_thread(held)
    url = f"Workspaces/{workspace}/Workers/{ana}/Transfers"
    wanted = {"TaskSid": task, "ReservationSid": reservation, "To": other}
    status, body = await asked(own, "POST", url, lambda: token(own, workspace, ana), **wanted)
    assert (status, body["code"], "changes hands by the Transfers of" in body["message"]) == (400, 20001, True)
