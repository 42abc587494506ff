"""A channel of somebody else's: carrier pigeons between lofts. It is an adapter as an operator would write one.

The loft posts JSON to `/pigeon/{account_sid}` under a ring that both know, and is posted what goes out; it knows a
message by its `token`, so that one that is sent again flies once.
"""

import os
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from parlour.channels import contract
from parlour.channels.contract import Channel, Parts
from parlour.conversations import inbound, receipts
from parlour.conversations.inbound import Inbound
from parlour.kit.outgoing import OutgoingError
from parlour.kit.wire import decode_json, encode_json
from parlour.messaging import log
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun, Retry
from parlour.outbox.reactions import Reactions
from parlour.package import Package
from parlour.store.unit import Reader, UnitOfWork

HOME: Final = "pigeon:home"  # the loft that is ours
TAKE: Final = """
INSERT INTO pigeon_post (account_sid, loft_sid) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING loft_sid"""
KEEP: Final = "UPDATE pigeon_post SET conversation_sid = $3 WHERE account_sid = $1 AND loft_sid = $2"
BURNT: Final = 30005  # the loft is not there any more


async def _is_ours(_reader: Reader, proxy_address: str) -> bool:
    return proxy_address == HOME


PIGEON: Final = Channel(
    type="pigeon", source="PIGEON", lane="pigeon-out", owns=_is_ours, form=re.compile(r"[a-z][a-z-]{1,40}")
)


def package(parts: Parts) -> Package:
    """Return the floor of this channel."""
    contract.register(PIGEON)
    return Package(
        name="pigeon",
        migrations="tests.channels.pigeon",
        reactions=[_reactions(parts)],
        routes=[Route("/pigeon/{account_sid}", _take(parts), methods=["POST"])],
    )


def _take(parts: Parts) -> Any:
    async def take(request: Request) -> Response:
        if request.headers.get("x-ring") != os.environ["PIGEON_RING"]:
            return PlainTextResponse("whose pigeon is this?", 403)
        post: dict[str, str] = decode_json(await request.body())

        async def work(uow: UnitOfWork) -> None:
            if await uow.fetchval(TAKE, uow.account_sid, post["id"]) is None:
                return
            came = Inbound(post["from"], post["to"], post["body"], channel_type=PIGEON.type, source=PIGEON.source)
            await log.record_inbound(
                uow, from_address=came.address, to_address=came.proxy_address, body=post["body"], num_media=0,
                provider_sid=post["id"], messaging_service_sid=None,
            )  # fmt: skip
            received = await inbound.receive(uow, came)
            uow.defer(KEEP, uow.account_sid, post["id"], received.conversation_sid)

        database = parts.database
        request_id = database.sids.new("RQ", database.clock.now())
        await database.step(request.path_params["account_sid"], work, request_id=request_id)
        return Response(status_code=204)

    return take


def _reactions(parts: Parts) -> Reactions:
    reactions = Reactions("pigeon")

    @reactions.after_call("message.added/1", lanes=PIGEON.lanes)
    async def deliver(run: JobRun, event: Event) -> None:
        for recipient in PIGEON.recipients(event):
            if PIGEON.lane_of(recipient) == run.lane:
                await _send(parts, run, event, recipient)

    return reactions


async def _send(parts: Parts, run: JobRun, event: Event, recipient: dict[str, Any]) -> None:
    async def prepare(uow: UnitOfWork) -> str:
        receipt = await receipts.create(
            uow,
            conversation_sid=event.stream,
            message_sid=event.object_sid,
            participant_sid=recipient["participant_sid"],
            channel_message_sid=None,
        )
        return receipt.sid

    sid = await run.step(prepare)
    post = {"token": sid, "from": HOME, "to": recipient["address"], "body": event.snapshot["body"]}
    try:
        answer = await parts.outgoing.request(
            "POST",
            os.environ["PIGEON_LOFT"],
            trusted=True,
            headers={"Content-Type": "application/json"},
            body=encode_json(post),
        )
    except OutgoingError as error:
        raise Retry(reason=str(error)) from error
    if answer.status == 410:
        await run.finish(lambda uow: receipts.advance(uow, sid, "failed", error_code=BURNT))
    elif answer.status >= 300:
        raise Retry(reason=f"the loft answered {answer.status}")
    else:
        await run.finish(lambda uow: receipts.advance(uow, sid, "sent"))
