"""The sequences of the reference (conversations.md §12), as programs written for the vendor's service, unchanged."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests import pip
from tests.carrier import running_carrier
from tests.channels.street import FAST, parlour
from tests.conftest import running_server
from tests.run import programs
from tests.run.outside import World, serving

HERE: Final = Path(__file__).resolve().parent
PYTHON: Final = HERE / "python"
VERSIONS: Final = ("twilio-python-8", "twilio-python-9", "twilio-4", "twilio-5", "twilio-6")
SEQUENCES: Final = ("12.1", "12.2", "12.3", "12.4, by MMS", "12.4", "12.5", "12.6", "12.7", "12.8", "12.9", "12.10")
Ran = Mapping[str, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Each version's program after its run; they run beside each other, on one server, each with its own number."""
    folder = tmp_path_factory.mktemp("sequences")
    data = folder / "data"
    home = programs.installed()
    with (
        ExitStack() as beside,
        running_carrier(folder / "ledger.db", "--seed", "1") as carrier,
        running_server(folder, "start", "--demo", "--test-clock", "--data", str(data)) as server,
        ThreadPoolExecutor(len(VERSIONS)) as pool,
    ):
        carrier.faults(**FAST)
        hook = parlour(
            "carriers", "add", "street", "--url", carrier.url, "--carrier-account", carrier.account_sid,
            "--carrier-token", carrier.auth_token, "--takes-groups", "--public-url", server.url, "--data", str(data),
        )  # fmt: skip
        outside = beside.enter_context(serving(World(server, carrier, hook, len(VERSIONS))))

        def day(number: int) -> "subprocess.CompletedProcess[str]":
            version, own = VERSIONS[number], f"+1202555030{number}"
            senders = (own, f"whatsapp:{own}")
            parlour("carriers", "attach", *senders, "--to", "street", "--data", str(data))
            for sender in senders:
                carrier.call("/_sim/numbers", {"phone_number": sender, "sms_url": hook})
            command, cwd, environment = program(version, home)
            environment |= {"SHOP_NUMBER": own, "OUTSIDE_URL": outside, "FRONT_END": str(home / "front_end.js")}
            try:
                return programs.run(server, folder / version, *command, cwd=cwd, environment=environment)
            except subprocess.TimeoutExpired as late:
                said, wrong = ((part or b"").decode() for part in (late.stdout, late.stderr))
                return subprocess.CompletedProcess(command, -1, said, f"{late}\n{wrong}")

        yield dict(zip(VERSIONS, pool.map(day, range(len(VERSIONS))), strict=True))


def program(version: str, home: Path) -> tuple[list[str], Path, dict[str, str]]:
    """Return command line, folder and environment of the program for a version of the official package."""
    if version.startswith("twilio-python"):
        path = str(pip.installed(PYTHON / "twilio-8.txt", programs.CACHE)) if version.endswith("8") else ""
        return [sys.executable, "main.py"], PYTHON, {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    node = shutil.which("node")
    assert node is not None, "node is needed to run the official packages"
    return [node, "main.js", version], home, {}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_sequence_goes_as_the_reference_has_it(days: Ran, version: str, sequence: str) -> None:
    said = days[version].stdout
    assert f"ok {sequence} " in said, said + days[version].stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_the_program_ends_well_and_used_that_version(days: Ran, version: str) -> None:
    ran = days[version]
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"with {version.replace('twilio-python-', 'twilio ').replace('twilio-', 'twilio ')}." in ran.stdout
