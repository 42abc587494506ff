"""A receiver of webhooks for the benchmarks: takes what comes to /hook, never answers what comes to /hang.

Argument: port. GET /count says how many it took; GET /book gives [seconds since the epoch, Body] of each and forgets
them.
"""

import asyncio
import json
import sys
import time
from urllib.parse import parse_qs

import uvicorn
from starlette.types import Receive, Scope, Send

book: list[tuple[float, bytes]] = []
count = 0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    global count
    if scope["type"] == "lifespan":
        await receive()
        print("ready", flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    answer = b""
    if scope["path"] == "/hang":
        await asyncio.sleep(30)
    elif scope["path"] == "/count":
        answer = str(count).encode()
    elif scope["path"] == "/book":
        answer = json.dumps([(at, parse_qs(raw.decode()).get("Body", [""])[0]) for at, raw in book]).encode()
        book.clear()
    else:
        count += 1
        book.append((time.time(), body))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, http="httptools", loop="uvloop")
