"""Reactions of messaging: a sender for accepted texts, and status callbacks (channels.md §1.2, §1.3)."""

from typing import Any

from parlour.messaging import answering, log, services
from parlour.messaging.media import DELETE_FILES, Files
from parlour.messaging.store import services as store
from parlour.messaging.store.log import VERSION
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork
from parlour.webhooks.delivery import Deliverer, Told

NO_SENDER = 21703
BAD = frozenset({"failed", "undelivered"})


def make_reactions(deliverer: Deliverer, files: Files, base_url: str) -> Reactions:
    """Return the reactions; `deliverer` tells webhooks and status callbacks."""
    reactions = Reactions("messaging")

    @reactions.inside("account.created/1")
    async def provision(uow: UnitOfWork, _event: Event) -> None:
        """Give a new account the messaging service that its conversations have (conversations.md §2.3)."""
        await services.create_default(uow)

    @reactions.after(log.ACCEPTED, lanes=lambda event: [f"messaging-service:{event.snapshot['messaging_service_sid']}"])
    async def choose_sender(uow: UnitOfWork, event: Event) -> None:
        service = await store.fetch(uow, event.snapshot["messaging_service_sid"])
        recipient = event.snapshot["to_address"]
        number = None if service is None else await services.choose_sender(uow, service, recipient)
        await log.send_from(uow, event.object_sid, number, error_code=NO_SENDER)

    @reactions.after_call(log.QUEUED, log.UPDATED, lanes=_callback_lanes)
    async def tell_status(run: JobRun, event: Event) -> None:
        await deliverer.deliver(run, _told(event))

    @reactions.job(answering.ANSWER)
    async def answer(run: JobRun, payload: dict[str, Any]) -> None:
        await answering.answer(deliverer, base_url, run, payload)

    @reactions.job(DELETE_FILES)
    async def delete_files(_run: JobRun, payload: dict[str, Any]) -> None:
        for key in payload["keys"]:
            await files.delete(str(key))

    return reactions


def _callback_lanes(event: Event) -> list[str]:
    return [f"message-status:{event.stream}"] if event.listeners.get("status_callback") else []


def _told(event: Event) -> Told:
    row = event.snapshot
    return Told(
        webhook_sid=event.object_sid,
        stream=event.stream,
        key=event.sid,
        event_sid=event.sid,
        event_type=f"message-{row['status']}",
        method="post",
        url=str(row["status_callback"]),
        pairs=list(status_parameters(row).items()),
        counted=False,
    )


def status_parameters(row: dict[str, Any]) -> dict[str, str]:
    """Return what a status callback is told of a message (channels.md §1.3)."""
    told = {
        "MessageSid": row["sid"],
        "SmsSid": row["sid"],
        "AccountSid": row["account_sid"],
        "From": row["from_address"],
        "To": row["to_address"],
        "MessageStatus": row["status"],
        "SmsStatus": row["status"],
        "ApiVersion": VERSION,
    }
    if row["messaging_service_sid"]:
        told["MessagingServiceSid"] = row["messaging_service_sid"]
    if row["status"] in BAD and row["error_code"]:
        told["ErrorCode"] = str(row["error_code"])
    return told
