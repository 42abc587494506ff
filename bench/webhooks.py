"""Webhooks under load: deliveries per second, the oldest undelivered, and what they cost those who post.

Two post-events per message, one of its conversation and one of the account, go to a receiver in a process of its own,
from whose book all deliveries are counted. Then one receiver in five hangs.
"""

import argparse
import asyncio
import base64
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp

from append import CONVERSATIONS, HERE, backlog_empty_after, drive, line_of, lua, post, process

RECEIVERS = 5
RATE = 100  # messages per second of those who post at a steady pace
TARGETS: Final[dict[str, Callable[[float], bool]]] = {
    "append_ratio": lambda value: value >= 0.45,
    "deliveries_per_second": lambda value: value >= 300,
    "oldest_undelivered_seconds": lambda value: value < 2.0,
    "hanging_p99_ratio": lambda value: value <= 1.2,
    "undelivered": lambda value: value == 0,
}


def get(url: str) -> str:
    """Fetch a text."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        content: bytes = answer.read()
    return content.decode()


async def steady(url: str, auth: str, paths: list[str], seconds: float, rate: int = RATE) -> list[float]:
    """Post messages whose body is the time, at a steady rate whatever the answers; return milliseconds of each."""
    taken: list[float] = []
    headers = {"Authorization": auth, "X-Twilio-Webhook-Enabled": "true"}

    async def one(session: aiohttp.ClientSession, path: str) -> None:
        began = time.perf_counter()
        async with session.post(url + path, data={"Author": "customer", "Body": repr(time.time())}) as answer:
            await answer.read()
            if answer.status != 201:
                raise SystemExit(f"a message was answered {answer.status}")
        taken.append((time.perf_counter() - began) * 1000)

    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in range(int(seconds * rate)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(one(session, random.choice(paths)))
    return taken


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(values, n=100)[98]


class World:
    """A server and a receiver, with two webhooks for each message."""

    def __init__(self, ready: dict[str, Any], receiver: str) -> None:
        self.url = ready["url"]
        self.auth = "Basic " + base64.b64encode(f"{ready['account_sid']}:{ready['auth_token']}".encode()).decode()
        self.receiver = receiver
        self.hooks: dict[str, str] = {}
        self.paths: list[str] = []
        for sid in ready["conversations"]:
            self.paths.append(f"/conversations/v1/Conversations/{sid}/Messages")
            made = self.post(
                f"Conversations/{sid}/Webhooks",
                Target="webhook",
                **{"Configuration.Url": f"{receiver}/hook", "Configuration.Filters": "onMessageAdded"},
            )
            self.hooks[sid] = str(made["sid"])
        self.post("Configuration/Webhooks", PostWebhookUrl=f"{receiver}/hook", Filters="onMessageAdded")

    def post(self, path: str, **form: str) -> dict[str, object]:
        """Call an operation."""
        return post(f"{self.url}/conversations/v1/{path}", self.auth, **form)

    def hang(self, one_in: int | None) -> None:
        """Have one webhook of so many hang, None: none."""
        for number, (sid, hook) in enumerate(self.hooks.items()):
            way = "hang" if one_in and number % one_in == 0 else "hook"
            self.post(f"Conversations/{sid}/Webhooks/{hook}", **{"Configuration.Url": f"{self.receiver}/{way}"})

    def taken(self) -> int:
        """Return how many deliveries the receiver took."""
        return int(get(f"{self.receiver}/count"))

    def empty(self, limit: float = 300) -> float:
        """Wait until nothing is due and return the seconds."""
        return backlog_empty_after(f"{self.url}/metrics", limit)


def measure(folder: Path, given: argparse.Namespace) -> tuple[dict[str, object], dict[str, float]]:
    """Run everything; return what it ran with and its figures."""
    seed = random.randrange(1 << 30)
    random.seed(seed)
    server_command = (sys.executable, str(HERE / "server.py"), str(folder / "data"), "0", "--webhooks")
    with process(*server_command) as server:
        ready = json.loads(line_of(server))
        ports = ready["port"] + 1, ready["port"] + 2
        with (
            process(sys.executable, str(HERE / "floor.py"), ready["dsn"], str(ports[0])) as floor,
            process(sys.executable, str(HERE / "receiver.py"), str(ports[1])) as receiver,
        ):
            durability = line_of(floor).strip()
            line_of(receiver)
            world = World(ready, f"http://127.0.0.1:{ports[1]}")
            figures = appended(world, folder, given, server.pid, floor.pid, f"http://127.0.0.1:{ports[0]}")
            figures |= paced(world, given.seconds * 2)
            figures |= hanging(world, given.pairs, given.seconds * 2)
    return {"seed": seed, "conversations": CONVERSATIONS, "durability": durability}, figures


def appended(
    world: World, folder: Path, given: argparse.Namespace, server_pid: int, floor_pid: int, floor: str
) -> dict[str, float]:
    """Post as fast as the server takes it while everything is delivered, against the floor."""
    asked = {"X_Twilio_Webhook_Enabled": "true"}
    script, floor_script = lua(folder, "hooked", world.paths, world.auth, **asked), lua(folder, "floor", ["/"], None)
    drive(world.url, script, 2, server_pid)
    drive(floor, floor_script, 2, floor_pid)
    world.empty()
    ratios, rates, appends, floors = [], [], [], []
    for pair in range(given.pairs):
        before, began = world.taken(), time.monotonic()
        ours = drive(world.url, script, given.seconds, server_pid)
        during = world.taken()
        drained_from = time.monotonic()
        world.empty()
        rates.append((world.taken() - before) / (time.monotonic() - began))
        theirs = drive(floor, floor_script, given.seconds, floor_pid)
        ratios.append(ours.requests_per_second / theirs.requests_per_second)
        appends.append(ours.requests_per_second)
        floors.append(theirs.requests_per_second)
        drain = (world.taken() - during) / max(time.monotonic() - drained_from, 0.001)
        print(f"pair {pair + 1}: {ours} | floor {theirs} | {rates[-1]:.0f}/s, then {drain:.0f}/s", file=sys.stderr)
    return {
        "append_requests_per_second": statistics.median(appends),
        "floor_requests_per_second": statistics.median(floors),
        "append_ratio": statistics.median(ratios),
        "deliveries_per_second": statistics.median(rates),
    }


def paced(world: World, seconds: float) -> dict[str, float]:
    """Post at a steady pace and see how old a delivery becomes."""
    get(f"{world.receiver}/book")
    asyncio.run(steady(world.url, world.auth, world.paths, seconds))
    world.empty()
    ages = [at - float(body) for at, body in json.loads(get(f"{world.receiver}/book"))]
    return {
        "messages_per_second": RATE,
        "oldest_undelivered_seconds": max(ages),
        "p99_delivery_seconds": p99(ages),
        "undelivered": 2 * int(seconds * RATE) - len(ages),
    }


def hanging(world: World, pairs: int, seconds: float) -> dict[str, float]:
    """Post at a steady pace with all receivers well and with one in five hanging, by turns."""
    well, ill = [], []
    for pair in range(pairs):
        world.hang(None)
        well.append(p99(asyncio.run(steady(world.url, world.auth, world.paths, seconds))))
        world.empty(60)
        world.hang(RECEIVERS)
        ill.append(p99(asyncio.run(steady(world.url, world.auth, world.paths, seconds))))
        world.hang(None)  # what hung is told again and taken, so that the next pair starts well
        world.empty(60)
        print(f"pair {pair + 1}: p99 {well[-1]:.2f} ms, {ill[-1]:.2f} ms with one in five hanging", file=sys.stderr)
    return {
        "p99_milliseconds": statistics.median(well),
        "hanging_p99_milliseconds": statistics.median(ill),
        "hanging_p99_ratio": statistics.median(i / w for i, w in zip(ill, well, strict=True)),
    }


def main() -> None:
    """Measure and print; exit 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench/webhooks needs wrk (apt-get install wrk)")
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        known, figures = measure(Path(folder), given)
    missed = [name for name, holds in TARGETS.items() if not holds(figures[name])]
    result = {**known, **figures}
    print(json.dumps({**result, "missed": missed}, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
