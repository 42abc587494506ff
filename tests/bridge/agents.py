"""Agents whose client is the official Worker SDK in Node, driven from a test."""

import contextlib
import itertools
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant

from tests import npm
from tests.conftest import LiveServer

SOURCES: Final = Path(__file__).resolve().parent / "node"
CACHE: Final = Path(__file__).resolve().parent.parent.parent / ".cache" / "bridge"
HALT: Final = frozenset({"uncaught", "unhandled"})


def installed() -> Path:
    """Return a folder that has the Worker SDK and our scripts."""
    return npm.installed(SOURCES, CACHE)


def of_sid(sid: str) -> Callable[[dict[str, Any]], bool]:
    """Return the test of an event of this SID."""
    return lambda data: bool(data["sid"] == sid)


class Refused(Exception):
    """The client's promise was rejected with this message."""


@dataclass
class Heard:
    """An event as the client emitted it.

    :ivar number: its place among all that the client said, answers included.
    """

    number: int
    name: str
    data: dict[str, Any]


@dataclass
class Agent:
    """A running client."""

    process: "subprocess.Popen[str]"
    heard: list[Heard] = field(default_factory=list)
    _answers: dict[int, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _lines: int = 0

    def read(self) -> None:
        """Take what the client says until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            with self._changed:
                self._lines += 1
                if "id" in said:
                    self._answers[said["id"]] = (self._lines, said)
                else:
                    self.heard.append(Heard(self._lines, said["event"], said["data"]))
                self._changed.notify_all()

    def send(self, command: str, **args: Any) -> int:
        """Have the client begin something; return the number to ask for its end with."""
        number = next(self._numbers)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": number, "command": command, **args}) + "\n")
        self.process.stdin.flush()
        return number

    def answer(self, number: int, seconds: float = 40) -> tuple[int, Any]:
        """Return when and how a command ended.

        :raises Refused: its promise was rejected.
        """
        self._wait(lambda: number in self._answers, seconds, f"command {number} did not end")
        place, said = self._answers[number]
        if "error" in said:
            raise Refused(said["error"])
        return place, said["result"]

    def do(self, command: str, **args: Any) -> Any:
        """Have the client do something and return the result."""
        return self.answer(self.send(command, **args))[1]

    def wait(
        self, name: str, test: Callable[[dict[str, Any]], bool] = lambda _: True, *, seconds: float = 40, count: int = 1
    ) -> Heard:
        """Return the ``count``-th event of a name that passes the test, as soon as it was heard."""

        def found() -> list[Heard]:
            return [each for each in self.heard if each.name == name and test(each.data)]

        self._wait(lambda: len(found()) >= count, seconds, f"{name} was not heard {count} times")
        return found()[count - 1]

    def of(self, sid: str) -> list[str]:
        """Return the names of all events about one SID, in order."""
        return [each.name for each in self.heard if each.data.get("sid") == sid]

    def names(self) -> list[str]:
        """Return the names of all events, in order."""
        return [each.name for each in self.heard]

    def count(self, name: str) -> int:
        """Return how often an event was heard."""
        return self.names().count(name)

    def sound(self) -> None:
        """Demand that nothing was thrown in the client."""
        assert [each.data for each in self.heard if each.name in HALT] == []

    def _wait(self, test: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not test():
                left = deadline - time.monotonic()
                assert left > 0, f"{what} in {seconds} s; heard {[(e.name, e.data) for e in self.heard][-20:]}"
                self._changed.wait(left)


@contextlib.contextmanager
def running_agent() -> Iterator[Agent]:
    """Run a client until the block ends."""
    folder = installed()
    node = shutil.which("node")
    assert node is not None, "node is needed to run the Worker SDK"
    process = subprocess.Popen([node, "agent.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    agent = Agent(process)
    reader = threading.Thread(target=agent.read, daemon=True)
    reader.start()
    try:
        yield agent
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        reader.join(10)
        process.stdout.close()


@dataclass
class Tokens:
    """Makes tokens by the official helper library, with a key of the server's account."""

    server: LiveServer
    key: tuple[str, str]

    def of(
        self, workspace: str, worker: str | None, *, role: str = "worker", seconds: int = 3600, name: str = ""
    ) -> str:
        """Return a token of a worker."""
        token = AccessToken(self.server.credentials.account_sid, *self.key, identity=name or "agent", ttl=seconds)
        token.add_grant(TaskRouterGrant(workspace_sid=workspace, worker_sid=worker, role=role))
        return str(token.to_jwt())


def tokens_of(server: LiveServer) -> Tokens:
    """Return a maker of tokens."""
    key = server.client().new_keys.create(friendly_name="agents")
    return Tokens(server, (str(key.sid), str(key.secret)))


def addresses(url: str) -> dict[str, str]:
    """Return the options that point the client at a server."""
    path = "/event-bridge/v1/wschannels"
    return {"ebServer": url + path, "wsServer": url.replace("http", "ws", 1) + path}
