"""Several server processes on one database, each on a port that it can have again."""

import contextlib
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from parlour.accounts.service import Credentials
from tests.conftest import LiveServer, free_port, wait_for_server
from tests.forking import start
from tests.path.conftest import own_database


@dataclass
class Deployment:
    """A database with the servers on it."""

    folder: Path
    address: str
    credentials: Credentials
    servers: list[LiveServer] = field(default_factory=list)

    def start(self, port: int | None = None) -> LiveServer:
        """Start a server, by default on a port of its own."""
        port = port or free_port()
        log = self.folder / f"server-{len(self.servers)}.log"
        command = ["serve", "--demo", "--test-clock"]
        command += ["--data", str(self.folder / "data"), "--database-url", self.address, "--port", str(port)]
        command += ["--account-sid", self.credentials.account_sid, "--auth-token", self.credentials.auth_token]
        with log.open("wb") as output:
            process = start(*command, output=output)
        url = f"http://127.0.0.1:{port}"
        wait_for_server(url, process, log)
        server = LiveServer(url, self.credentials, process, log, ["serve", "--test-clock"])
        self.servers.append(server)
        return server

    def again(self, server: LiveServer, how: signal.Signals) -> LiveServer:
        """End a server and start it again on its port."""
        end(server, how)
        return self.start(int(server.url.rpartition(":")[2]))


def end(server: LiveServer, how: signal.Signals) -> None:
    """End a server and wait until it is gone."""
    server.process.send_signal(how)
    server.process.wait(30)


@contextlib.contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """Run a database until the block ends, and then end what was started on it."""
    with own_database(folder / "database") as address:
        made = Deployment(folder, address, Credentials("AC" + secrets.token_hex(16), secrets.token_hex(16)))
        try:
            yield made
        finally:
            for server in made.servers:
                if server.process.poll() is None:
                    end(server, signal.SIGTERM)
