"""Pages of large worlds: the last page of a conversation, and pages of what a participant is in.

Two worlds, a thousand messages in 100 conversations and a million in 100,000, both seeded by COPY; the same requests to
each, one after the other. Prints p99 in milliseconds, SQL statements for each request, and the cost (median) against
the small world. Targets: p99 < 15 ms, at most 3 statements, at most 1.5 times the cost.
"""

import argparse
import asyncio
import base64
import http.client
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from append import line_of

if TYPE_CHECKING:
    import asyncpg
    import msgspec

    from parlour.conversations.store.conversations import Conversation
    from parlour.conversations.store.participants import Participant

WORLDS = {"small": (1_000, 100), "large": (1_000_000, 100_000)}  # messages, conversations
BIG = 0.5  # share of the messages that lie in the few large conversations
LARGE_CONVERSATIONS = 100  # one in as many is large
EACH = 100  # conversations of one participant
WARM_UP = 100  # requests
P99_MS, STATEMENTS, RATIO = 15.0, 3, 1.5


# -- the server -------------------------------------------------------------------------------


class Binding(NamedTuple):
    """How somebody takes part: by identity, or by address."""

    type: str
    identity: str | None
    address: str | None
    proxy_address: str | None


async def copy_world(
    connection: "asyncpg.Connection", account_sid: str, messages: int, conversations: int
) -> dict[str, list[str]]:
    """Copy conversations with a user and a customer each, and their messages; return what to ask for."""
    from parlour.conversations.seed import seed_messages
    from parlour.conversations.store.conversations import Conversation
    from parlour.kit.sids import Sids

    sids, now = Sids(), datetime.now(UTC)
    service_sid = await connection.fetchval(
        "SELECT default_chat_service_sid FROM conversations_configuration WHERE account_sid = $1", account_sid
    )
    rows, people = [], []
    for number in range(conversations):
        row = Conversation(
            account_sid=account_sid, sid=sids.new("CH", now), chat_service_sid=service_sid, messaging_service_sid=None,
            friendly_name=f"Talk {number}", unique_name=None, attributes="{}", state="active", state_at=now,
            timer_inactive=None, timer_closed=None, inactive_seconds=None, closed_seconds=None, created_by="system",
            document_sid=sids.new("ET", now), messages_sid=sids.new("ES", now), roster_sid=sids.new("MP", now),
            date_created=now, date_updated=now,
        )  # fmt: skip
        rows.append(row)
        owner = number // EACH
        bindings = (
            Binding("chat", f"user{owner}", None, None),
            Binding("sms", None, f"+1555{owner:07}", f"+1666{number:07}"),
        )
        people += [person(account_sid, sids.new("MB", now), row, now, binding) for binding in bindings]
    await copy(connection, "conversation", rows, without=("listeners",))
    await copy(connection, "participant", people)
    large = [row.sid for row in rows[::LARGE_CONVERSATIONS]]
    small = [row.sid for index, row in enumerate(rows) if index % LARGE_CONVERSATIONS]
    await seed_messages(connection, account_sid, large, int(messages * BIG) // len(large))
    await seed_messages(connection, account_sid, small, int(messages * (1 - BIG)) // len(small))
    await connection.execute("VACUUM ANALYZE", timeout=600)
    users = sorted({row.identity for row in people if row.identity})
    addresses = sorted({row.address for row in people if row.address})
    return {"large": large, "identities": users, "addresses": addresses}


def person(account_sid: str, sid: str, row: "Conversation", now: datetime, binding: Binding) -> "Participant":
    """Return a participant of a conversation."""
    from parlour.conversations.store.participants import Participant

    return Participant(
        account_sid=account_sid,
        sid=sid,
        conversation_sid=row.sid,
        chat_service_sid=row.chat_service_sid,
        role_sid=None,
        attributes="{}",
        created_change=1,
        change=1,
        date_created=now,
        date_updated=now,
        type=binding.type,
        identity=binding.identity,
        address=binding.address,
        proxy_address=binding.proxy_address,
    )


async def copy(
    connection: "asyncpg.Connection", table: str, rows: "Sequence[msgspec.Struct]", *, without: tuple[str, ...] = ()
) -> None:
    """Copy rows; what is left out takes its default."""
    columns = [name for name in rows[0].__struct_fields__ if name not in without]
    records = ([getattr(row, name) for name in columns] for row in rows)
    await connection.copy_records_to_table(table, records=records, columns=columns)


async def serve(folder: Path, messages: int, conversations: int) -> None:
    """Serve a seeded world; `GET /_bench/statements` says how many statements there were so far."""
    import asyncpg
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from parlour.accounts import service
    from parlour.app import compose
    from parlour.launch import set_up_logs
    from parlour.package import Package
    from parlour.server import Server, stop_on_signals
    from parlour.settings import Settings
    from parlour.store.postgres.supervisor import Supervisor

    set_up_logs("warning")
    count = 0
    connect = asyncpg.connect

    def counted(_query: object) -> None:
        nonlocal count
        count += 1

    async def watched(*given: Any, **options: Any) -> asyncpg.Connection:
        connection: asyncpg.Connection = await connect(*given, **options)
        connection.add_query_logger(counted)
        return connection

    mock.patch.object(asyncpg, "connect", watched).start()  # as long as this process serves

    async def statements(_request: object) -> JSONResponse:
        return JSONResponse(count)

    port = free_port()
    async with Supervisor(folder) as postgres:
        program = compose(
            Settings(data=folder, port=port),
            postgres.address.dsn,
            extra=[Package(name="bench", routes=[Route("/_bench/statements", statements)])],
        )
        server = Server(program)
        ready: dict[str, object] = {"port": port}

        async def prepare() -> None:
            made = await service.create_account(program.database, program.box, friendly_name="Bench")
            ready.update(account_sid=made.account_sid, auth_token=made.auth_token)
            connection = await connect(postgres.address.dsn)
            try:
                ready.update(await copy_world(connection, made.account_sid, messages, conversations))
            finally:
                await connection.close()

        stop_on_signals(asyncio.get_running_loop(), server.stop)
        await server.run(before_serving=prepare, on_ready=lambda: print(json.dumps(ready), flush=True))


def free_port() -> int:
    """Return a port that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- the client -------------------------------------------------------------------------------


@contextmanager
def world(folder: Path, messages: int, conversations: int) -> Iterator[dict[str, Any]]:
    """Run a server on a world until the block ends."""
    command = [sys.executable, __file__, "--serve", str(folder), str(messages), str(conversations)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(line_of(child))
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()


def pages(ready: dict[str, Any]) -> dict[str, list[str]]:
    """Return the paths of each kind of page."""
    conversations = "/conversations/v1"
    return {
        "last page of a conversation": [
            f"{conversations}/Conversations/{sid}/Messages?Order=desc&PageSize=50" for sid in ready["large"]
        ],
        "conversations of an identity": [
            f"{conversations}/ParticipantConversations?Identity={name}" for name in ready["identities"]
        ],
        "conversations of an address": [
            f"{conversations}/ParticipantConversations?Address=%2B{number[1:]}" for number in ready["addresses"]
        ],
    }


def measure(ready: dict[str, Any], paths: list[str], requests: int) -> dict[str, float]:
    """Ask for pages at random, one after the other, over one connection."""
    credentials = f"{ready['account_sid']}:{ready['auth_token']}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(credentials).decode()}
    connection = http.client.HTTPConnection("127.0.0.1", ready["port"], timeout=60)

    def get(path: str) -> bytes:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}: {body[:300]!r}")
        return body

    for _ in range(WARM_UP):
        get(random.choice(paths))
    before = int(get("/_bench/statements"))
    times = []
    for _ in range(requests):
        path = random.choice(paths)
        began = time.perf_counter()
        get(path)
        times.append((time.perf_counter() - began) * 1000)
    statements = (int(get("/_bench/statements")) - before) / requests
    connection.close()
    return {"p99": statistics.quantiles(times, n=100)[98], "median": statistics.median(times), "statements": statements}


def main() -> None:
    """Measure and print; exit 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=1000)
    options.add_argument("--large", type=int, nargs=2, default=WORLDS["large"], metavar=("MESSAGES", "CONVERSATIONS"))
    options.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    if given.serve:
        asyncio.run(serve(Path(given.serve[0]), int(given.serve[1]), int(given.serve[2])))
        return
    seed = random.randrange(1 << 30)
    random.seed(seed)
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name, (messages, conversations) in {"small": WORLDS["small"], "large": tuple(given.large)}.items():
        with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
            began = time.monotonic()
            with world(Path(folder) / "data", messages, conversations) as ready:
                print(f"{name} world ready after {time.monotonic() - began:.0f} s", file=sys.stderr)
                for kind, paths in pages(ready).items():
                    figures.setdefault(kind, {})[name] = measure(ready, paths, given.requests)
    result = {"seed": seed, "large": given.large, "pages": {kind: judged(of) for kind, of in figures.items()}}
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    sys.exit(0 if all(page["met"] for page in result["pages"].values()) else 1)


def judged(of: dict[str, dict[str, float]]) -> dict[str, object]:
    """Compare a page of the large world with the targets; statements of the server's own sweeps are rounded away."""
    ratio = of["large"]["median"] / of["small"]["median"]
    met = of["large"]["p99"] < P99_MS and round(of["large"]["statements"]) <= STATEMENTS and ratio <= RATIO
    return {**of, "ratio": ratio, "met": met}


if __name__ == "__main__":
    main()
