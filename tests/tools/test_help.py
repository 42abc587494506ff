"""What `parlour --help` says of each group is what the group has."""

import re

import click
import pytest

from parlour.cli.main import COMMANDS, main

NAMES_ALL = [name for name, (_, summary) in COMMANDS.items() if re.search(r": [\w]+(, \w+)*\.$", summary)]


@pytest.mark.parametrize("name", NAMES_ALL)
def test_the_summary_of_a_group_names_its_commands(name: str) -> None:
    context = click.Context(main)
    group = main.get_command(context, name)
    assert isinstance(group, click.Group)
    named = COMMANDS[name][1].rpartition(": ")[2].removesuffix(".").split(", ")
    assert sorted(named) == sorted(group.list_commands(context))


def test_every_group_that_lists_its_commands_is_looked_at() -> None:
    assert {"flow", "carriers", "webhooks"} <= set(NAMES_ALL)
