"""The command ``parlour`` in processes of its own, each forked from one that has imported the program already.

Hundreds of servers are started in a run of the tests, and most of a start is the import. What is started is the whole
command with its own arguments, environment, output and exit status; it is killed like any other process. The suites of
the command itself (tests/run, tests/spine, tests/demo) start it as a person does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Final, NamedTuple

MOST: Final = 1 << 20  # bytes of one order: arguments and environment
IMPORTED: Final = ("parlour.launch", "parlour.cli.main", "parlour.cli.carriers", "parlour.cli.doctor", "parlour.cli.db")


class Forked:
    """A process of the command, used like one of ``subprocess.Popen``.

    :ivar args: the arguments after ``parlour``.
    :ivar returncode: the exit status, negative for a signal; None as long as it runs.
    """

    def __init__(self, arguments: Sequence[str], pid: int, line: socket.socket) -> None:
        self.args = list(arguments)
        self.pid = pid
        self.returncode: int | None = None
        self._line = line  # says the exit status, once
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit status, None as long as it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        :raises subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and its status is on the way
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it now."""
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._line], [], [], seconds)[0]:
                said = self._line.recv(64)
                self.returncode = int(said) if said else -signal.SIGKILL  # who forked it is gone itself
                self._line.close()
            return self.returncode


class _Forker:
    """The process that has imported the program; it ends when we do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], files: tuple[IO[bytes], IO[bytes]]
    ) -> Forked:
        """Start the command."""
        order = json.dumps(_Order(list(arguments), dict(environment), str(Path.cwd()))).encode()
        assert len(order) < MOST
        with self._lock:
            line = self._line = self._line or self._begin()
            ours, theirs = socket.socketpair()
            with theirs:
                line.sendall(len(order).to_bytes(4, "big"))
                socket.send_fds(line, [b"f"], [files[0].fileno(), files[1].fileno(), theirs.fileno()])
                line.sendall(order)
            pid = int.from_bytes(_exactly(line, 4), "big")
        return Forked(arguments, pid, ours)

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        atexit.register(self._end)
        return ours

    def _end(self) -> None:
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait(10)


_forker = _Forker()


def start(
    *arguments: str, output: IO[bytes], errors: IO[bytes] | None = None, environment: Mapping[str, str] | None = None
) -> Forked:
    """Start ``parlour`` with arguments.

    :param errors: the file of its second output; default: ``output``.
    :param environment: default: ours.
    """
    return _forker.start(arguments, os.environ if environment is None else environment, (output, errors or output))


def _exactly(line: socket.socket, count: int) -> bytes:
    said = b""
    while len(said) < count:
        part = line.recv(count - len(said))
        if not part:
            raise EOFError
        said += part
    return said


class _Order(NamedTuple):
    """What to start."""

    arguments: list[str]
    environment: dict[str, str]
    cwd: str


def _serve(line: socket.socket) -> None:
    """Fork for each order, and say the exit status of each process on its own line."""
    children: dict[int, tuple[int, socket.socket]] = {}
    while True:
        ready, _, _ = select.select([line.fileno(), *children], [], [])
        for each in ready:
            if each == line.fileno():
                try:
                    pid, said = _fork(line, children)
                except EOFError:
                    return
                children[os.pidfd_open(pid)] = (pid, said)
                line.sendall(pid.to_bytes(4, "big"))
            else:
                pid, said = children.pop(each)
                os.close(each)
                _, status = os.waitpid(pid, 0)
                with said:
                    said.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _fork(line: socket.socket, others: Mapping[int, tuple[int, socket.socket]]) -> tuple[int, socket.socket]:
    size = int.from_bytes(_exactly(line, 4), "big")
    _, files, _, _ = socket.recv_fds(line, 1, 3)
    order = _Order(*json.loads(_exactly(line, size)))
    output, errors, own = files
    pid = os.fork()
    if pid == 0:
        line.close()
        for ended, (_, said) in others.items():
            os.close(ended)
            said.close()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        for file in files:
            os.close(file)
        _command(order)
    os.close(output)
    os.close(errors)
    return pid, socket.socket(fileno=own)


def _command(order: _Order) -> None:
    """Be the command, to the end of the process."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(order.environment)
        os.chdir(order.cwd)
        sys.argv = ["parlour", *order.arguments]
        import_module("parlour.cli.main").main()
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the end of the process, as the interpreter would have it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    assert threading.active_count() == 1, "a thread does not survive a fork"
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as mine:
        _serve(mine)
