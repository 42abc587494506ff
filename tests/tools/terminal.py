"""A person at a pseudo-terminal: types lines and reads what appears."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Person:
    """Someone who drives a command through a terminal. screen: all that appeared so far."""

    process: "subprocess.Popen[bytes]"
    master: int
    screen: str = ""
    read_to: int = field(default=0)

    def sees(self, pattern: str, seconds: float = 30) -> "re.Match[str]":
        """Wait until a text appears after the one seen last."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.compile(pattern).search(self.screen, self.read_to)
            if found:
                self.read_to = found.end()
                return found
            rest = deadline - time.monotonic()
            if rest <= 0 or not self._read(rest):
                raise AssertionError(f"{pattern!r} did not appear in {seconds} s; the screen:\n{self.screen}")

    def types(self, line: str) -> None:
        """Type a line and Enter."""
        os.write(self.master, line.encode() + b"\n")

    def presses_ctrl_c(self) -> None:
        """Send what the key sends."""
        os.write(self.master, b"\x03")

    def leaves(self, seconds: float = 20) -> int:
        """Wait for the end of the command and return its exit status."""
        with contextlib.suppress(OSError):
            while self._read(0.5):
                pass
        return self.process.wait(seconds)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            block = os.read(self.master, 65536)
        except OSError:  # the other side closed
            return False
        self.screen += block.decode(errors="replace").replace("\r\n", "\n")
        return bool(block)


@contextlib.contextmanager
def at_terminal(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[Person]:
    """Run `parlour` on a terminal of its own until the block ends."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "parlour.cli.main", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
        preexec_fn=_own_terminal,  # noqa: PLW1509 - these tests start no threads before
    )
    os.close(slave)
    person = Person(process, master)
    try:
        yield person
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        os.close(master)


def _own_terminal() -> None:
    """Make standard input the controlling terminal, so that Ctrl-C is a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
