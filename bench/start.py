"""Start and footprint: seconds to the first 200, cold and warm; memory (PSS) after the demo."""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

TARGETS = {"cold_seconds": 5.0, "warm_seconds": 2.0, "python_pss_mb": 150.0, "postgres_pss_mb": 150.0}


def pss_mb(pids: list[int]) -> float:
    """Return the proportional set size of processes."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue  # it ended meanwhile
    return total / 1024


def children_named(parent: int, name: str) -> list[int]:
    """Return descendants of a process whose command has a name."""
    found, waiting = [], [parent]
    while waiting:
        pid = waiting.pop()
        try:
            below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            command = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        waiting += [int(child) for child in below]
        if pid != parent and name in command:
            found.append(pid)
    return found


def start(data: Path) -> tuple[float, subprocess.Popen[bytes], str]:
    """Start the demo server and return the seconds to its first 200."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "parlour.cli.main", "start", "--demo", "--data", str(data), "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return time.perf_counter() - began, process, url
        except OSError:
            time.sleep(0.005)
        if time.perf_counter() - began > 60:
            raise SystemExit("no answer in 60 s")


def talk(url: str) -> None:
    """Do what the demo invites to: a text, its questions, an answer."""
    for body in ("Hello", "1"):
        message = json.dumps({"from": "+12025550142", "to": "+12025550100", "body": body}).encode()
        request = urllib.request.Request(f"{url}/handset/messages", message, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()
        time.sleep(1.5)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server."""
    process.send_signal(signal.SIGINT)
    process.wait(30)


def main() -> None:
    """Measure and print; exit 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    cold, warm = [], []
    python_mb = postgres_mb = 0.0
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        for run in range(given.runs):
            data = Path(folder) / str(run)
            seconds, process, url = start(data)
            cold.append(seconds)
            if run == 0:
                talk(url)
                python_mb = pss_mb([process.pid])
                postgres_mb = pss_mb(children_named(process.pid, "postgres"))
            stop(process)
            seconds, process, url = start(data)
            warm.append(seconds)
            stop(process)
    figures = {
        "cold_seconds": round(statistics.median(cold), 2),
        "warm_seconds": round(statistics.median(warm), 2),
        "python_pss_mb": round(python_mb, 1),
        "postgres_pss_mb": round(postgres_mb, 1),
    }
    result = {**figures, "targets": TARGETS, "cores": os.cpu_count()}
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    sys.exit(int(any(figures[name] > limit for name, limit in TARGETS.items())))


if __name__ == "__main__":
    main()
