"""A program under `parlour run` has its terminal, its signals and its exit code."""

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import LiveServer
from tests.run.programs import account, clean_environment, parlour_run, run

CONTROL_C = b"\x03"
COUNTING = """
import signal, sys
seen = []
signal.signal(signal.SIGINT, lambda *_: (seen.append("INT"), print("interrupted", flush=True)))
signal.signal(signal.SIGTERM, lambda *_: (print("ended", flush=True), sys.exit(9)))
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(40 + len(seen)))
print("ready", flush=True)
while True:
    signal.pause()
"""


@contextlib.contextmanager
def counting(server: LiveServer, data: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run the program that counts its signals, in a session without a terminal."""
    with subprocess.Popen(
        [*parlour_run(server.url, data), sys.executable, "-c", COUNTING],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(**account(server)),
        start_new_session=True,
    ) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)  # the program too


def test_the_exit_code_is_the_programs(server: LiveServer, tmp_path: Path) -> None:
    assert run(server, tmp_path, "sh", "-c", "exit 7").returncode == 7


def test_a_program_that_a_signal_ended_is_told_as_shells_do(server: LiveServer, tmp_path: Path) -> None:
    assert run(server, tmp_path, "sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL


def test_a_program_that_is_not_there(server: LiveServer, tmp_path: Path) -> None:
    ran = run(server, tmp_path, "no-such-program")
    assert (ran.returncode, ran.stderr) == (127, "Error: no-such-program: there is no such program\n")


def test_a_folder_on_path_that_cannot_be_entered_hides_nothing(server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")  # the super-user may enter all others
    environment = {"PATH": f"{tmp_path / 'loop'}:{os.environ['PATH']}"}
    ran = run(server, tmp_path, "no-such-program", environment=environment)
    assert (ran.returncode, ran.stderr) == (127, "Error: no-such-program: there is no such program\n")


def test_standard_input_and_output_are_the_programs(server: LiveServer, tmp_path: Path) -> None:
    ran = run(server, tmp_path, "tr", "a-z", "A-Z", stdin="hello\n")
    assert (ran.stdout, ran.stderr) == ("HELLO\n", "")


def test_options_behind_the_program_are_the_programs(server: LiveServer, tmp_path: Path) -> None:
    assert run(server, tmp_path, "echo", "--offline", "--url", "x").stdout == "--offline --url x\n"


def test_term_reaches_the_program(server: LiveServer, tmp_path: Path) -> None:
    with counting(server, tmp_path) as started:
        started.terminate()
        assert started.wait(30) == 9


def test_int_of_no_terminal_reaches_the_program_once(server: LiveServer, tmp_path: Path) -> None:
    with counting(server, tmp_path) as started:
        assert started.stdout is not None
        started.send_signal(signal.SIGINT)
        assert started.stdout.readline() == "interrupted\n"
        started.send_signal(signal.SIGUSR1)
        assert started.wait(30) == 41


@contextlib.contextmanager
def at_a_terminal(server: LiveServer, data: Path, program: str) -> Iterator[tuple[int, io.FileIO]]:
    """Run a program at a terminal; give the process of `parlour run`, and the terminal, when it is ready."""
    command = [*parlour_run(server.url, data), sys.executable, "-c", program]
    child, terminal = pty.fork()
    if child == 0:
        os.execve(command[0], command, clean_environment(**account(server)))  # noqa: S606
    with io.FileIO(terminal, "r+") as keys:
        assert b"ready" in keys.read(100)
        yield child, keys


def test_control_c_reaches_the_program(server: LiveServer, tmp_path: Path) -> None:
    with at_a_terminal(server, tmp_path, COUNTING) as (child, keys):
        keys.write(CONTROL_C)
        said = b""
        while b"interrupted" not in said:
            said += keys.read(100)
        os.kill(child, signal.SIGUSR1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 41


def test_control_c_is_not_sent_a_second_time(server: LiveServer, tmp_path: Path) -> None:
    aside = f"import os; os.setpgid(0, 0)\n{COUNTING}"  # out of the terminal's reach: what comes would be from us
    with at_a_terminal(server, tmp_path, aside) as (child, keys):
        keys.write(CONTROL_C)
        os.kill(child, signal.SIGUSR1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 40
