"""When a server can be used: when it answers, however long its recovery takes."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from parlour.store.postgres.folder import Address

_ANSWER = 10.0
"""Seconds one attempt may take to be answered at all."""
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.25

Pause = Callable[[float], Awaitable[None]]


async def until_ready(
    probe: Callable[[], Awaitable[bool]],
    ended: Callable[[], bool],
    *,
    report: Callable[[float], None],
    every: float,
    clock: Callable[[], float],
    pause: Pause = asyncio.sleep,
) -> bool:
    """Wait without limit until `probe` says yes; False when `ended` says that the server is gone.

    report: called every `every` seconds with the seconds waited; clock: seconds.
    """
    start = reported = clock()
    wait = _FIRST_PAUSE
    while not await probe():
        if ended():
            return False
        now = clock()
        if now - reported >= every:
            reported = now
            report(now - start)
        await pause(wait)
        wait = min(wait * 1.5, _LONGEST_PAUSE)
    return True


async def answers(address: Address) -> bool:
    """Whether the server takes connections; makes our database when the cluster has not got it yet."""
    try:
        connection = await _connect(address, address.database)
    except asyncpg.InvalidCatalogNameError:
        await _create_database(address)
        return True
    except asyncpg.TooManyConnectionsError:
        return True
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
        return False
    except asyncpg.CannotConnectNowError:
        return False
    await connection.close()
    return True


async def _create_database(address: Address) -> None:
    connection = await _connect(address, "postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{address.database}"')
    finally:
        await connection.close()


async def _connect(address: Address, database: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=str(address.socket_folder),
        port=address.port,
        user=address.user,
        database=database,
        password="",  # keeps asyncpg from reading password files; peer authentication asks for none
        timeout=_ANSWER,
        statement_cache_size=0,
    )
