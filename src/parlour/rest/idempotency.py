"""Idempotency keys: a POST that comes twice has one effect and one answer (DESIGN 2.13)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

import structlog

from parlour.kit import failpoints
from parlour.kit.clock import real_now
from parlour.kit.errors import ContractError
from parlour.rest import store, store_system
from parlour.rest.effect import Effect, Lost
from parlour.rest.operations import Answer, Call, Operation
from parlour.rest.store import Claim
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.unit import UnitOfWork

T = TypeVar("T")

HEADERS: Final = ("idempotency-key", "i-twilio-idempotency-token")
MUTATION: Final = "x-twilio-mutation-id"
LONGEST: Final = 255  # characters of a key
KEPT: Final = timedelta(hours=24)  # domain time
LEASE: Final = timedelta(seconds=10)  # real time; renewed while the request is worked on
FIRST_LOOK: Final = 0.02  # seconds until a twin looks for the answer
LONGEST_LOOK: Final = 0.25  # seconds between its looks at most
PATIENCE: Final = 20.0  # seconds that a twin waits
FORGET_EVERY: Final = 3600.0  # seconds of real time

log = structlog.get_logger("parlour.rest")


def key_of(operation: Operation, call: Call) -> str | None:
    """Return the idempotency key of a request, None where it has none.

    The mutation id of a client with an access token belongs to the client API, which repeats by it in its own way.

    :raises ContractError: 400/20001, the key is too long.
    """
    if call.method != "POST" or not call.account_sid:
        return None
    names = HEADERS if call.caller.kind == "token" else (*HEADERS, MUTATION)
    for name in names:
        key = call.headers.get(name)
        if key:
            if len(key) > LONGEST:
                raise ContractError(20001, 400, f"Invalid header {name}: at most {LONGEST} characters")
            return key
    return None


async def once(
    operation: Operation, call: Call, key: str, perform: Callable[[Operation, Call], Awaitable[tuple[Answer, int]]]
) -> tuple[Answer, int]:
    """Perform a call once for its key; a twin waits for the answer of the first and repeats it.

    A refused call leaves nothing behind, so that its key may be used again.

    :raises ContractError: what the call was refused for; 409/20409, the key came before with another body, or the first
        is still at work after twenty seconds.
    """
    claim = Claim(
        caller=call.caller.identity or "",
        operation=f"{call.product}{call.own_path}",
        key=key,
        body_hash=_hash(operation, call),
        holder=call.request_id,
    )
    end = asyncio.get_running_loop().time() + PATIENCE
    pause = FIRST_LOOK
    while True:
        if await _take(call, claim):
            failpoints.passing(failpoints.KEY_TAKEN)
            try:
                return await _perform(operation, call, claim, perform)
            except Lost:
                continue  # we were slow enough to be taken for dead; the other's answer is ours
        known = await call.database.read(call.account_sid, lambda reader: store.fetch(reader, claim))
        if known is not None and known.body_hash != claim.body_hash:
            raise ContractError(20409, 409, f"The idempotency key {key[:64]} was used with another request before")
        if known is not None and known.answer is not None:
            return known.answer, 0
        if asyncio.get_running_loop().time() > end:
            raise ContractError(20409, 409, f"The request with the idempotency key {key[:64]} is still being worked on")
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_LOOK)


def _hash(operation: Operation, call: Call) -> str:
    """Return a digest of what is asked; an upload is known by its length and type, since it is read only once."""
    body = call.body
    if operation.body == "raw":
        body = "\n".join(call.headers.get(name, "") for name in ("content-length", "content-type")).encode()
    query = "&".join(f"{name}={value}" for name, values in call.query.items() for value in values)
    return hashlib.sha256(query.encode("utf-8", "surrogatepass") + b"\0" + body).hexdigest()


async def _take(call: Call, claim: Claim) -> bool:
    async def work(uow: UnitOfWork) -> bool:
        now = real_now()
        return await store.take(uow, claim, lease=now + LEASE, forgotten_before=uow.now - KEPT, real_now=now)

    return await call.database.step(call.account_sid, work, request_id=call.request_id)


async def _perform(
    operation: Operation,
    call: Call,
    claim: Claim,
    perform: Callable[[Operation, Call], Awaitable[tuple[Answer, int]]],
) -> tuple[Answer, int]:
    effect = Effect(call.database, call.account_sid, call.request_id, claim)
    call.effect = effect
    async with _held(call, claim):
        try:
            answer, unknown = await perform(operation, call)
            await effect.finish(answer)
        except Lost:
            await effect.abandon()
            raise
        except BaseException:
            await effect.abandon()
            await call.database.step(call.account_sid, lambda uow: store.release(uow, claim))
            raise
    return answer, unknown


@asynccontextmanager
async def _held(call: Call, claim: Claim) -> AsyncIterator[None]:
    """Renew the lease of a key until the block ends."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await call.database.step(call.account_sid, lambda uow: store.renew(uow, claim, real_now() + LEASE))
            except DatabaseUnavailable:
                log.warning("the database is away; a lease is not renewed", request_id=call.request_id)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def forget_old(database: Database) -> None:
    """Forget keys that count no more, again and again."""
    while True:
        try:
            await database.system(partial(store_system.system_forget, before=database.clock.now() - KEPT))
        except DatabaseUnavailable:
            log.warning("the database is away; old keys are forgotten later")
        await asyncio.sleep(FORGET_EVERY)
