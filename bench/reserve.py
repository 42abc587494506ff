"""From the carrier's first byte to ``reservation.created``: an open loop of new conversations.

The carrier is this process: it posts signed webhooks at a fixed rate, whatever the answers. Another look at the
database, every few milliseconds, sees when each customer's reservation is there. Robots accept and complete.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg

from append import line_of

HERE = Path(__file__).parent
NUMBER = "+12025550101"  # its address uses the default flow
LOOK = 0.004  # seconds between two looks at the database
TARGETS = {20: 0.25, 50: 1.0}  # conversations a second: seconds at p99
# By primary keys: a look that reads or plans much would be the load that it measures.
SEEN = """
SELECT r.sid AS seq, t.attributes FROM reservation AS r
JOIN task AS t ON t.account_sid = r.account_sid AND t.sid = r.task_sid
WHERE r.account_sid = $2 AND r.sid > $1 ORDER BY r.sid"""
OLDEST = "SELECT extract(epoch FROM now() - min(date_created)) FROM task WHERE assignment_status = 'pending'"


@dataclass
class Run:
    """One run at one rate."""

    began: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    answers: list[float] = field(default_factory=list)
    oldest: list[float] = field(default_factory=list)
    refused: int = 0


def sign(token: str, url: str, form: dict[str, str]) -> str:
    """Return the signature of a webhook."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def form_of(customer: str) -> dict[str, str]:
    """Return the parameters of a text."""
    sid = f"SM{os.urandom(16).hex()}"
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": "AC" + "c" * 32,
        "From": customer,
        "To": NUMBER,
        "Body": "Hello",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }


async def text(session: aiohttp.ClientSession, run: Run, url: str, token: str, customer: str) -> None:
    """Send one customer's first message."""
    form = form_of(customer)
    run.began[customer] = time.perf_counter()
    async with session.post(url, data=form, headers={"X-Twilio-Signature": sign(token, url, form)}) as answer:
        await answer.read()
        run.answers.append(time.perf_counter() - run.began[customer])
        run.refused += answer.status != 200


async def look(line: asyncpg.Connection, account_sid: str, run: Run, stop: asyncio.Event) -> None:
    """Note when each customer's reservation is there."""
    last = await line.fetchval("SELECT coalesce(max(sid), '') FROM reservation")
    while not stop.is_set():
        for row in await line.fetch(SEEN, last, account_sid):
            now = time.perf_counter()
            last = row["seq"]
            customer = json.loads(row["attributes"])["customerAddress"]
            if customer in run.began and customer not in run.took:
                run.took[customer] = now - run.began[customer]
        await asyncio.sleep(LOOK)


async def watch_oldest(line: asyncpg.Connection, run: Run, stop: asyncio.Event) -> None:
    """Note the age of the oldest waiting task each second."""
    while not stop.is_set():
        run.oldest.append(float(await line.fetchval(OLDEST) or 0))
        await asyncio.sleep(1)


async def measure(ready: dict[str, str], rate: int, seconds: int) -> dict[str, float]:
    """Run one rate."""
    run, stop = Run(), asyncio.Event()
    planned_once = {"plan_cache_mode": "force_generic_plan"}
    lines = [await asyncpg.connect(ready["dsn"], server_settings=planned_once) for _ in range(2)]
    looking = [
        asyncio.create_task(look(lines[0], ready["account_sid"], run, stop)),
        asyncio.create_task(watch_oldest(lines[1], run, stop)),
    ]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.sleep(0.1)
        start, tasks = time.perf_counter(), []
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            customer = f"+1303{rate:02d}{number:05d}"
            tasks.append(asyncio.create_task(text(session, run, ready["inbound"], ready["token"], customer)))
        await asyncio.gather(*tasks)
        deadline = time.perf_counter() + 15
        while len(run.took) < len(run.began) and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*looking)
    for line in lines:
        await line.close()
    took = sorted(run.took.values())
    half = len(run.oldest) // 2
    return {
        "rate": rate,
        "seconds": seconds,
        "conversations": len(run.began),
        "refused": run.refused,
        "unreserved": len(run.began) - len(run.took),
        "p50_ms": round(took[len(took) // 2] * 1000, 1),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 1),
        "answer_p99_ms": round(sorted(run.answers)[int(len(run.answers) * 0.99)] * 1000, 1),
        "target_p99_ms": TARGETS.get(rate, 1.0) * 1000,
        "oldest_waiting_first_half_s": round(max(run.oldest[:half] or [0]), 3),
        "oldest_waiting_second_half_s": round(max(run.oldest[half:] or [0]), 3),
    }


@asynccontextmanager
async def server(folder: Path, robots: int) -> AsyncIterator[dict[str, str]]:
    """Run a server with demo numbers, and robots."""
    command = [sys.executable, str(HERE / "server.py"), str(folder / "data"), "0", "--demo"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    ready = json.loads(await asyncio.to_thread(line_of, process))
    agents = [sys.executable, "-m", "parlour.cli.main", "agent", "--robot", str(robots), "--capacity", "50", "--quiet"]
    agents += ["--url", ready["url"], "--account-sid", ready["account_sid"], "--auth-token", ready["auth_token"]]
    # Robots that look seldom all act at the same moment, which no agents do.
    agents += ["--complete-after", "0", "--poll", "0.2"]
    robot = subprocess.Popen(agents, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await asyncio.sleep(3)
    try:
        yield ready
    finally:
        for child in (robot, process):
            child.send_signal(signal.SIGINT)
            await asyncio.to_thread(child.wait, 30)


async def main() -> int:
    """Measure and print; 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rates", type=int, nargs="+", default=[20, 50])
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--robots", type=int, default=12)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        async with server(Path(folder), given.robots) as ready:
            for rate in given.rates:
                results.append(await measure(ready, rate, given.seconds))
                print(json.dumps(results[-1], indent=1), flush=True)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    missed = [r for r in results if r["p99_ms"] > r["target_p99_ms"] or r["unreserved"] or r["refused"]]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
