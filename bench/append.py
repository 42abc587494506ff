"""Message append through REST against the floor: requests per second and server CPU per request.

32 connections over 400 conversations, three durable subscribers, pairs interleaved, medians.
"""

import argparse
import base64
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).parent
CONNECTIONS = 32
CONVERSATIONS = 400
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    """One run of the driver against one server."""

    requests_per_second: float
    cpu_per_request: float  # microseconds of the server process
    driver_share: float  # of one core
    p99: float  # milliseconds
    errors: int


class Result(TypedDict):
    """What all pairs came to: medians, and the worst backlog."""

    seed: int
    messages_before: int
    durability: str
    requests_per_second: float
    floor_requests_per_second: float
    ratio_requests: float
    cpu_microseconds: float
    floor_cpu_microseconds: float
    ratio_cpu: float
    p99_milliseconds: float
    driver_share_of_a_core: float
    errors: int
    backlog_empty_seconds: float


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def drive(url: str, script: Path, seconds: int, pid: int) -> Figures:
    """Run wrk once, against a server that listens or is about to."""
    listening(url)
    before = cpu_seconds(pid)
    children = os.times()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    used = cpu_seconds(pid) - before
    after = os.times()
    total = int(found(r"(\d+) requests in", output))
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    share = (after.children_user + after.children_system - children.children_user - children.children_system) / seconds
    return Figures(
        float(found(r"Requests/sec:\s+([\d.]+)", output)),
        used / total * 1e6,
        share,
        milliseconds(found(r"99%\s+([\d.]+\w+)", output)),
        int(errors.group(1)) if errors else 0,
    )


def drive_to_the_end(url: str, script: Path, seconds: int, pid: int) -> tuple[Figures, float]:
    """Run wrk once, and wait until no job waits; what the jobs cost later is a part of their messages' cost.

    :returns: the figures, and the seconds until no job waited.
    """
    figures = drive(url, script, seconds, pid)
    before = cpu_seconds(pid)
    backlog = backlog_empty_after(f"{url}/metrics", 30)
    later = (cpu_seconds(pid) - before) / (figures.requests_per_second * seconds) * 1e6
    return replace(figures, cpu_per_request=figures.cpu_per_request + later), backlog


def listening(url: str, limit: float = 10) -> None:
    """Wait until a server takes connections."""
    place = urllib.parse.urlsplit(url)
    start = time.monotonic()
    while True:
        try:
            socket.create_connection((str(place.hostname), int(place.port or 80)), 1).close()
            return
        except OSError:
            if time.monotonic() - start > limit:
                raise
            time.sleep(0.05)


def found(pattern: str, text: str) -> str:
    """Return the first group of a pattern that must be there."""
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"wrk said something else:\n{text}")
    return match.group(1)


def milliseconds(text: str) -> float:
    """Read wrk's latency."""
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise SystemExit(f"not a latency: {text}")


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a server until the block ends."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()


def line_of(child: subprocess.Popen[str]) -> str:
    """Return the next line that a process writes, which is the first once it is ready."""
    assert child.stdout is not None
    return child.stdout.readline()


def lua(folder: Path, name: str, paths: list[str], auth: str | None, **headers: str) -> Path:
    """Write wrk's script: a text of 60 characters to one of the paths at random."""
    named = {"Authorization": auth, **headers} if auth else headers
    header = "\n".join(f'wrk.headers["{name.replace("_", "-")}"] = "{value}"' for name, value in named.items())
    quoted = ",".join(f'"{path}"' for path in paths)
    file = folder / f"{name}.lua"
    file.write_text(
        f"""local paths = {{{quoted}}}
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
{header}
math.randomseed({random.randrange(1 << 30)})
local body = "Author=customer&Body=" .. string.rep("hello+you+", 6)
function request() return wrk.format(nil, paths[math.random(#paths)], nil, body) end
"""
    )
    return file


def post(url: str, auth: str, **form: str) -> dict[str, object]:
    """Make a resource."""
    data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data, {"Authorization": auth})
    with urllib.request.urlopen(request, timeout=30) as answer:
        made: dict[str, object] = json.load(answer)
        return made


def backlog_empty_after(metrics_url: str, limit: float) -> float:
    """Return the seconds until no job waits."""
    start = time.monotonic()
    while time.monotonic() - start < limit:
        text = urllib.request.urlopen(metrics_url, timeout=10).read().decode()
        if re.search(r'parlour_jobs\{state="waiting"\} 0\.0', text):
            return time.monotonic() - start
        time.sleep(0.05)
    return limit


def main() -> None:
    """Measure and print; exit 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--messages", type=int, default=0, help="messages already there, seeded by COPY")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench/append needs wrk (apt-get install wrk)")
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        result = measure(Path(folder), given)
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    sys.exit(0 if result["ratio_requests"] >= 0.5 and result["ratio_cpu"] <= 2.0 else 1)


def measure(folder: Path, given: argparse.Namespace) -> Result:
    """Run the pairs."""
    seed = random.randrange(1 << 30)
    random.seed(seed)
    with process(sys.executable, str(HERE / "server.py"), str(folder / "data"), str(given.messages)) as server:
        ready = json.loads(line_of(server))
        auth = "Basic " + base64.b64encode(f"{ready['account_sid']}:{ready['auth_token']}".encode()).decode()
        base = f"{ready['url']}/conversations/v1/Conversations"
        sids = ready["conversations"] or [str(post(base, auth)["sid"]) for _ in range(CONVERSATIONS)]
        paths = [f"/conversations/v1/Conversations/{sid}/Messages" for sid in sids]
        script = lua(folder, "parlour", paths, auth)
        floor_port = ready["port"] + 1
        with process(sys.executable, str(HERE / "floor.py"), ready["dsn"], str(floor_port)) as floor:
            durability = line_of(floor).strip()
            floor_script = lua(folder, "floor", ["/"], None)
            ours, floors, backlog = [], [], []
            drive(ready["url"], script, 2, server.pid)
            drive(f"http://127.0.0.1:{floor_port}", floor_script, 2, floor.pid)
            for pair in range(given.pairs):
                run, rest = drive_to_the_end(ready["url"], script, given.seconds, server.pid)
                ours.append(run)
                backlog.append(rest)
                floors.append(drive(f"http://127.0.0.1:{floor_port}", floor_script, given.seconds, floor.pid))
                print(
                    f"pair {pair + 1}: {ours[-1]} | floor {floors[-1]} | backlog {backlog[-1]:.2f} s", file=sys.stderr
                )
    return {
        "seed": seed,
        "messages_before": given.messages,
        "durability": durability,
        "requests_per_second": statistics.median(f.requests_per_second for f in ours),
        "floor_requests_per_second": statistics.median(f.requests_per_second for f in floors),
        "ratio_requests": statistics.median(
            o.requests_per_second / f.requests_per_second for o, f in zip(ours, floors, strict=True)
        ),
        "cpu_microseconds": statistics.median(f.cpu_per_request for f in ours),
        "floor_cpu_microseconds": statistics.median(f.cpu_per_request for f in floors),
        "ratio_cpu": statistics.median(
            o.cpu_per_request / f.cpu_per_request for o, f in zip(ours, floors, strict=True)
        ),
        "p99_milliseconds": statistics.median(f.p99 for f in ours),
        "driver_share_of_a_core": max(f.driver_share for f in ours + floors),
        "errors": sum(f.errors for f in ours + floors),
        "backlog_empty_seconds": max(backlog),
    }


if __name__ == "__main__":
    main()
