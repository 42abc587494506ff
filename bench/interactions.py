"""The agents' whole work, in an open loop: new interactions at a fixed rate until many are open at once.

Each goes through acceptance and ten messages and stays open. Once all are, each is transferred to the queue, accepted
by another agent and completed, at the same rate. The agents are this process: they see their offers in the event log
and answer by REST. Errors, orphans and the time of acceptances are counted from outside.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from append import line_of, listening
from parlour.flex.package import ORPHANS

HERE = Path(__file__).parent
LOOK = 0.05  # seconds between two looks at the event log
MESSAGES = 10
CAPACITY = 20
TARGET_MS = 150.0  # acceptances, 99 of 100, on two cores
WAIT = 30.0  # seconds for an offer
FLOOR_REQUESTS = 300
SEEN = """
SELECT sid, object_sid, snapshot ->> 'worker_sid' AS worker, snapshot ->> 'task_sid' AS task
FROM event WHERE kind = 'reservation.created/1' AND sid > $1 ORDER BY sid"""


@dataclass
class Offers:
    """The offers by task, as the event log shows them."""

    made: dict[str, asyncio.Future[tuple[str, str]]] = field(default_factory=dict)

    def of(self, task: str) -> asyncio.Future[tuple[str, str]]:
        """The worker and reservation of a task, once there is one."""
        return self.made.setdefault(task, asyncio.get_running_loop().create_future())

    async def watch(self, line: asyncpg.Connection, stop: asyncio.Event) -> None:
        """Look at the log until the end."""
        last = await line.fetchval("SELECT coalesce(max(sid), '') FROM event")
        while not stop.is_set():
            for row in await line.fetch(SEEN, last):
                last = row["sid"]
                known = self.of(row["task"])
                if not known.done():
                    known.set_result((row["worker"], row["object_sid"]))
            await asyncio.sleep(LOOK)


@dataclass
class Run:
    """What one run came to."""

    session: aiohttp.ClientSession
    url: str
    workspace: str
    queue: str
    workflow: str
    offers: Offers
    accepted: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    open: int = 0

    async def call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Send a call; what is no success is an error of the run."""
        async with self.session.request(method, self.url + path, **sent) as answer:
            body = await answer.read()
            if answer.status >= 300:
                self.errors.append(f"{method} {path}: {answer.status} {body[:200]!r}")
                raise ConnectionError(self.errors[-1])
            found: dict[str, Any] = json.loads(body) if body else {}
            return found

    async def accept(self, task: str) -> tuple[str, str]:
        """Wait for the offer of a task and accept it, which is what is timed."""
        worker, reservation = await asyncio.wait_for(self.offers.of(task), WAIT)
        path = f"/taskrouter/v1/Workspaces/{self.workspace}/Workers/{worker}/Reservations/{reservation}"
        began = time.perf_counter()
        await self.call("POST", path, data={"ReservationStatus": "accepted"})
        self.accepted.append(time.perf_counter() - began)
        return worker, reservation

    def routing(self, **properties: str) -> str:
        """The routing of a task on the chat channel."""
        known = {"workspace_sid": self.workspace, "task_channel_unique_name": "chat"}
        return json.dumps({"properties": {**known, **properties}})


@dataclass
class Talk:
    """One interaction and who works on it."""

    conversation: str
    interaction: str
    channel: str

    @property
    def path(self) -> str:
        return f"/flex-api/v1/Interactions/{self.interaction}/Channels/{self.channel}"


async def begin(run: Run, number: int) -> Talk:
    """Bring a customer to an agent, and have them talk."""
    made = await run.call("POST", "/conversations/v1/Conversations", data={"FriendlyName": f"Talk {number}"})
    talk = made["sid"]
    await run.call(
        "POST", f"/conversations/v1/Conversations/{talk}/Participants", data={"Identity": f"customer {number}"}
    )
    channel = {"type": "web", "initiated_by": "api", "properties": {"media_channel_sid": talk}}
    form = {"Channel": json.dumps(channel), "Routing": run.routing(workflow_sid=run.workflow)}
    work = await run.call("POST", "/flex-api/v1/Interactions", data=form)
    await run.accept(work["routing"]["properties"]["sid"])
    for line in range(MESSAGES):
        author = f"customer {number}" if line % 2 == 0 else "agent"
        await run.call("POST", f"/conversations/v1/Conversations/{talk}/Messages", data={"Author": author, "Body": "…"})
    run.open += 1
    return Talk(talk, work["sid"], work["channel"]["sid"])


async def finish(run: Run, talk: Talk) -> None:
    """Transfer to the queue, have another agent accept, and complete."""
    people = await run.call("GET", f"{talk.path}/Participants")
    agent = next(each["sid"] for each in people["participants"] if each["type"] == "agent")
    await run.call("POST", f"{talk.path}/Transfers", json={"type": "cold", "from": agent, "to": run.queue})
    invites = await run.call("GET", f"{talk.path}/Invites")
    await run.accept(invites["invites"][-1]["routing"]["properties"]["sid"])
    closed = {"Status": "closed", "Routing": json.dumps({"status": "closed"})}
    await run.call("POST", talk.path, data=closed)
    run.open -= 1


