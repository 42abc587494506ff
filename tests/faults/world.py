"""A world that can be broken: one database, one carrier, one or more servers, robots; each a process of its own."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.sdk import client as sdk_client
from parlour.store.postgres import processes
from parlour.store.postgres.folder import DataFolder
from tests.carrier import Carrier, running_carrier
from tests.channels.street import post
from tests.conftest import UNLIMITED, free_port, wait_for_server
from tests.forking import Forked, start

FAST = {"sent_after_ms": 5, "delivered_after_ms": 10}
PATIENT = {"until_2xx": True, "wait_ms": 50, "max_wait_ms": 500}
DEMO_NUMBER, MESSAGING_NUMBER = "+12025550100", "+12025550101"
STUCK = """
SELECT name, due, retry, lease, holder, (SELECT array_agg(number) FROM process) AS processes FROM lane
WHERE name LIKE $1 OR name LIKE 'studio:%' OR name LIKE 'taskrouter%';
SELECT lane, handler, attempt, due, dead_at, error FROM job WHERE lane LIKE $1 OR due = '-infinity';
SELECT sid, body, state, called_at, reason, date_updated FROM carrier_send WHERE address LIKE $1;
SELECT sid, assignment_status, task_queue_sid, date_updated FROM task WHERE attributes LIKE $1;
SELECT r.sid, r.reservation_status FROM reservation r JOIN task t ON t.sid = r.task_sid WHERE t.attributes LIKE $1;
SELECT provider_sid, received_at, done_at FROM carrier_event WHERE form ->> 'From' LIKE $1"""
PARLOUR = [sys.executable, "-m", "parlour.cli.main"]


@dataclass
class ServerProcess:
    """A `parlour serve` that can be killed and started again on its port."""

    url: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    process: Forked

    def start(self) -> None:
        """Start the process again; `wait` says when it answers."""
        with self.log.open("ab") as output:
            self.process = start(*self.command, output=output, environment=self.environment)

    def wait(self) -> None:
        """Wait until it is ready."""
        wait_for_server(self.url, self.process, self.log)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.process.kill()
        self.process.wait(20)
        self.start()
        self.wait()

    def arm(self, name: str, *, after: int, pids: Sequence[int]) -> None:
        """Have processes killed when this server passes a failpoint for the ``after``-th time."""
        body = json.dumps({"name": name, "after": after, "pids": list(pids)}).encode()
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/_fault/arm", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).read()  # noqa: S310

    def call(self, path: str) -> Any:
        """POST to a route of the playground and return its answer."""
        request = urllib.request.Request(f"{self.url}{path}", method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=130) as answer:  # noqa: S310
            return json.load(answer)


@dataclass
class World:
    """All of it.

    :ivar dsn: address of the database, for `parlour doctor`.
    """

    folder: Path
    data: Path
    dsn: str
    credentials: Credentials
    carrier: Carrier
    servers: list[ServerProcess] = field(default_factory=list)
    used: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """Return what servers run with."""
        return {**UNLIMITED, **os.environ}

    @property
    def server(self) -> ServerProcess:
        """The first server."""
        return self.servers[0]

    def client(self, number: int = 0) -> Client:
        """Return the official client of a server."""
        return sdk_client(
            self.servers[number].url, self.credentials.account_sid, self.credentials.auth_token, timeout=30
        )

    def handset(self) -> str:
        """Return a number that nobody had."""
        self.used += 1
        return f"+155502{self.used:05}"

    def add_server(self, *arguments: str) -> ServerProcess:
        """Start one more server on the database, and wait until it answers."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [
            "serve", "--demo", "--database-url", self.dsn, "--data", str(self.data),
            "--port", str(port), "--public-url", url, "--simulator-url", self.carrier.url_with_credentials,
            "--account-sid", self.credentials.account_sid, "--auth-token", self.credentials.auth_token,
            "--log-level", "warning", *arguments,
        ]  # fmt: skip
        log = self.folder / f"server-{len(self.servers)}.log"
        with log.open("wb") as output:
            process = start(*command, output=output, environment=self.environment)
        one = ServerProcess(url, command, log, self.environment, process)
        self.servers.append(one)
        one.wait()
        return one

    def inbound_urls(self) -> list[str]:
        """Return each server's webhook for the carrier."""
        numbers = self.carrier.call("/_sim/numbers")["numbers"]
        path = next(one["sms_url"] for one in numbers if "/carrier/" in one["sms_url"]).split("/carrier/", 1)[1]
        return [f"{server.url}/carrier/{path}" for server in self.servers]

    def deliver(self, url: str, form: dict[str, str]) -> int:
        """Post a webhook as the carrier signs it and return the status of the answer; 0: there was none."""
        try:
            return post(url, form, RequestValidator(self.carrier.auth_token).compute_signature(url, form))
        except OSError:
            return 0

    def answers(self, number: int = 0) -> bool:
        """Say whether a server answers an operation that reads the database."""
        known = f"{self.credentials.account_sid}:{self.credentials.auth_token}".encode()
        request = urllib.request.Request(  # noqa: S310
            f"{self.servers[number].url}/conversations/v1/Configuration/Addresses?PageSize=1",
            headers={"Authorization": f"Basic {base64.b64encode(known).decode()}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def postgres_pids(self) -> list[int]:
        """Return the processes of the database, the first one (the postmaster) first."""
        found = processes.running_in(DataFolder(self.data).cluster)
        first = {process.pid for process in processes.servers_of(found)}
        return sorted((process.pid for process in found), key=lambda pid: (pid not in first, pid))

    def doctor(self) -> list[dict[str, Any]]:
        """Return what `parlour doctor` finds wrong."""
        command = [*PARLOUR, "doctor", "--json", "--data", str(self.data), "--database-url", self.dsn]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        findings: list[dict[str, Any]] = json.loads(done.stdout)
        wrong = [finding for finding in findings if not finding["good"]]
        assert done.returncode == (1 if wrong else 0), done.stderr
        return wrong

    def stuck(self, handset: str) -> str:
        """Return what the database holds of a handset that waits in vain, for the message of a failing test."""

        async def look() -> list[str]:
            connection = await asyncpg.connect(self.dsn)
            rows = []
            for sql in STUCK.split(";"):
                rows += [str(dict(row)) for row in await connection.fetch(sql, f"%{handset}%")]
            await connection.close()
            return rows

        return "\n".join(asyncio.run(look()))

    @contextlib.contextmanager
    def robots(self, count: int, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """Run robots against the first server until the block ends."""
        command = [
            *PARLOUR, "agent", "--robot", str(count), "--url", self.server.url, "--account-sid",
            self.credentials.account_sid, "--auth-token", self.credentials.auth_token, "--quiet", *arguments,
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            stop(process)
            if process.stdout is not None:
                process.stdout.close()


def stop(process: "subprocess.Popen[Any] | Forked") -> None:
    """End a process of ours in order, or by force."""
    process.terminate()
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def alive(pid: int) -> bool:
    """Say whether a process runs; one that is dead and not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@contextlib.contextmanager
def running_database(data: Path, log: Path) -> Iterator[str]:
    """Run `parlour db run` until the block ends and give its address."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PARLOUR, "db", "run", "--data", str(data)], stdout=subprocess.PIPE, stderr=output, text=True
        )
    try:
        assert process.stdout is not None
        dsn = process.stdout.readline().strip()
        assert dsn.startswith("postgresql://"), log.read_text()
        yield dsn
    finally:
        stop(process)
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def running_world(folder: Path, *arguments: str, servers: int = 1) -> Iterator[World]:
    """Run a database, a carrier and servers until the block ends.

    :param arguments: given to each server beside those that all have.
    """
    data = folder / "data"
    credentials = Credentials("AC" + secrets.token_hex(16), secrets.token_hex(16))
    with (
        running_database(data, folder / "database.log") as dsn,
        running_carrier(folder / "ledger.db", "--seed", "1") as carrier,
    ):
        carrier.faults(**FAST, retry=PATIENT)
        world = World(folder, data, dsn, credentials, carrier)
        try:
            for _ in range(servers):
                world.add_server(*arguments)
            yield world
        finally:
            for server in world.servers:
                server.process.send_signal(signal.SIGTERM)
            for server in world.servers:
                stop(server.process)


def wait_until(look: Any, *, seconds: float, what: str) -> float:
    """Look every few milliseconds until it is true and return the seconds that took."""
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < seconds, f"not in {seconds} s: {what}"
        time.sleep(0.01)  # noqa: TID251 - waiting for other processes
    return time.monotonic() - began
