"""A server for the benchmarks: durable settings, and three durable subscribers of ``message.added``.

Arguments: data folder, number of messages to seed by COPY, `--demo` for the demo's numbers on a carrier that
takes nothing, `--webhooks` for webhooks on this machine instead of the subscribers. Prints one JSON line when it is
ready.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path

import asyncpg
import uvloop

from parlour.accounts import service
from parlour.app import Program, compose
from parlour.demo import seed as seed_demo
from parlour.launch import set_up_logs
from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.package import Package
from parlour.server import Server, stop_on_signals
from parlour.settings import Settings
from parlour.store.postgres.supervisor import Supervisor
from parlour.store.unit import UnitOfWork

CONVERSATIONS = 400
TOKEN = "carrier-token-of-the-bench"
CARRIER = f"http://AC{'c' * 32}:{TOKEN}@127.0.0.1:9"


def subscriber(number: int) -> Package:
    """Return a floor that hears every message and remembers nothing."""
    reactions = Reactions(f"subscriber{number}")

    @reactions.after("message.added/1", lanes=lambda event: [f"subscriber{number}:{event.stream}"])
    async def heard(_uow: UnitOfWork, _event: Event) -> None:
        pass

    return Package(name=f"subscriber{number}", reactions=[reactions])


async def seed(program: Program, account_sid: str, messages: int) -> list[str]:
    """Make conversations through the floor and their messages by COPY."""
    from parlour.conversations import conversations as floor

    sids = [(await program.database.step(account_sid, floor.create)).sid for _ in range(CONVERSATIONS)]
    if messages:
        await program.database.system(lambda connection: copy_messages(connection, account_sid, sids, messages))
    return sids


async def seed_numbers(program: Program) -> str:
    """Put the demo's numbers in and return where their texts are to be posted."""
    return await seed_demo(program, None, register=False)


async def copy_messages(connection: asyncpg.Connection, account_sid: str, sids: list[str], messages: int) -> None:
    """Copy one message of each conversation as many times as it takes."""
    from parlour.conversations.seed import seed_messages

    await seed_messages(connection, account_sid, sids, messages // len(sids))


async def main() -> None:
    """Serve until SIGINT."""
    folder, messages, demo = Path(sys.argv[1]), int(sys.argv[2]), "--demo" in sys.argv
    webhooks = "--webhooks" in sys.argv
    set_up_logs("warning")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with Supervisor(folder) as postgres:
        program = compose(
            Settings(
                data=folder,
                port=port,
                demo=demo,
                rate_limit=0,
                interactions_per_second=0,
                simulator_url=CARRIER if demo else None,
                allowed_networks=("127.0.0.0/8",) if webhooks else (),
            ),
            postgres.address.dsn,
            extra=[] if demo or webhooks else [subscriber(number) for number in range(3)],
        )
        server = Server(program)
        ready: dict[str, object] = {"url": f"http://127.0.0.1:{port}", "port": port, "dsn": postgres.address.dsn}

        async def prepare() -> None:
            made = await service.create_account(program.database, program.box, friendly_name="Bench")
            ready.update(account_sid=made.account_sid, auth_token=made.auth_token)
            if demo:
                ready["token"] = TOKEN
                ready["inbound"] = await seed_numbers(program)
            else:
                ready["conversations"] = await seed(program, made.account_sid, messages)

        stop_on_signals(asyncio.get_running_loop(), server.stop)
        await server.run(before_serving=prepare, on_ready=lambda: print(json.dumps(ready), flush=True))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
