"""Mutation rows: their SQL."""

from typing import Final

from parlour.store.unit import Reader, UnitOfWork

INSERT: Final = """
INSERT INTO client_mutation (account_sid, identity, mutation_id, resource_url, date_created)
VALUES ($1, $2, $3, $4, $5)"""
FETCH: Final = """
SELECT resource_url FROM client_mutation WHERE account_sid = $1 AND identity = $2 AND mutation_id = $3"""
KEY: Final = "client_mutation_pkey"


def insert(uow: UnitOfWork, identity: str, mutation_id: str, resource_url: str | None) -> None:
    """Note a mutation with the last statement of the unit, which fails by ``KEY`` if it was done before."""
    uow.defer(INSERT, uow.account_sid, identity, mutation_id, resource_url, uow.now)


async def resource_url(reader: Reader, identity: str, mutation_id: str) -> str | None:
    """Return where the result of a mutation is found, None where it left none."""
    url: str | None = await reader.fetchval(FETCH, reader.account_sid, identity, mutation_id)
    return url
