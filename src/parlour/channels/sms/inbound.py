"""Inbound texts: stored as they came, then turned into messages of conversations (channels.md §8.3)."""

from typing import Any, Final

import structlog

from parlour.channels.sms import connections, fetching
from parlour.channels.sms.deps import Needs
from parlour.channels.sms.fetching import Unavailable
from parlour.channels.sms.store import events as store
from parlour.channels.sms.store.connections import Connection
from parlour.conversations import inbound as conversations
from parlour.conversations.inbound import Inbound, MediaItem, Received
from parlour.kit import failpoints
from parlour.kit.errors import ContractError
from parlour.messaging import log
from parlour.outbox.jobs import Dead, JobRun, Retry
from parlour.outbox.timers import schedule
from parlour.store.unit import UnitOfWork

TAKE: Final = "sms.take_inbound"
MEDIA_ATTEMPTS: Final = 4  # tries before a message is published without a file that cannot be had
UNAVAILABLE: Final = "[attachment unavailable]"
NOBODY: Final = Received(None, None, created=False)
REQUIRED: Final = ("MessageSid", "From", "To")

journal = structlog.get_logger("parlour.channels.sms")


async def accept(needs: Needs, connection: Connection, form: dict[str, str]) -> None:
    """Store a webhook under its unique id and have it taken; a copy, however late, changes nothing.

    :raises ContractError: 400, a required parameter is missing; 503, the database is away.
    """
    for name in REQUIRED:
        if not form.get(name):
            raise ContractError(20001, 400, f"Missing required parameter {name} in the post body")
    provider_sid = form["MessageSid"]
    failpoints.passing(failpoints.INBOUND_READ)

    async def work(uow: UnitOfWork) -> None:
        if await store.insert(uow, connection.sid, provider_sid, form):
            schedule(
                uow,
                TAKE,
                lane=f"sms-in:{form['To']}:{form['From']}",
                payload={"connection_sid": connection.sid, "provider_sid": provider_sid},
            )

    database = needs.database
    await database.step(connection.account_sid, work, request_id=database.sids.new("RQ", database.clock.now()))
    failpoints.passing(failpoints.INBOUND_STORED)


async def take(needs: Needs, run: JobRun, payload: dict[str, Any]) -> None:
    """Turn a stored webhook into a record of the log and a message of a conversation, in one unit."""
    connection_sid, provider_sid = str(payload["connection_sid"]), str(payload["provider_sid"])
    event = await run.read(lambda reader: store.fetch(reader, connection_sid, provider_sid))
    if event is None:
        raise Dead(f"the webhook {provider_sid} is gone")
    if event.done_at is not None or event.form is None:
        return
    form = event.form
    connection = await run.read(lambda reader: connections.fetch(reader, connection_sid))
    files = await fetching.fetch_all(needs, connection, _files(form))
    lost = [file for file in files if isinstance(file, Unavailable)]
    if run.attempt < MEDIA_ATTEMPTS and any(file.passing for file in lost):
        await _discard(needs, files)
        raise Retry(reason=f"{len(lost)} files are not to be had: {lost[0].reason}")
    items = [file for file in files if isinstance(file, MediaItem)]

    async def work(uow: UnitOfWork, wanted: bool = True) -> bool:
        locked = await store.lock(uow, connection_sid, provider_sid)
        if locked is None or locked.done_at is not None:
            return False
        row, received_event = await log.record_inbound(
            uow,
            from_address=form["From"],
            to_address=form["To"],
            body=form.get("Body", ""),
            num_media=len(files),
            provider_sid=provider_sid,
        )
        uow.cause = received_event.sid
        received = await conversations.receive(
            uow,
            Inbound(
                form["From"], form["To"], _body(form.get("Body", ""), lost), items, channel_type="sms", source="SMS"
            ),
        )
        store.done(
            uow,
            connection_sid,
            provider_sid,
            log_sid=row.sid,
            conversation_sid=received.conversation_sid,
            message_sid=received.message_sid,
        )
        return received.message_sid is not None

    try:
        taken = await run.finish(work)
    except ContractError as error:
        if error.status >= 500:
            raise
        journal.warning("a text that no conversation can hold", provider_sid=provider_sid, code=error.code)
        taken = await run.finish(lambda uow: work(uow, wanted=False))
    if not taken:
        await _discard(needs, files)


async def _discard(needs: Needs, files: list[MediaItem | Unavailable]) -> None:
    for file in files:
        if isinstance(file, MediaItem):
            await needs.media.delete(file.key)


def _files(form: dict[str, Any]) -> list[tuple[str, str]]:
    count = str(form.get("NumMedia", "0"))
    numbers = range(int(count)) if count.isdigit() and len(count) < 3 else range(0)
    return [
        (str(form[f"MediaUrl{number}"]), str(form.get(f"MediaContentType{number}", "")))
        for number in numbers
        if f"MediaUrl{number}" in form
    ]


def _body(body: str, lost: list[Unavailable]) -> str | None:
    lines = [body, *(UNAVAILABLE for _ in lost)]
    return "\n".join(line for line in lines if line) or None
