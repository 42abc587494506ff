"""The event callback of a workspace: told of each fact, in order per task and per worker (taskrouter.md §7.1)."""

from typing import Final

from parlour.kit.shared import Begin, Shared
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.store.unit import Reader
from parlour.taskrouter.audience import LISTENS, Audience, audience_of
from parlour.taskrouter.event_parameters import parameters, told
from parlour.taskrouter.event_types import KINDS
from parlour.webhooks import delivery
from parlour.webhooks.delivery import Deliverer

TIMEOUT: Final = 15.0  # seconds


def lanes(event: Event) -> list[str]:
    """Return the lane of the workspace's callback for the row whose order the event has, if it is told of it."""
    workspace_sid = event.listeners.get(LISTENS)
    return [] if workspace_sid is None else [f"events:{workspace_sid}:{event.stream}"]


def add_callback(reactions: Reactions, deliverer: Deliverer) -> None:
    """Have the event callbacks told by `deliverer`."""
    looks: Shared[tuple[Audience, str]] = Shared()

    @reactions.after_call(*KINDS, lanes=lanes)
    async def tell_event_callback(run: JobRun, event: Event) -> None:
        workspace_sid = event.snapshot["workspace_sid"]

        async def look(begin: Begin) -> tuple[Audience, str]:
            async def read(reader: Reader) -> tuple[Audience, str]:
                begin()
                return await audience_of(reader, workspace_sid), await deliverer.auth_token(reader)

            return await run.read(read)

        audience, auth_token = await looks.get((run.account_sid, workspace_sid), look)
        url = event.snapshot["told_to"] if audience.gone else audience.url
        if not url:
            return
        what = told(event.sid, event.kind, event.object_sid, event.at, event.snapshot)
        await deliverer.deliver(
            run,
            delivery.Told(
                webhook_sid=workspace_sid,
                stream=event.stream,
                key=event.sid,
                event_sid=event.sid,
                event_type=what.event_type,
                method="post",
                url=url,
                pairs=parameters(what, event.account_sid),
                patience=TIMEOUT,
                counted=False,
            ),
            auth_token,
        )
