"""Good calls of Studio v1 (studio.md §5.6)."""

from collections.abc import Callable
from typing import Any

from tests.contract.calls.studio import LATER, THEN, flow
from tests.contract.good_calls import good
from tests.contract.world import World

FLOWS = "/v1/Flows"
FLOW = f"{FLOWS}/{{Sid}}"
EXECUTIONS = f"{FLOWS}/{{FlowSid}}/Executions"
ENGAGEMENTS = f"{FLOWS}/{{FlowSid}}/Engagements"
EXECUTION_STEPS = f"{EXECUTIONS}/{{ExecutionSid}}/Steps"
ENGAGEMENT_STEPS = f"{ENGAGEMENTS}/{{EngagementSid}}/Steps"


def known(world: World, *, wait: bool = False) -> Any:
    """Return the context of a new published flow."""
    made = flow(world, wait=wait)
    return world.client.studio.v1.flows(made._solution["sid"])


@good("GET", "studio", FLOWS)
def list_flows(world: World) -> Callable[[], Any]:
    for _ in range(3):
        flow(world)
    return lambda: world.client.studio.v1.flows.list(limit=3, page_size=1)


@good("GET", "studio", FLOW)
def fetch_flow(world: World) -> Callable[[], Any]:
    return known(world).fetch  # type: ignore[no-any-return]


@good("DELETE", "studio", FLOW)
def delete_flow(world: World) -> Callable[[], Any]:
    return known(world).delete  # type: ignore[no-any-return]


def started(world: World, name: str, *, wait: bool = False) -> tuple[Any, str]:
    """Return the flow's executions or engagements, and one of them."""
    runs = getattr(known(world, wait=wait), name)
    sid = str(runs.create(to=world.phone(), from_=world.keep("caller", world.number)).sid)
    world.stage.settle()
    return runs, sid


def run(world: World, name: str, *, wait: bool = False) -> Any:
    """Return the context of an execution or engagement."""
    runs, sid = started(world, name, wait=wait)
    return getattr(world.client.studio.v1.flows(runs._solution["flow_sid"]), name)(sid)


def _create(world: World, name: str) -> Callable[[], Any]:
    runs = getattr(known(world), name)
    sender = world.number()
    return lambda: runs.create(to=world.phone(), from_=sender, parameters={"name": world.unique("Bo"), "number": 1})


def _list(world: World, name: str, **filters: Any) -> Callable[[], Any]:
    runs, _ = started(world, name)
    for _ in range(2):
        runs.create(to=world.phone(), from_=world.keep("caller", world.number))
    world.stage.settle()
    return lambda: runs.list(limit=3, page_size=1, **filters)


def _step(world: World, name: str) -> Any:
    one = run(world, name)
    return one.steps(one.steps.list(limit=1)[0].sid)


@good("POST", "studio", EXECUTIONS)
def create_execution(world: World) -> Callable[[], Any]:
    return _create(world, "executions")


@good("POST", "studio", ENGAGEMENTS)
def create_engagement(world: World) -> Callable[[], Any]:
    return _create(world, "engagements")


@good("GET", "studio", EXECUTIONS)
def list_executions(world: World) -> Callable[[], Any]:
    ends = (THEN.replace(year=2090), LATER.replace(year=2091))
    return _list(world, "executions", date_created_from=world.pick(THEN, LATER), date_created_to=world.pick(*ends))


@good("GET", "studio", ENGAGEMENTS)
def list_engagements(world: World) -> Callable[[], Any]:
    return _list(world, "engagements")


@good("GET", "studio", f"{EXECUTIONS}/{{Sid}}")
def fetch_execution(world: World) -> Callable[[], Any]:
    return run(world, "executions").fetch  # type: ignore[no-any-return]


@good("GET", "studio", f"{ENGAGEMENTS}/{{Sid}}")
def fetch_engagement(world: World) -> Callable[[], Any]:
    return run(world, "engagements").fetch  # type: ignore[no-any-return]


@good("POST", "studio", f"{EXECUTIONS}/{{Sid}}")
def update_execution(world: World) -> Callable[[], Any]:
    one = run(world, "executions", wait=True)
    return lambda: one.update(status="ended")


@good("DELETE", "studio", f"{EXECUTIONS}/{{Sid}}")
def delete_execution(world: World) -> Callable[[], Any]:
    return run(world, "executions").delete  # type: ignore[no-any-return]


@good("DELETE", "studio", f"{ENGAGEMENTS}/{{Sid}}")
def delete_engagement(world: World) -> Callable[[], Any]:
    return run(world, "engagements").delete  # type: ignore[no-any-return]


@good("GET", "studio", f"{EXECUTIONS}/{{ExecutionSid}}/Context")
def fetch_execution_context(world: World) -> Callable[[], Any]:
    return run(world, "executions").execution_context().fetch  # type: ignore[no-any-return]


@good("GET", "studio", f"{ENGAGEMENTS}/{{EngagementSid}}/Context")
def fetch_engagement_context(world: World) -> Callable[[], Any]:
    return run(world, "engagements").engagement_context().fetch  # type: ignore[no-any-return]


@good("GET", "studio", EXECUTION_STEPS)
def list_execution_steps(world: World) -> Callable[[], Any]:
    one = run(world, "executions")
    return lambda: one.steps.list(limit=3, page_size=1)


@good("GET", "studio", ENGAGEMENT_STEPS)
def list_engagement_steps(world: World) -> Callable[[], Any]:
    one = run(world, "engagements")
    return lambda: one.steps.list(limit=3, page_size=1)


@good("GET", "studio", f"{EXECUTION_STEPS}/{{Sid}}")
def fetch_execution_step(world: World) -> Callable[[], Any]:
    return _step(world, "executions").fetch  # type: ignore[no-any-return]


@good("GET", "studio", f"{ENGAGEMENT_STEPS}/{{Sid}}")
def fetch_engagement_step(world: World) -> Callable[[], Any]:
    return _step(world, "engagements").fetch  # type: ignore[no-any-return]


@good("GET", "studio", f"{EXECUTION_STEPS}/{{StepSid}}/Context")
def fetch_execution_step_context(world: World) -> Callable[[], Any]:
    return _step(world, "executions").step_context().fetch  # type: ignore[no-any-return]


@good("GET", "studio", f"{ENGAGEMENT_STEPS}/{{StepSid}}/Context")
def fetch_engagement_step_context(world: World) -> Callable[[], Any]:
    return _step(world, "engagements").step_context().fetch  # type: ignore[no-any-return]
