"""Inbound texts: stored as they came, then turned into messages of conversations (channels.md §8.3)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from parlour.channels.sms import connections, fetching, kinds
from parlour.channels.sms.deps import Needs
from parlour.channels.sms.fetching import Unavailable
from parlour.channels.sms.store import events as store
from parlour.channels.sms.store.connections import Connection
from parlour.conversations import bindings, checks
from parlour.conversations import inbound as conversations
from parlour.conversations.inbound import Inbound, MediaItem, Received
from parlour.kit import failpoints
from parlour.kit.errors import ContractError
from parlour.messaging import answering, log, media, services
from parlour.messaging.store.services import Service
from parlour.outbox.jobs import Dead, JobRun, Retry
from parlour.outbox.timers import schedule
from parlour.rest.errors import missing_parameter
from parlour.store.unit import Reader, UnitOfWork

TAKE: Final = "sms.take_inbound"
TAKE_TEXT: Final = "sms.take_inbound_text"
MEDIA_ATTEMPTS: Final = 4  # tries before a message is published without a file that cannot be had
UNAVAILABLE: Final = "[attachment unavailable]"
OTHERS_MAX: Final = 20  # numbers of a group that are looked at
NOBODY: Final = Received(None, None, created=False)
REQUIRED: Final = ("MessageSid", "From", "To")

journal = structlog.get_logger("parlour.channels.sms")


async def accept(needs: Needs, connection: Connection, form: dict[str, str]) -> None:
    """Store a webhook under its unique id and have it taken; a copy, however late, changes nothing.

    :raises ContractError: 400, a required parameter is missing; 503, the database is away.
    """
    for name in REQUIRED:
        if not form.get(name):
            raise missing_parameter(name)
    provider_sid = form["MessageSid"]
    failpoints.passing(failpoints.INBOUND_READ)

    handler = TAKE if _files(form) else TAKE_TEXT

    async def work(uow: UnitOfWork) -> None:
        if await store.insert(uow, connection.sid, provider_sid, form):
            schedule(
                uow,
                handler,
                lane=f"sms-in:{form['To']}:{form['From']}",
                payload={"connection_sid": connection.sid, "provider_sid": provider_sid},
            )

    database = needs.database
    await database.step(connection.account_sid, work, request_id=database.sids.new("RQ", database.clock.now()))
    failpoints.passing(failpoints.INBOUND_STORED)


async def take_text(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Turn a stored webhook without media into a record of the log and a message of a conversation."""
    await _settle(uow, str(payload["connection_sid"]), str(payload["provider_sid"]), [], {})


async def take(needs: Needs, run: JobRun, payload: dict[str, Any]) -> None:
    """Fetch the media of a stored webhook, then take it as `take_text` does."""
    connection_sid, provider_sid = str(payload["connection_sid"]), str(payload["provider_sid"])
    event = await run.read(lambda reader: store.fetch(reader, connection_sid, provider_sid))
    if event is None:
        raise Dead(f"the webhook {provider_sid} is gone")
    if event.done_at is not None or event.form is None:
        return
    connection = await run.read(lambda reader: connections.fetch(reader, connection_sid))
    files = await fetching.fetch_all(needs, connection, _files(event.form))
    passing = [file for file in files if isinstance(file, Unavailable) and file.passing]
    if passing and run.attempt < MEDIA_ATTEMPTS:
        await _discard(needs, files)
        raise Retry(reason=f"{len(passing)} files are not to be had: {passing[0].reason}")
    twins = {file.key: await needs.media.twin(file.key) for file in files if isinstance(file, MediaItem)}
    kept = await run.finish(lambda uow: _settle(uow, connection_sid, provider_sid, files, twins))
    for key in {*twins, *twins.values()} - kept:
        await needs.media.delete(key)


async def _settle(
    uow: UnitOfWork,
    connection_sid: str,
    provider_sid: str,
    files: Sequence[MediaItem | Unavailable],
    twins: Mapping[str, str],
) -> set[str]:
    """Log a text, give it to its conversation or webhook, and write down what became of it.

    :param twins: a second file for each, which the log has beside a conversation's own.
    :returns: the keys of the files that somebody keeps.
    """
    event = await store.lock(uow, connection_sid, provider_sid)
    if event is None or event.done_at is not None or event.form is None:
        return set()
    form = event.form
    inbound = _inbound(form, files)
    fits = _fits(inbound)
    service = await services.of_number(uow, form["To"])
    if await _is_unheard(uow, service, inbound if fits else None):
        store.done(uow, connection_sid, provider_sid, log_sid=None, conversation_sid=None, message_sid=None)
        return set()
    row, logged = await log.record_inbound(
        uow,
        from_address=form["From"],
        to_address=form["To"],
        body=form.get("Body", ""),
        num_media=len(files),
        provider_sid=provider_sid,
        messaging_service_sid=service.sid if service else None,
    )
    uow.cause = logged.sid
    received = NOBODY
    if fits:
        autocreate_by = service.sid if service is not None and service.autocreate else None
        received = await conversations.receive(uow, inbound, autocreate_by=autocreate_by)
    store.done(
        uow,
        connection_sid,
        provider_sid,
        log_sid=row.sid,
        conversation_sid=received.conversation_sid,
        message_sid=received.message_sid,
    )
    if received.refused:
        await log.refused(uow, row)
        return set()
    for file in inbound.media:
        media.record(uow, row.sid, key=twins[file.key], content_type=file.content_type, size=file.size)
    if received.message_sid is None:
        await log.unclaimed(uow, row)
        answering.ask(uow, row, form)
        return set(twins.values())
    return {*twins, *twins.values()}


def _inbound(form: dict[str, Any], files: Sequence[MediaItem | Unavailable]) -> Inbound:
    """Return what Conversations is told of a text; files that could not be had are named in its body."""
    channel = bindings.channel_of(form["To"]) or kinds.CHANNEL.type
    return Inbound(
        form["From"],
        form["To"],
        _body(form.get("Body", ""), [file for file in files if isinstance(file, Unavailable)]),
        others=_others(form),
        channel_type=channel,
        source=kinds.source_of(channel),
        media=[file for file in files if isinstance(file, MediaItem)],
    )


async def _is_unheard(reader: Reader, service: Service | None, inbound: Inbound | None) -> bool:
    """Say whether a text is neither logged nor told: its service has no webhook, and no conversation wants it."""
    if service is None or service.autocreate or not answering.is_deaf(service):
        return False
    return inbound is None or not await conversations.has_place(reader, inbound)


def _fits(inbound: Inbound) -> bool:
    """Say whether a conversation can hold a text: senders by name, such as those of banks, are only logged."""
    try:
        bindings.check_pair(inbound.address, inbound.proxy_address)
        checks.body(inbound.body)
    except ContractError as error:
        journal.warning("a text that no conversation can hold", sender=inbound.address, code=error.code)
        return False
    return True


async def _discard(needs: Needs, files: Sequence[MediaItem | Unavailable]) -> None:
    for file in files:
        if isinstance(file, MediaItem):
            await needs.media.delete(file.key)


def _others(form: dict[str, Any]) -> tuple[str, ...]:
    """Return who else got a text that was sent to a group: `OtherRecipients0` and so on."""
    return tuple(
        str(form[f"OtherRecipients{number}"]) for number in range(OTHERS_MAX) if f"OtherRecipients{number}" in form
    )


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
