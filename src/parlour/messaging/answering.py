"""Who hears of a text that belongs to no conversation, and what it answers (channels.md §1.6-1.8).

The service's webhook, else the number's own. Both are called outside any transaction; a call whose answer cannot be
obeyed is followed by the fallback's, once. What they order is sent in the transaction that ends the job; there too a
floor of this program takes a text whose webhook, or a redirect of it, names that floor.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from parlour.kit.sids import is_sid
from parlour.messaging import log, numbers, residents, twiml
from parlour.messaging.store import log as store
from parlour.messaging.store import media as media_store
from parlour.messaging.store import numbers as number_store
from parlour.messaging.store import services as service_store
from parlour.messaging.store.log import VERSION, LoggedMessage
from parlour.messaging.store.numbers import Number
from parlour.messaging.store.services import Service
from parlour.messaging.twiml import Reply, TwimlError
from parlour.outbox.jobs import JobRun
from parlour.outbox.timers import schedule
from parlour.store.unit import Reader, UnitOfWork
from parlour.webhooks import store as deliveries
from parlour.webhooks.delivery import Deliverer, Told, Try, named

ANSWER: Final = "messaging.answer"
# How the contract calls where the address does not say: 5 s to connect, 15 s in all, one further try (§1.7).
DEFAULT_CALL: Final = "#ct=5000&rt=15000&tt=15000&rc=1&rp=ct"
REDIRECTS_MAX: Final = 10
LOOP_REPLIES: Final = 15  # to one recipient within LOOP_TIME (14107)
LOOP_TIME: Final = timedelta(seconds=30)
RETRIEVAL_FAILED: Final = 11200
CONNECTION_FAILED: Final = 11205
# What a carrier tells of a text and our own records say otherwise.
OURS: Final = frozenset(
    ("AccountSid", "From", "To", "Body", "NumMedia", "NumSegments", "SmsStatus", "MessageStatus", "ApiVersion")
)

journal = structlog.get_logger("parlour.messaging")


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """Whose webhook answers a text.

    :ivar sid: of the service or number.
    """

    sid: str
    url: str
    method: str
    fallback_url: str
    fallback_method: str


class Asked(msgspec.Struct, kw_only=True):
    """What was called, and what is to be sent.

    :ivar inside: the address of a floor of this program, to which it led.
    :ivar by_fallback: whether the fallback was asked.
    """

    tries: list[tuple[Told, Try]] = []
    replies: list[Reply] = []
    inside: str | None = None
    by_fallback: bool = False


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A text, whose webhook answers it, and what that is told.

    :ivar failed: what the webhook failed by on an earlier run, so that the fallback is asked.
    :ivar cause: SID of the event that it came with.
    """

    row: LoggedMessage
    hook: Hook
    pairs: list[tuple[str, str]]
    payload: Mapping[str, Any]
    failed: TwimlError | None
    cause: str | None


def hook_of(service: Service | None, number: Number | None) -> Hook | None:
    """Return the webhook of a number in its service, None where neither has one."""
    if service is not None and not service.use_inbound_webhook_on_number:
        found = Hook(
            sid=service.sid,
            url=service.inbound_request_url or "",
            method=service.inbound_method,
            fallback_url=service.fallback_url or "",
            fallback_method=service.fallback_method,
        )
    elif number is not None:
        found = Hook(
            sid=number.sid,
            url=number.sms_url,
            method=number.sms_method,
            fallback_url=number.sms_fallback_url,
            fallback_method=number.sms_fallback_method,
        )
    else:
        return None
    return found if found.url else None


def is_deaf(service: Service | None) -> bool:
    """Say whether texts to the numbers of a service are neither logged nor told: it has no webhook (§1.8)."""
    return service is not None and not service.inbound_request_url and not service.use_inbound_webhook_on_number


def ask(uow: UnitOfWork, row: LoggedMessage, form: Mapping[str, str]) -> None:
    """Have the webhook of an inbound text asked after this unit.

    :param form: what the carrier told of it; what only it knows, such as the sender's city, is passed on.
    """
    further = {name: value for name, value in form.items() if _passes(name)}
    _schedule(uow, row, {"sid": row.sid, "further": further, "cause": uow.cause})


def _schedule(uow: UnitOfWork, row: LoggedMessage, payload: Mapping[str, Any]) -> None:
    schedule(uow, ANSWER, lane=f"answer:{row.to_address}:{row.from_address}", payload=payload)


def _passes(name: str) -> bool:
    return name not in OURS and not name.endswith("Sid") and not name.startswith(("MediaUrl", "MediaContentType"))


async def answer(deliverer: Deliverer, base_url: str, run: JobRun, payload: Mapping[str, Any]) -> None:
    """Ask the webhook of a text, and send what it answers."""
    text = await run.read(lambda reader: _known(reader, payload, base_url))
    if text is None:
        return
    hook, sid = text.hook, text.row.sid
    token = await run.read(deliverer.auth_token)
    asked = Asked()
    failed = text.failed or await _follow(deliverer, token, run, text, hook, text.pairs, asked)
    if failed is not None and hook.fallback_url:
        journal.warning("a webhook's answer failed; its fallback is asked", sid=sid, code=failed.code, why=str(failed))
        asked.by_fallback = True
        told = [*text.pairs, ("ErrorCode", str(failed.code)), ("ErrorUrl", hook.url)]
        second = msgspec.structs.replace(hook, url=hook.fallback_url, method=hook.fallback_method)
        failed = await _follow(deliverer, token, run, text, second, told, asked, kind="message-fallback")
    if failed is not None:
        journal.warning("a text was not answered", sid=sid, code=failed.code, why=str(failed))
        asked.replies.clear()
    await run.finish(lambda uow: _obey(uow, text, asked))


