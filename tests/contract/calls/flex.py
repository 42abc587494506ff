"""Good calls of Flex: configuration and interactions (flex.md §1.1, §3.1), and of Parlour's own trace."""

from collections.abc import Callable
from typing import Any

from tests.contract.good_calls import good
from tests.contract.inprocess import raw
from tests.contract.world import World

INTERACTIONS = "/v1/Interactions"
CHANNELS = f"{INTERACTIONS}/{{InteractionSid}}/Channels"
BELOW = f"{CHANNELS}/{{ChannelSid}}"


@good("GET", "flex-api", "/v1/Configuration")
def fetch_configuration(world: World) -> Callable[[], Any]:
    return lambda: world.client.flex_api.v1.configuration().fetch(ui_version=world.pick("2.0.0", "2.17.1"))


class Body(dict[str, Any]):
    """A body as the official Python package takes it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON."""
        return dict(self)


@good("POST", "flex-api", "/v1/Configuration")
def update_configuration(world: World) -> Callable[[], Any]:
    body = Body(
        account_sid=world.account_sid,
        ui_attributes={"colour": world.unique("blue")},
        taskrouter_skills=[{"name": world.unique("skill"), "multivalue": False, "minimum": 0, "maximum": 0}],
    )
    return lambda: world.client.flex_api.v1.configuration().update(body=body)


def talk(world: World) -> str:
    """Return a conversation with a customer at the other end."""
    root = world.client.conversations.v1
    sid = str(root.conversations.create(friendly_name=world.unique("Talk")).sid)
    root.conversations(sid).participants.create(
        messaging_binding_address=world.phone(), messaging_binding_proxy_address=world.number()
    )
    return sid


def routing(world: World) -> dict[str, Any]:
    """Return the routing of an interaction to the desk of Flex."""
    configuration = world.client.flex_api.v1.configuration().fetch()
    workspace_sid = configuration.taskrouter_workspace_sid
    workflow = world.client.taskrouter.v1.workspaces(workspace_sid).workflows.list(limit=1)[0]
    return {
        "properties": {
            "workspace_sid": workspace_sid,
            "workflow_sid": workflow.sid,
            "task_channel_unique_name": "chat",
            "attributes": {"name": world.unique("Bo")},
        }
    }


def options(world: World) -> dict[str, Any]:
    """Return what makes an interaction of a customer's conversation."""
    return {
        "channel": {"type": "sms", "initiated_by": "customer", "properties": {"media_channel_sid": talk(world)}},
        "routing": routing(world),
    }


def interaction(world: World) -> Any:
    """Return the context of a new interaction."""
    made = world.client.flex_api.v1.interaction.create(**options(world))
    world.stage.settle()
    return world.client.flex_api.v1.interaction(made.sid)


def channel(world: World) -> Any:
    """Return the context of the channel of a new interaction."""
    made = interaction(world)
    return made.channels(made.channels.list(limit=1)[0].sid)


def hook(world: World) -> tuple[str, str]:
    """Return the instance and a new webhook of it."""
    instance = str(world.client.flex_api.v1.configuration().fetch().flex_instance_sid)
    made = world.raw(
        "POST",
        "flex-api",
        f"/v1/Instances/{instance}/InteractionWebhooks",
        WebhookUrl="https://example.com/flex",
        WebhookEvents="onChannelCreated",
        Type=world.pick("interaction", "global"),
    )
    return instance, str(made["ttid"])


@good("POST", "flex-api", INTERACTIONS)
def create_interaction(world: World) -> Callable[[], Any]:
    values = options(world) | {"webhook_ttid": hook(world)[1]}
    return lambda: world.client.flex_api.v1.interaction.create(**values)


@good("GET", "flex-api", f"{INTERACTIONS}/{{Sid}}")
def fetch_interaction(world: World) -> Callable[[], Any]:
    return interaction(world).fetch  # type: ignore[no-any-return]


@good("GET", "flex-api", CHANNELS)
def list_channels(world: World) -> Callable[[], Any]:
    made = interaction(world)
    return lambda: made.channels.list(limit=3, page_size=1)


@good("GET", "flex-api", f"{CHANNELS}/{{Sid}}")
def fetch_channel(world: World) -> Callable[[], Any]:
    return channel(world).fetch  # type: ignore[no-any-return]


@good("POST", "flex-api", f"{CHANNELS}/{{Sid}}")
def update_channel(world: World) -> Callable[[], Any]:
    known = channel(world)
    return lambda: known.update(status="closed", routing={"status": world.pick("closed", "wrapup")})


@good("GET", "flex-api", f"{BELOW}/Participants")
def list_participants(world: World) -> Callable[[], Any]:
    known = channel(world)
    for _ in range(2):
        media = {"address": world.phone(), "proxy_address": world.number()}
        known.participants.create(type="customer", media_properties=media)
    return lambda: known.participants.list(limit=3, page_size=1)


@good("POST", "flex-api", f"{BELOW}/Invites")
def create_invite(world: World) -> Callable[[], Any]:
    known = channel(world)
    values = routing(world)
    return lambda: known.invites.create(routing=values)


@good("GET", "flex-api", f"{BELOW}/Invites")
def list_invites(world: World) -> Callable[[], Any]:
    known = channel(world)
    for _ in range(2):
        known.invites.create(routing=routing(world))
    return lambda: known.invites.list(limit=3, page_size=1)


@good("GET", "parlour", "/v1/Trace/{Sid}")
def fetch_trace(world: World) -> Callable[[], Any]:
    sid = talk(world)
    world.stage.settle()
    request = raw(world.credentials, "GET", "parlour", f"/v1/Trace/{sid}")
    return lambda: world.transport.carry(request)
