"""The floor of the benchmarks: the same uvicorn, raw ASGI, one INSERT of the body with a message's indexes."""

import sys

import asyncpg
import uvicorn
from starlette.types import Receive, Scope, Send

TABLE = """CREATE TABLE IF NOT EXISTS floor_message (
    account_sid text NOT NULL, sid text NOT NULL, conversation_sid text NOT NULL, index bigint NOT NULL,
    body text NOT NULL, change bigint NOT NULL, PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, conversation_sid, index), UNIQUE (account_sid, conversation_sid, change))"""
INSERT = "INSERT INTO floor_message VALUES ($1, $2, $3, $4, $5, $4)"
ANSWER = [(b"content-type", b"application/json"), (b"content-length", b"2")]
ACCOUNT = "AC" + "0" * 32
pool: asyncpg.Pool
count = 0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    global pool, count
    if scope["type"] == "lifespan":
        await receive()
        pool = await asyncpg.create_pool(sys.argv[1], min_size=16, max_size=16)
        await pool.execute(TABLE)
        print("fsync", await pool.fetchval("SHOW fsync"), await pool.fetchval("SHOW synchronous_commit"), flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    count += 1
    await pool.execute(INSERT, ACCOUNT, f"IM{count:032x}", f"CH{count % 400:032x}", count, body.decode())
    await send({"type": "http.response.start", "status": 201, "headers": ANSWER})
    await send({"type": "http.response.body", "body": b"{}"})


uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False, http="httptools", loop="uvloop")
