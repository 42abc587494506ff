"""Replay: what was delivered once is sent again, to where it went or to any URL (invariant 9)."""

from parlour.store.database import Database
from parlour.store.unit import UnitOfWork
from parlour.webhooks import request, store
from parlour.webhooks.delivery import Deliverer, Outcome, named
from parlour.webhooks.store import Delivery


async def replay(database: Database, deliverer: Deliverer, row: Delivery, *, to: str | None = None) -> Outcome:
    """Send the parameters of a delivery again, byte by byte, signed for the URL they go to; log it as a replay.

    The idempotency token is that of the original.

    :param to: a URL that the operator names; None: the original's, which an account set and the guard looks at.
    :raises Dead: the account is gone.
    """
    url = to or row.url
    made = request.make(
        method=row.method,
        url=url,
        parameters=row.parameters,
        auth_token=await database.read(row.account_sid, deliverer.auth_token),
        token=row.token,
        content=row.content,
    )
    outcome = await deliverer.call(made, trusted=to is not None)

    async def write(uow: UnitOfWork) -> None:
        copy = Delivery(
            account_sid=row.account_sid,
            sid=uow.new_sid("WD"),
            at=uow.now,
            webhook_sid=row.webhook_sid,
            stream=row.stream,
            event_sid=row.event_sid,
            event_type=row.event_type,
            attempt=1,
            method=row.method,
            url=request.shown(url),
            parameters=row.parameters,
            token=row.token,
            outcome=named(outcome, last=True),
            status=outcome.status,
            answer=outcome.answer,
            error=outcome.error,
            duration_ms=outcome.duration_ms,
            replay_of=row.sid,
            content=row.content,
        )
        store.insert(uow, copy)

    await database.step(row.account_sid, write)
    return outcome