async def _known(reader: Reader, payload: Mapping[str, Any], base_url: str) -> Incoming | None:
    sid = str(payload["sid"])
    row = await store.fetch(reader, sid)
    if row is None:
        return None
    service = await service_store.of_number(reader, row.to_address)
    hook = hook_of(service, await number_store.by_number(reader, row.to_address))
    if hook is None:
        return None
    told = {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": row.account_sid,
        "From": row.from_address,
        "To": row.to_address,
        "Body": row.body,
        "NumMedia": str(row.num_media),
        "NumSegments": str(row.num_segments),
        "SmsStatus": "received",
        "ApiVersion": VERSION,
    }
    if service is not None:
        told["MessagingServiceSid"] = service.sid
    for number, each in enumerate(await media_store.of_message(reader, sid)):
        path = f"/{VERSION}/Accounts/{row.account_sid}/Messages/{sid}/Media/{each.sid}"
        told[f"MediaUrl{number}"] = f"{base_url}/api{path}"
        told[f"MediaContentType{number}"] = each.content_type
    failed = payload.get("failed")
    return Incoming(
        row=row,
        hook=hook,
        pairs=list((told | dict(payload["further"])).items()),
        payload=payload,
        failed=None if failed is None else TwimlError(int(failed["code"]), str(failed["why"])),
        cause=payload.get("cause"),
    )


async def _follow(
    deliverer: Deliverer,
    token: str,
    run: JobRun,
    text: Incoming,
    hook: Hook,
    pairs: list[tuple[str, str]],
    asked: Asked,
    kind: str = "message-received",
) -> TwimlError | None:
    """Ask an address and those it leads on to; return why its answer cannot be obeyed, None where all is well.

    It ends at the address of a floor of this program.
    """
    url, method, row = hook.url, hook.method, text.row
    for _ in range(REDIRECTS_MAX + 1):
        if await run.read(partial(residents.at, url=url)) is not None:
            asked.inside = url
            return None
        told = Told(
            webhook_sid=hook.sid,
            stream=row.sid,
            key=f"{row.sid}:{'fallback:' if asked.by_fallback else ''}{len(asked.tries)}",
            event_sid=None,
            event_type=kind,
            method=method.lower(),
            url=url if "#" in url else url + DEFAULT_CALL,
            pairs=pairs,
            counted=False,
        )
        tries = await deliverer.tries(told, token, attempt=1)
        asked.tries += [(told, each) for each in tries]
        last = tries[-1].outcome
        if not last.delivered:
            code = CONNECTION_FAILED if last.status is None else RETRIEVAL_FAILED
            return TwimlError(code, last.error or f"answered {last.status}")
        try:
            read = twiml.read(last.content_type, last.body, base_url=url)
        except TwimlError as error:
            return error
        asked.replies += read.replies
        if read.redirect is None:
            return None
        url, method = read.redirect.url, read.redirect.method
    return TwimlError(RETRIEVAL_FAILED, f"over {REDIRECTS_MAX} redirects")


async def _obey(uow: UnitOfWork, text: Incoming, asked: Asked) -> None:
    uow.cause = text.cause
    for told, each in asked.tries:
        deliveries.insert(uow, each.row(uow, told, named(each.outcome, last=True)))
    await _send(uow, text.row, asked)
    if asked.inside is not None:
        await _hand_over(uow, text, asked.inside, asked.by_fallback)


async def _hand_over(uow: UnitOfWork, text: Incoming, url: str, by_fallback: bool) -> None:
    """Give a text to the floor that an address stands for; where that cannot take it, the fallback is asked next."""
    row, hook = text.row, text.hook
    ours = hook.sid if is_sid(hook.sid, "MG") else row.to_address
    resident = await residents.at(uow, url)
    given = residents.Text(sid=row.sid, sender=row.from_address, ours=ours, parameters=dict(text.pairs))
    if resident is None:
        failed: TwimlError | None = TwimlError(RETRIEVAL_FAILED, f"{url[:200]} is gone")
    else:
        failed = await resident.take(uow, url, given)
    if failed is None:
        return
    journal.warning("a text was not taken", sid=row.sid, code=failed.code, why=str(failed))
    if not by_fallback and hook.fallback_url:
        _schedule(uow, row, {**text.payload, "failed": {"code": failed.code, "why": str(failed)}})


async def _send(uow: UnitOfWork, row: LoggedMessage, asked: Asked) -> None:
    service = await service_store.of_number(uow, row.to_address)
    for reply in asked.replies[: twiml.REPLIES_MAX]:
        sender, to = reply.sender or row.to_address, reply.to or row.from_address
        if await number_store.by_number(uow, sender) is None or not numbers.is_phone_number(to) or sender == to:
            journal.warning("a reply cannot be sent", sid=row.sid, code=14102 if reply.sender else 14101, to=to)
            continue
        if await store.replies_since(uow, to, sender, uow.now - LOOP_TIME) >= LOOP_REPLIES:
            journal.warning("replies go round in a circle", sid=row.sid, code=14107, to=to)
            return
        await log.queue(
            uow,
            from_address=sender,
            to_address=to,
            body=reply.body,
            media_urls=reply.media_urls,
            direction="outbound-reply",
            messaging_service_sid=service.sid if service else None,
            status_callback=reply.status_callback,
        )
        await uow.flush()
