"""Production is not a playground: the routes of demo and test runs are not there (ACCEPTANCE 10)."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.routing import Mount

from parlour.app import compose
from parlour.kit.clock import FrozenClock
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.outbox.test_clock import TestClock
from parlour.playground import playground_routes
from parlour.settings import Settings
from tests.conftest import LiveServer, running_server

PLAYTHINGS: Final = re.compile(r"handset|simulator|fault|clock", re.IGNORECASE)
NAMED: Final = frozenset({("GET", "/handset"), ("GET", "/_simulator"), ("POST", "/_faults"), ("GET", "/_clock")})


def paths(routes: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Return method and path of every route, with its variables filled."""
    for route in routes:
        path = re.sub(r"\{[^}]*\}", "x", above + str(getattr(route, "path", "")))
        if isinstance(route, Mount):
            yield "GET", f"{path}/"
            yield from paths(route.routes or [], path)
            continue
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            yield method, path


def table(settings: Settings) -> set[tuple[str, str]]:
    """Return the routes beside the operations that a server with these settings has."""
    program = compose(settings, "postgresql://nowhere/none")
    routes = [route for package in program.packages for route in package.routes]
    if settings.playground:
        clock = program.clock
        assert isinstance(clock, FrozenClock)
        process = Process(program.database, program.wake)
        runner = Runner(program.database, program.registry, program.wake, clock, 0)
        routes += playground_routes(program, TestClock(program.database, clock, process, runner))
    return set(paths(routes))


def status(url: str, method: str) -> int:
    """Return the status of an answer."""
    request = urllib.request.Request(url, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_handset_simulator_fault_and_clock_routes_answer_404_in_production(tmp_path: Path) -> None:
    play = table(Settings(data=tmp_path / "play", ephemeral=True, test_clock=True))
    serious = table(Settings(data=tmp_path / "serious"))
    assert {path for _, path in play - serious} >= {"/_clock", "/_clock/advance", "/_clock/settle"}
    assert [path for _, path in sorted(serious) if PLAYTHINGS.search(path)] == []
    with running_server(tmp_path, "start", "--data", str(tmp_path / "data")) as live:
        found = {(method, path): status(live.url + path, method) for method, path in (play - serious) | NAMED}
        assert status(f"{live.url}/healthz", "GET") == 200
    assert {route: code for route, code in found.items() if code != 404} == {}


@pytest.mark.parametrize(("method", "path"), [("GET", "/_clock"), ("POST", "/_clock/settle")])
def test_the_same_routes_are_there_in_a_test_run(frozen_server: LiveServer, method: str, path: str) -> None:
    assert status(frozen_server.url + path, method) == 200
