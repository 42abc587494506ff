"""Mutation rows: their SQL."""

from typing import Final

import asyncpg

from parlour.store.unit import UnitOfWork

TAKE: Final = """
INSERT INTO client_mutation (account_sid, identity, mutation_id, date_created) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING mutation_id"""
DONE: Final = """
UPDATE client_mutation SET resource_url = $4 WHERE account_sid = $1 AND identity = $2 AND mutation_id = $3"""
FETCH: Final = """
SELECT resource_url FROM client_mutation WHERE account_sid = $1 AND identity = $2 AND mutation_id = $3"""


async def take(uow: UnitOfWork, identity: str, mutation_id: str) -> bool:
    """Note a mutation; False if it was done before."""
    return await uow.fetchval(TAKE, uow.account_sid, identity, mutation_id, uow.now) is not None


async def done(uow: UnitOfWork, identity: str, mutation_id: str, resource_url: str) -> None:
    """Keep where the result of a mutation is found."""
    await uow.execute(DONE, uow.account_sid, identity, mutation_id, resource_url)


async def resource_url(uow: UnitOfWork, identity: str, mutation_id: str) -> str | None:
    """Return where the result of a mutation is found, None where it left none."""
    row: asyncpg.Record | None = await uow.fetchrow(FETCH, uow.account_sid, identity, mutation_id)
    return None if row is None else row["resource_url"]
