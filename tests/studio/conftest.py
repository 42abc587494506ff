"""Checks on the real flows are named as not run where the flows do not stand beside the clone."""

from __future__ import annotations

import pytest

from tests.studio import shared_flows

NOT_RUN = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_shared: uses the real flows of ../shared")
    config.stash[NOT_RUN] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if shared_flows.folder() is not None:
        return
    absent = [item for item in items if item.get_closest_marker("needs_shared")]
    config.stash[NOT_RUN] = [item.nodeid for item in absent]
    items[:] = [item for item in items if item not in absent]
    config.hook.pytest_deselected(items=absent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name in config.stash.get(NOT_RUN, []):
        terminalreporter.write_line(f"not run, ../shared is not there: {name}")
