"""The good calls of Parlour's own operations on routing."""

from collections.abc import Callable
from typing import Any

from tests.contract.calls.taskrouter import queue, workspace
from tests.contract.calls.tasks import offer
from tests.contract.good_calls import good
from tests.contract.inprocess import raw
from tests.contract.world import World


@good("GET", "parlour", "/v1/Routing/{TaskSid}")
def explain_task(world: World) -> Callable[[], Any]:
    task_sid, _, _ = offer(world)
    request = raw(world.credentials, "GET", "parlour", f"/v1/Routing/{task_sid}")
    return lambda: world.transport.carry(request)


@good("GET", "parlour", "/v1/RoutingWarnings/{WorkspaceSid}")
def list_warnings(world: World) -> Callable[[], Any]:
    queue(world, "1==2")
    request = raw(world.credentials, "GET", "parlour", f"/v1/RoutingWarnings/{workspace(world).fetch().sid}")
    return lambda: world.transport.carry(request)
