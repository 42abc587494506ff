"""Good calls of Studio v2 (studio.md §1.3, §5)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.contract.good_calls import good
from tests.contract.world import World

FLOWS = "/v2/Flows"
FLOW = f"{FLOWS}/{{Sid}}"
EXECUTIONS = f"{FLOWS}/{{FlowSid}}/Executions"
STEPS = f"{EXECUTIONS}/{{ExecutionSid}}/Steps"
THEN, LATER = datetime(2024, 5, 1, 12, tzinfo=UTC), datetime(2024, 6, 2, 13, tzinfo=UTC)


def definition(*, wait: bool = False) -> dict[str, Any]:
    """Return a flow that sets variables, and ends or waits for a reply."""
    states: list[dict[str, Any]] = [
        {
            "name": "Trigger",
            "type": "trigger",
            "properties": {"offset": {"x": 0, "y": 0}},
            "transitions": [
                {"event": "incomingMessage"},
                {"event": "incomingCall"},
                {"event": "incomingConversationMessage"},
                {"event": "incomingRequest", "next": "first"},
                {"event": "incomingParent"},
            ],
        },
        _setting("first", "second"),
        _setting("second", "third"),
        _setting("third", "ask" if wait else None),
    ]
    if wait:
        states.append(
            {
                "name": "ask",
                "type": "send-and-wait-for-reply",
                "properties": {
                    "offset": {"x": 0, "y": 0},
                    "service": "{{trigger.message.InstanceSid}}",
                    "channel": "{{trigger.message.ChannelSid}}",
                    "from": "{{flow.channel.address}}",
                    "body": "And?",
                    "timeout": "3600",
                },
                "transitions": [{"event": "incomingMessage"}, {"event": "timeout"}, {"event": "deliveryFailure"}],
            }
        )
    return {
        "description": "Contract",
        "states": states,
        "initial_state": "Trigger",
        "flags": {"allow_concurrent_calls": True},
    }


def _setting(name: str, following: str | None) -> dict[str, Any]:
    exit_: dict[str, Any] = {"event": "next"} if following is None else {"event": "next", "next": following}
    return {
        "name": name,
        "type": "set-variables",
        "properties": {"offset": {"x": 0, "y": 0}, "variables": [{"key": name, "value": "1"}]},
        "transitions": [exit_],
    }


def options(world: World) -> dict[str, Any]:
    """Return what may be set of a flow."""
    return {
        "friendly_name": world.unique("Flow"),
        "status": world.pick("draft", "published"),
        "definition": definition(wait=world.pick(True, False)),
        "commit_message": world.unique("Change"),
    }


def flow(world: World, *, wait: bool = False) -> Any:
    """Return the context of a new published flow."""
    made = world.client.studio.v2.flows.create(
        friendly_name=world.unique("Flow"), status="published", definition=definition(wait=wait)
    )
    return world.client.studio.v2.flows(made.sid)


@good("POST", "studio", FLOWS)
def create_flow(world: World) -> Callable[[], Any]:
    return lambda: world.client.studio.v2.flows.create(**options(world))


@good("POST", "studio", f"{FLOWS}/Validate")
def validate_flow(world: World) -> Callable[[], Any]:
    return lambda: world.client.studio.v2.flow_validate.update(**options(world))


@good("GET", "studio", FLOWS)
def list_flows(world: World) -> Callable[[], Any]:
    for _ in range(3):
        flow(world)
    return lambda: world.client.studio.v2.flows.list(limit=3, page_size=1)


@good("GET", "studio", FLOW)
def fetch_flow(world: World) -> Callable[[], Any]:
    return flow(world).fetch  # type: ignore[no-any-return]


@good("POST", "studio", FLOW)
def update_flow(world: World) -> Callable[[], Any]:
    known = flow(world)
    return lambda: known.update(**options(world))


@good("DELETE", "studio", FLOW)
def delete_flow(world: World) -> Callable[[], Any]:
    return flow(world).delete  # type: ignore[no-any-return]


@good("GET", "studio", f"{FLOW}/Revisions")
def list_revisions(world: World) -> Callable[[], Any]:
    known = flow(world)
    for _ in range(2):
        known.update(**options(world))
    return lambda: known.revisions.list(limit=3, page_size=1)


@good("GET", "studio", f"{FLOW}/Revisions/{{Revision}}")
def fetch_revision(world: World) -> Callable[[], Any]:
    known = flow(world)
    return lambda: known.revisions(world.pick("1", "LatestRevision")).fetch()


@good("GET", "studio", f"{FLOW}/TestUsers")
def fetch_test_users(world: World) -> Callable[[], Any]:
    known = flow(world)
    return lambda: known.test_users().fetch()


@good("POST", "studio", f"{FLOW}/TestUsers")
def update_test_users(world: World) -> Callable[[], Any]:
    known = flow(world)
    return lambda: known.test_users().update(test_users=[world.phone()])


def execution(world: World, *, wait: bool = False) -> tuple[Any, str]:
    """Return the context of a flow and an execution of it."""
    known = flow(world, wait=wait)
    sid = str(known.executions.create(to=world.phone(), from_=world.keep("caller", world.number)).sid)
    world.stage.settle()
    return known, sid


@good("POST", "studio", EXECUTIONS)
def create_execution(world: World) -> Callable[[], Any]:
    known = flow(world)
    sender = world.number()
    return lambda: known.executions.create(
        to=world.phone(), from_=sender, parameters={"name": world.unique("Bo"), "number": 1}
    )


@good("GET", "studio", EXECUTIONS)
def list_executions(world: World) -> Callable[[], Any]:
    known, _ = execution(world)
    for _ in range(2):
        known.executions.create(to=world.phone(), from_=world.keep("caller", world.number))
    world.stage.settle()
    return lambda: known.executions.list(
        status=world.pick("active", "ended"),
        date_created_from=world.pick(THEN, LATER),
        date_created_to=world.pick(datetime(2090, 1, 1, tzinfo=UTC), datetime(2091, 1, 1, tzinfo=UTC)),
        limit=3,
        page_size=1,
    )


@good("GET", "studio", f"{EXECUTIONS}/{{Sid}}")
def fetch_execution(world: World) -> Callable[[], Any]:
    known, sid = execution(world)
    return lambda: known.executions(sid).fetch()


@good("POST", "studio", f"{EXECUTIONS}/{{Sid}}")
def update_execution(world: World) -> Callable[[], Any]:
    known, sid = execution(world, wait=True)
    return lambda: known.executions(sid).update(status="ended")


@good("DELETE", "studio", f"{EXECUTIONS}/{{Sid}}")
def delete_execution(world: World) -> Callable[[], Any]:
    known, sid = execution(world)
    return lambda: known.executions(sid).delete()


@good("GET", "studio", f"{EXECUTIONS}/{{ExecutionSid}}/Context")
def fetch_context(world: World) -> Callable[[], Any]:
    known, sid = execution(world)
    return lambda: known.executions(sid).execution_context().fetch()


@good("GET", "studio", STEPS)
def list_steps(world: World) -> Callable[[], Any]:
    known, sid = execution(world)
    return lambda: known.executions(sid).steps.list(limit=3, page_size=1)


def step(world: World) -> Any:
    """Return the context of a step."""
    known, sid = execution(world)
    run = known.executions(sid)
    return run.steps(run.steps.list(limit=1)[0].sid)


@good("GET", "studio", f"{STEPS}/{{Sid}}")
def fetch_step(world: World) -> Callable[[], Any]:
    return step(world).fetch  # type: ignore[no-any-return]


@good("GET", "studio", f"{STEPS}/{{StepSid}}/Context")
def fetch_step_context(world: World) -> Callable[[], Any]:
    known = step(world)
    return lambda: known.step_context().fetch()
