"""`parlour demo`: everything at once, with a handset, two agents and three things to try."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from parlour.cli.main import serving_options
from parlour.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from parlour.app import Program

ROBOT_PATIENCE = 5.0  # seconds for Ana's robot to leave at the end

BUILD_PATIENCE = 5.0  # seconds for the build of the desktop to stop
SHARE = 10  # how far the build stands behind the server for the processor

TRY = """
  Handset      {url}/handset
  Account SID  {account_sid}
  Auth token   {auth_token}
  Log          {log}

Three things to try
  1. Open the handset and text anything to {demo}. Demo Flow asks what it is about; answer 1 or 2.
     Then Ana answers: a robot, until somebody takes over.
  2. Take over from the robot, in another terminal:   {program} agent ana{data}
     Text from the handset again; accept, answer, /done.
  3. See what became of the last text:                {program} trace last{data}
     and whether all is well:                         {program} doctor{data}

Ctrl-C ends it. The data stays in {folder}.
"""
DESKTOP = """
  Agent desktop  {url}/desktop/
  User name      {name}
  Password       {password}
  As soon as {full_name} is Available there, Ana's robot leaves new work to {full_name}.
"""


class Steps:
    """Prints each step of the start with its seconds."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def passed(self, step: str) -> None:
        """Print that a step is done."""
        now = time.monotonic()
        click.echo(f"  {now - self._last:5.1f} s  {step}")
        self._last = now

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began


@click.command()
@serving_options
def demo(**given: Any) -> None:
    """Run everything with demo data: a handset, two agents, and a robot that answers for Ana."""
    import uvloop

    from parlour.launch import Audience, run, set_up_logs

    given["demo"] = True
    try:
        settings = load(given)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    settings.data.mkdir(parents=True, exist_ok=True)
    log = settings.data / "parlour.log"
    steps = Steps()
    click.echo("Starting Parlour with demo data …")
    with log.open("a", buffering=1) as file, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        set_up_logs(settings.log_level, file)
        status = runner.run(run(settings, Audience(steps.passed, lambda program: _tour(program, steps, log))))
    click.echo(
        "Parlour has stopped." if status == 0 else f"Parlour could not start; {log} has the details.", err=bool(status)
    )
    sys.exit(status)


async def _tour(program: "Program", steps: Steps, log: Path) -> None:
    """Send Ana's robot to work, say what can be tried, and call the robot back at the end."""
    robot = _start_robot(program.settings)
    try:
        steps.passed("Ana's robot goes to work")
        click.echo(f"Ready in {steps.seconds:.1f} s.")
        click.echo(_words(program.settings, log))
        await _show_desktop(program.settings)
        while robot.poll() is None:
            await asyncio.sleep(0.5)
        click.echo("Ana's robot has stopped; `parlour agent ana` answers in its place.", err=True)
    finally:
        await asyncio.to_thread(_stop, robot)


async def _show_desktop(settings: Settings) -> None:
    """Say where the agent desktop is, once it is there: it is built beside the running server."""
    from parlour.cli.desktop_build import SOURCES, build_name
    from parlour.flex.desktop_folder import DesktopFolder

    built = DesktopFolder(settings.desktop_folder).current()
    fresh = built is not None and (not SOURCES.is_dir() or built.name == build_name(SOURCES))
    if fresh or await _build_desktop(settings):
        click.echo(_desktop_words(settings))


async def _build_desktop(settings: Settings) -> bool:
    """Build the desktop in a process of its own, show its progress, and say whether it is there."""
    click.echo("Building the agent desktop beside it; all of the above can be used meanwhile.")
    command = [sys.executable, "-m", "parlour.cli.main", "desktop", "build", "--data", str(settings.data)]
    command += ["--folder", str(settings.desktop_folder)]
    process = await asyncio.create_subprocess_exec(
        *("nice", "-n", str(SHARE), *command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C in the terminal must reach us first
    )
    try:
        if process.stdout is not None:
            async for line in process.stdout:
                click.echo(line.decode(errors="replace").rstrip())
        return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), BUILD_PATIENCE)
            except TimeoutError:
                process.kill()
                await process.wait()


def _desktop_words(settings: Settings) -> str:
    from parlour.demo import AGENTS, DESKTOP_USERS

    name = AGENTS[-1]  # the one without a robot
    known = json.loads((settings.data / DESKTOP_USERS).read_text())
    return DESKTOP.format(url=settings.base_url, name=name, password=known[name], full_name=name.capitalize())


def _start_robot(settings: Settings) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "parlour.cli.main", "agent", "ana", "--robot", "1", "--quiet"]
    command += ["--data", str(settings.data), "--url", settings.base_url, "--capacity", "5", "--give-way"]
    with (settings.data / "robot.log").open("ab") as output:
        # A session of its own: Ctrl-C in the terminal must reach us first, so that the robot leaves in good order.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def _stop(robot: "subprocess.Popen[bytes]") -> None:
    if robot.poll() is None:
        robot.send_signal(signal.SIGINT)
        try:
            robot.wait(ROBOT_PATIENCE)
        except subprocess.TimeoutExpired:
            robot.kill()
            robot.wait()


def _words(settings: Settings, log: Path) -> str:
    from parlour.demo import DEMO_NUMBER
    from parlour.published import DEMO_CREDENTIALS

    known = json.loads((settings.data / DEMO_CREDENTIALS).read_text())
    default = Path(os.environ.get("PARLOUR_DATA") or ".parlour")
    own = settings.data.resolve() != default.resolve()
    return TRY.format(
        url=settings.base_url,
        account_sid=known["account_sid"],
        auth_token=known["auth_token"],
        log=log,
        demo=DEMO_NUMBER,
        program=_program(),
        data=f" --data {settings.data}" if own else "",
        folder=settings.data,
    )


def _program() -> str:
    """Return how the reader can call us from this folder."""
    beside = Path(sys.executable).parent / "parlour"
    try:
        return str(beside.relative_to(Path.cwd()))
    except ValueError:
        return "parlour"
