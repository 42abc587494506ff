"""Good calls of interactions at work: participants, transfers, webhooks, own orchestration (flex.md §1)."""

from collections.abc import Callable
from typing import Any

from tests.contract.calls.flex import BELOW, INTERACTIONS, channel, hook, interaction, options, routing
from tests.contract.good_calls import good
from tests.contract.inprocess import raw
from tests.contract.world import World

HOOKS = "/v1/Instances/{InstanceSid}/InteractionWebhooks"
EVENTS = (["onChannelCreated", "onParticipantJoined"], ["onInteractionCreated"])


class Body(dict[str, Any]):
    """A JSON body as the official package wants it."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


def worker(world: World) -> str:
    """Return a worker of Flex who is there."""
    workspace = routing(world)["properties"]["workspace_sid"]
    api = world.client.taskrouter.v1.workspaces(workspace)
    (free,) = api.activities.list(friendly_name="Available")
    return str(api.workers.create(friendly_name=world.unique("Agent"), activity_sid=free.sid).sid)


def worked_on(world: World) -> tuple[Any, str]:
    """Return the channel of an interaction that an agent accepted, and who the agent is in it."""
    sid = worker(world)
    values = options(world)
    properties = values["routing"]["properties"]
    properties |= {"worker_sid": sid}
    del properties["workflow_sid"]
    made = world.client.flex_api.v1.interaction.create(**values)
    world.stage.settle()
    workspace = world.client.taskrouter.v1.workspaces(properties["workspace_sid"])
    task = made.routing["properties"]["sid"]
    (offer,) = (each for each in workspace.workers(sid).reservations.list() if each.task_sid == task)
    workspace.workers(sid).reservations(offer.sid).update(reservation_status="accepted")
    world.stage.settle()
    api = world.client.flex_api.v1.interaction(made.sid).channels(made.channel["sid"])
    return api, next(str(each.sid) for each in api.participants.list() if each.type == "agent")


def call(world: World, method: str, path: str, **form: str) -> Callable[[], Any]:
    """Return a call that no official SDK makes."""
    request = raw(world.credentials, method, "flex-api", path, **form)
    return lambda: world.transport.carry(request)


@good("POST", "flex-api", f"{INTERACTIONS}/{{Sid}}")
def update_interaction(world: World) -> Callable[[], Any]:
    known = interaction(world)
    ttid = hook(world)[1]
    return lambda: known.update(webhook_ttid=world.pick(ttid, ""))


@good("POST", "flex-api", f"{BELOW}/Participants")
def create_participant(world: World) -> Callable[[], Any]:
    known = channel(world)
    kind = world.pick("agent", "supervisor", "external", "agent", "customer", "unknown")
    media: dict[str, Any] = {"identity": world.unique("somebody")}
    if kind == "agent":
        asked = {"worker_sid": worker(world), "attributes": {"name": world.unique("Bo")}}
        return lambda: known.participants.create(type=kind, media_properties=media, routing_properties=asked)
    if kind in ("customer", "external"):
        media = {"address": world.phone(), "proxy_address": world.number()}
    return lambda: known.participants.create(type=kind, media_properties=media)


@good("POST", "flex-api", f"{BELOW}/Participants/{{Sid}}")
def update_participant(world: World) -> Callable[[], Any]:
    known, agent = worked_on(world)
    return lambda: known.participants(agent).update(status=world.pick("closed", "wrapup"))


def transfer(world: World) -> tuple[Any, str, str]:
    """Return a channel, its agent and another worker to whom it may go."""
    known, agent = worked_on(world)
    return known, agent, worker(world)


@good("POST", "flex-api", f"{BELOW}/Transfers")
def create_transfer(world: World) -> Callable[[], Any]:
    known, agent, other = transfer(world)
    body = Body({"type": world.pick("cold", "warm"), "from": agent, "to": other})
    return lambda: known.transfers.create(body)


@good("GET", "flex-api", f"{BELOW}/Transfers/{{Sid}}")
def fetch_transfer(world: World) -> Callable[[], Any]:
    known, agent, other = transfer(world)
    made = known.transfers.create(Body({"type": "cold", "from": agent, "to": other}))
    return lambda: known.transfers(made.sid).fetch()


@good("POST", "flex-api", f"{BELOW}/Transfers/{{Sid}}")
def update_transfer(world: World) -> Callable[[], Any]:
    known, agent, other = transfer(world)
    made = known.transfers.create(Body({"type": "cold", "from": agent, "to": other}))
    return lambda: known.transfers(made.sid).update(Body(status="failed"))


@good("POST", "flex-api", HOOKS)
def create_hook(world: World) -> Callable[[], Any]:
    instance = hook(world)[0]
    return call(
        world,
        "POST",
        f"/v1/Instances/{instance}/InteractionWebhooks",
        WebhookUrl=f"https://example.com/{world.unique('flex')}",
        WebhookEvents=world.pick(*EVENTS)[0],
        WebhookMethod=world.pick("POST", "GET"),
        Type=world.pick("global", "interaction"),
        FriendlyName=world.unique("Hook"),
    )


@good("GET", "flex-api", HOOKS)
def list_hooks(world: World) -> Callable[[], Any]:
    instance = hook(world)[0]
    hook(world)
    path = f"/v1/Instances/{instance}/InteractionWebhooks"
    return call(world, "GET", path, Type=world.pick("global", "interaction"), PageSize="1")


@good("GET", "flex-api", f"{HOOKS}/{{Ttid}}")
def fetch_hook(world: World) -> Callable[[], Any]:
    instance, ttid = hook(world)
    return call(world, "GET", f"/v1/Instances/{instance}/InteractionWebhooks/{ttid}")


@good("POST", "flex-api", f"{HOOKS}/{{Ttid}}")
def update_hook(world: World) -> Callable[[], Any]:
    instance, ttid = hook(world)
    return call(
        world,
        "POST",
        f"/v1/Instances/{instance}/InteractionWebhooks/{ttid}",
        WebhookUrl=f"https://example.org/{world.unique('flex')}",
        WebhookEvents=world.pick(*EVENTS)[0],
        WebhookMethod=world.pick("GET", "POST"),
        Type=world.pick("interaction", "global"),
        FriendlyName=world.unique("Hook"),
    )


@good("DELETE", "flex-api", f"{HOOKS}/{{Ttid}}")
def delete_hook(world: World) -> Callable[[], Any]:
    instance, ttid = hook(world)
    return call(world, "DELETE", f"/v1/Instances/{instance}/InteractionWebhooks/{ttid}")


@good("POST", "flex-api", "/v1/Channels/{ConversationSid}/Roles/{Role}/Users")
def add_to_conversation(world: World) -> Callable[[], Any]:
    talk = world.client.conversations.v1.conversations.create(friendly_name=world.unique("Own"))
    role = world.pick("agent", "supervisor", "admin")
    return call(world, "POST", f"/v1/Channels/{talk.sid}/Roles/{role}/Users", Identity=world.unique("agent"))


ORCHESTRATION = "/v1/Flex/Orchestration"
SAID = ({"AutoAccept": "true", "WrapUpAfter": "60"}, {"AutoAccept": "false", "WrapUpAfter": "90"})


def orchestrated(world: World) -> str:
    """Return a worker for whom something is set."""
    sid = worker(world)
    world.raw("POST", "parlour", f"{ORCHESTRATION}/{sid}", AutoAccept="false")
    return sid


@good("POST", "parlour", f"{ORCHESTRATION}/{{Sid}}")
def set_orchestration(world: World) -> Callable[[], Any]:
    form = {
        **world.pick(*SAID),
        "MaximumWrapUp": world.pick("30", "45"),
        "CloseAt": world.pick("wrapup", "completion"),
        "OnTaskEnd": world.pick("wake", "close", "flag"),
    }
    return own(world, "POST", f"{ORCHESTRATION}/{worker(world)}", **form)


@good("GET", "parlour", f"{ORCHESTRATION}/{{Sid}}")
def fetch_orchestration(world: World) -> Callable[[], Any]:
    return own(world, "GET", f"{ORCHESTRATION}/{orchestrated(world)}")


@good("DELETE", "parlour", f"{ORCHESTRATION}/{{Sid}}")
def delete_orchestration(world: World) -> Callable[[], Any]:
    return own(world, "DELETE", f"{ORCHESTRATION}/{orchestrated(world)}")


@good("GET", "parlour", ORCHESTRATION)
def list_orchestration(world: World) -> Callable[[], Any]:
    orchestrated(world)
    orchestrated(world)
    return own(world, "GET", ORCHESTRATION, PageSize="1")


def own(world: World, method: str, path: str, **form: str) -> Callable[[], Any]:
    """Return a call of Parlour's own API."""
    request = raw(world.credentials, method, "parlour", path, **form)
    return lambda: world.transport.carry(request)
