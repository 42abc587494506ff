"""Good calls of the event bridge: an envelope with a worker's token (taskrouter.md §9.4)."""

import json
from collections.abc import Callable
from typing import Any

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant

from tests.contract.good_calls import good
from tests.contract.inprocess import JSON, Request
from tests.contract.world import World

HOST = "event-bridge.twilio.com"
PATH = "/v1/wschannels"


def worker(world: World) -> tuple[str, str]:
    """Return workspace and worker, made once."""

    def make() -> tuple[str, str]:
        workspace = world.client.flex_api.v1.configuration().fetch().taskrouter_workspace_sid
        made = world.client.taskrouter.v1.workspaces(workspace).workers.create(friendly_name=world.unique("Worker"))
        return str(workspace), str(made.sid)

    return world.keep("bridge worker", make)


def envelope(world: World) -> bytes:
    """Return a call that reads the worker, as the worker."""
    workspace, sid = worker(world)
    key = world.keep("bridge key", lambda: world.client.new_keys.create(friendly_name="bridge"))
    token = AccessToken(world.account_sid, key.sid, key.secret, identity="worker")
    token.add_grant(TaskRouterGrant(workspace_sid=workspace, worker_sid=sid, role="worker"))
    url = f"Workspaces/{workspace}/Workers/{sid}"
    return json.dumps({"url": url, "method": "GET", "params": {}, "token": token.to_jwt()}).encode()


def sent(world: World, path: str) -> Callable[[], Any]:
    """Return the call of an envelope to a path."""
    request = Request("POST", HOST, path, headers=(("Content-Type", JSON),), body=envelope(world))
    return lambda: world.transport.carry(request)


@good("POST", "event-bridge", PATH)
def call_by_proxy(world: World) -> Callable[[], Any]:
    return sent(world, PATH)


@good("POST", "event-bridge", f"{PATH}/{{ChannelAccountSid}}/{{WorkerSid}}")
def call_by_older_path(world: World) -> Callable[[], Any]:
    return sent(world, f"{PATH}/{world.account_sid}/{worker(world)[1]}")