async def at_rate(rate: float, works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Begin works at a fixed rate, whatever the answers; errors stand beside the results."""
    start, tasks = time.perf_counter(), []
    for number, work in enumerate(works):
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        tasks.append(asyncio.ensure_future(work()))
    return await asyncio.gather(*tasks, return_exceptions=True)


async def furnish(run: Run, agents: int) -> None:
    """Make the agents, each with capacity for several chats."""
    path = f"/taskrouter/v1/Workspaces/{run.workspace}"
    listed = await run.call("GET", f"{path}/Activities", params={"FriendlyName": "Available"})
    free = listed["activities"][0]["sid"]
    for number in range(agents):
        made = await run.call("POST", f"{path}/Workers", data={"FriendlyName": f"Agent {number}", "ActivitySid": free})
        await run.call("POST", f"{path}/Workers/{made['sid']}/Channels/chat", data={"Capacity": str(CAPACITY)})


def at(times: list[float], share: float) -> float:
    """A quantile in milliseconds."""
    ordered = sorted(times) or [0.0]
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 1)


async def floor_of(dsn: str, port: int) -> list[float]:
    """The times of the same machine's floor: one INSERT for each request, one after the other."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "floor.py"), dsn, str(port)], stdout=subprocess.PIPE, text=True
    )
    try:
        print((await asyncio.to_thread(line_of, process)).strip(), file=sys.stderr)
        times = []
        async with aiohttp.ClientSession() as session:
            await asyncio.to_thread(listening, f"http://127.0.0.1:{port}")
            for _ in range(FLOOR_REQUESTS):
                began = time.perf_counter()
                async with session.post(f"http://127.0.0.1:{port}/", data=b"x" * 200) as answer:
                    await answer.read()
                times.append(time.perf_counter() - began)
        return times
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait, 30)


async def measure(ready: dict[str, Any], given: argparse.Namespace) -> dict[str, Any]:
    """Run it all."""
    stop, line = asyncio.Event(), await asyncpg.connect(ready["dsn"])
    offers = Offers()
    headers = {"Authorization": aiohttp.encode_basic_auth(ready["account_sid"], ready["auth_token"])}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        run = Run(session, ready["url"], "", "", "", offers)
        settings = await run.call("GET", "/flex-api/v1/Configuration")
        run.workspace = settings["taskrouter_workspace_sid"]
        run.queue = settings["taskrouter_target_taskqueue_sid"]
        run.workflow = settings["taskrouter_target_workflow_sid"]
        await furnish(run, given.agents)
        watching = asyncio.create_task(offers.watch(line, stop))
        began = time.perf_counter()
        talks = await at_rate(given.rate, [partial(begin, run, number) for number in range(given.open)])
        reached = run.open
        good = [talk for talk in talks if isinstance(talk, Talk)]
        ended = await at_rate(given.rate, [partial(finish, run, talk) for talk in good])
        seconds = time.perf_counter() - began
        stop.set()
        await watching
    orphans = await line.fetch(ORPHANS, ready["account_sid"], await line.fetchval("SELECT now()"))
    await line.close()
    lost = [str(each) for each in (*talks, *ended) if isinstance(each, Exception)]
    floor = await floor_of(ready["dsn"], ready["port"] + 1)
    return {
        "rate": given.rate,
        "interactions": given.open,
        "open_at_once": reached,
        "seconds": round(seconds, 1),
        "acceptances": len(run.accepted),
        "accept_p50_ms": at(run.accepted, 0.5),
        "accept_p99_ms": at(run.accepted, 0.99),
        "target_p99_ms": TARGET_MS,
        "floor_p99_ms": at(floor, 0.99),
        "accept_p99_of_floor": round(at(run.accepted, 0.99) / max(at(floor, 0.99), 0.001), 2),
        "errors": len(run.errors) + len(lost),
        "first_errors": [*run.errors[:3], *lost[:3]],
        "orphans": len(orphans),
    }


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """Run a server."""
    command = [sys.executable, str(HERE / "server.py"), str(folder / "data"), "0", "--demo"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield json.loads(await asyncio.to_thread(line_of, process))
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait, 30)


async def main() -> int:
    """Measure and print; 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=float, default=10)
    options.add_argument("--open", type=int, default=1000)
    options.add_argument("--agents", type=int, default=100)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        async with server(Path(folder)) as ready:
            result = await measure(ready, given)
    print(json.dumps(result, indent=1), flush=True)
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    missed = result["accept_p99_ms"] > TARGET_MS or result["errors"] or result["orphans"]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
