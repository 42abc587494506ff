"""`python -m parlour.channels.sms.simulator`: the carrier simulator on its own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from .app import simulator
from .carrier import Carrier
from .settings import Phone, Settings


class Server(uvicorn.Server):
    """A server that ends by a call of ours, so that the event streams can be closed first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `_serve`."""
        yield


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parlour.channels.sms.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--ledger", type=Path, help="SQLite file; in memory when not given")
    parser.add_argument("--seed", type=int, help="makes SIDs and faults repeatable")
    parser.add_argument("--account-sid")
    parser.add_argument("--auth-token")
    parser.add_argument("--public-url", default="", help="address of this carrier for the other side")
    parser.add_argument("--number", action="append", default=[], metavar="+E164[=SMS_URL]")
    parser.add_argument("--phone", action="append", default=[], metavar="+E164=+TO", help="a handset")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((arguments.host, arguments.port))
    bound.listen(128)  # who reads our line below may call at once
    url = arguments.public_url or f"http://{arguments.host}:{bound.getsockname()[1]}"
    carrier = Carrier(
        Settings(
            ledger=arguments.ledger,
            seed=arguments.seed,
            account_sid=arguments.account_sid,
            auth_token=arguments.auth_token,
            public_url=url,
            phones=tuple(Phone(*pair.split("=", 1)) for pair in arguments.phone),
        )
    )
    for number in arguments.number:
        phone_number, _, sms_url = number.partition("=")
        carrier.put_number(phone_number, sms_url=sms_url or None)
    server = Server(uvicorn.Config(simulator(carrier), log_level="error", lifespan="on", timeout_graceful_shutdown=3))

    def end() -> None:
        carrier.close_streams()
        server.should_exit = True

    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, end)
    sys.stdout.write(f"carrier {url} account {carrier.account_sid} token {carrier.auth_token}\n")
    sys.stdout.flush()
    await server.serve(sockets=[bound])


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    asyncio.run(_serve(_arguments()))


if __name__ == "__main__":
    main()
