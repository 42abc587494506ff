"""What Conversations does about facts, timers and jobs."""

from typing import Any

from parlour.conversations import conversations, media, reachability, service_removal, services, timers
from parlour.conversations.files import MediaStore
from parlour.conversations.webhooks_delivery import add_reactions
from parlour.messaging import services as messaging_services
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork
from parlour.webhooks.delivery import Deliverer


def make_reactions(media_store: MediaStore, deliverer: Deliverer) -> Reactions:
    """Return the reactions, which delete files of `media_store` and tell webhooks through `deliverer`."""
    reactions = Reactions("conversations")
    add_reactions(reactions, deliverer)

    @reactions.inside("account.created/1")
    async def provision(uow: UnitOfWork, _event: Event) -> None:
        """Give a new account its default service with the roles (conversations.md §7.2)."""
        await services.create_default(uow)

    @reactions.inside(messaging_services.REMOVED)
    async def forget_messaging_service(uow: UnitOfWork, event: Event) -> None:
        """Take a removed messaging service from the account's defaults (conversations.md §2.3)."""
        await services.forget_messaging_service(uow, event.object_sid)

    @reactions.step(timers.HANDLER)
    async def conversation_timer(uow: UnitOfWork, payload: dict[str, Any]) -> None:
        await conversations.timer_fired(uow, payload["sid"])

    @reactions.step(reachability.HANDLER)
    async def reachability_grace_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
        await reachability.grace_over(uow, payload)

    @reactions.step(media.UNATTACHED)
    async def unattached_media(uow: UnitOfWork, payload: dict[str, Any]) -> None:
        await media.unattached_timer_fired(uow, payload["sid"])

    @reactions.step(service_removal.HANDLER)
    async def empty_service(uow: UnitOfWork, payload: dict[str, Any]) -> None:
        await service_removal.empty(uow, payload["sid"])

    @reactions.job(media.DELETE_FILES)
    async def delete_files(_run: JobRun, payload: dict[str, Any]) -> None:
        for key in payload["keys"]:
            await media_store.delete(key)

    return reactions
