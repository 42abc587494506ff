"""Interaction webhooks: what they hear and in which words (flex.md §1.7)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from parlour.flex.hooks import store
from parlour.kit.sids import ulid_of
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.rest.errors import invalid_parameter
from parlour.store.unit import Reader, UnitOfWork
from parlour.webhooks.delivery import Deliverer, Told

EVENT_OF: Final = {
    "interaction.created/1": "onInteractionCreated",
    "interaction_channel.created/1": "onChannelCreated",
    "interaction_channel.updated/1": "onChannelStatusUpdated",
    "interaction_participant.added/1": "onParticipantJoined",
    "interaction_participant.updated/1": "onParticipantUpdated",
    "interaction_participant.removed/1": "onParticipantLeft",
}
# onChannelCreateFailed can be asked for; here a channel is made in the request, which answers the failure itself.
EVENTS: Final = (*EVENT_OF.values(), "onChannelCreateFailed")
TYPES: Final = ("global", "interaction")
METHODS: Final = ("POST", "GET")
PREFIX: Final = "flex_interactionwebhook_"


def new_ttid(uow: UnitOfWork) -> str:
    """Return a name for a new webhook, which ends in a ULID."""
    return PREFIX + ulid_of(uow.new_sid("WH"))


def check_url(url: str) -> str:
    """Return a URL that can be called.

    :raises ContractError: 400/20001.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid_parameter("WebhookUrl", f"'{url[:200]}' is no http or https URL")
    return url


def check_events(events: list[str]) -> list[str]:
    """Return the events in the contract's spelling, each once.

    :raises ContractError: 400/20001.
    """
    spelled = {event.lower(): event for event in EVENTS}
    found = []
    for event in events:
        if event.lower() not in spelled:
            raise invalid_parameter("WebhookEvents", f"'{event[:64]}' is not one of {', '.join(EVENTS)}")
        found.append(spelled[event.lower()])
    if not found:
        raise invalid_parameter("WebhookEvents", "at least one event must be given")
    return list(dict.fromkeys(found))


async def check(reader: Reader, ttid: str | None) -> None:
    """Refuse a name of a webhook that the account does not have.

    :raises ContractError: 400/20001.
    """
    if ttid and await store.fetch(reader, ttid) is None:
        raise invalid_parameter("WebhookTtid", f"{ttid[:64]} was not found in this account")


def lanes(event: Event) -> list[str]:
    """Return a lane for each webhook that wants an event."""
    wanted = EVENT_OF[event.kind]
    hooks = event.listeners.get("webhooks") or ()
    return [f"flex-webhook:{hook['ttid']}:{event.stream}" for hook in hooks if wanted in hook["events"]]


def make_reactions(deliverer: Deliverer) -> Reactions:
    """Return the reaction by which ``deliverer`` tells interaction webhooks."""
    reactions = Reactions("flex.hooks")

    @reactions.after_call(*EVENT_OF, lanes=lanes)
    async def tell_webhook(run: JobRun, event: Event) -> None:
        _, ttid, stream = run.lane.split(":", 2)
        hook = await run.read(lambda reader: store.fetch(reader, ttid))
        wanted = EVENT_OF[event.kind]
        if hook is None or wanted not in hook.events:
            return
        told = Told(
            webhook_sid=ttid,
            stream=stream,
            key=event.sid,
            event_sid=event.sid,
            event_type=wanted,
            method=hook.method.lower(),
            url=hook.url,
            pairs=parameters(wanted, event.account_sid, hook.instance_sid, event.snapshot),
        )
        await deliverer.deliver(run, told)

    return reactions


def parameters(
    event_type: str, account_sid: str, instance_sid: str, snapshot: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return what a webhook is told of an event."""
    pairs = [
        ("EventType", event_type),
        ("AccountSid", account_sid),
        ("InstanceSid", instance_sid),
        ("InteractionSid", snapshot["interaction_sid"]),
    ]
    if event_type in ("onInteractionCreated", "onChannelCreated"):
        pairs.append(("MediaChannelSid", snapshot["conversation_sid"]))
        pairs.append(("MediaChannelType", snapshot["channel_type"]))
    if event_type != "onInteractionCreated":
        pairs.append(("ChannelSid", snapshot["channel_sid"]))
    if event_type == "onChannelStatusUpdated":
        pairs.append(("ChannelStatus", snapshot["status"]))
    if "participant_sid" in snapshot:
        pairs.append(("ParticipantSid", snapshot["participant_sid"]))
        pairs.append(("ParticipantType", snapshot["type"]))
        pairs.append(("TaskSid", snapshot["task_sid"] or ""))
    return pairs
