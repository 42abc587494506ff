"""Mutations that may come twice: the second time nothing is done again (realtime-protocol.md §7.7)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import asyncpg

from parlour.accounts import grants
from parlour.realtime.aim import store, store_system
from parlour.rest.errors import invalid_parameter
from parlour.rest.operations import Answer, Call
from parlour.store.database import Database
from parlour.store.unit import UnitOfWork

HEADER: Final = "x-twilio-mutation-id"
KEPT: Final = timedelta(hours=24)
LONGEST: Final = 100  # characters of an identifier
_REPEATED: Final = 202  # to clients this status means nothing else


async def mutate(call: Call, work: Callable[[UnitOfWork], Awaitable[Answer]]) -> Answer:
    """Do one unit of work for a client, once for each mutation id; the repeat names where the result is found."""
    mutation_id = call.headers.get(HEADER, "")
    if not mutation_id:
        return await call.step(work)
    if len(mutation_id) > LONGEST:
        raise invalid_parameter("X-Twilio-Mutation-Id", f"at most {LONGEST} characters")
    identity = grants.identity(call.caller)

    async def once(uow: UnitOfWork) -> Answer:
        answer = await work(uow)
        store.insert(uow, identity, mutation_id, _url(answer.body))
        return answer

    try:
        return await call.step(once)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != store.KEY:
            raise
    url = await call.read(lambda reader: store.resource_url(reader, identity, mutation_id))
    return Answer(204) if url is None else Answer(_REPEATED, {"resource_url": url})


def _url(body: Any) -> str | None:
    url = body.get("url") if isinstance(body, dict) else None
    return url if isinstance(url, str) else None


async def forget_old(database: Database) -> None:
    """Forget the mutations that no client repeats any more."""
    before = database.clock.now() - KEPT
    await database.system(lambda connection: store_system.system_forget(connection, before))
