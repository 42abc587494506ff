"""`parlour flow`: import with mapping, list, export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from twilio.rest import Client

from parlour.cli.main import main
from tests.conftest import LiveServer
from tests.studio.test_api import definition, wait_for_end

Command = Callable[..., Result]


@pytest.fixture
def parlour(server: LiveServer) -> Command:
    """Run `parlour flow …` against the server."""

    def run(*arguments: str) -> Result:
        known = {
            "PARLOUR_URL": server.url,
            "TWILIO_ACCOUNT_SID": server.credentials.account_sid,
            "TWILIO_AUTH_TOKEN": server.credentials.auth_token,
        }
        return CliRunner(env=known).invoke(main, ["flow", *arguments])

    return run


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """An export of somebody else: a foreign workflow, a placeholder and a foreign queue inside the attributes."""
    raw: dict[str, Any] = definition()
    raw["states"][3]["properties"] = {
        "workflow": "WW" + "b" * 32,
        "channel": "${CHAT_CHANNEL}",
        "attributes": '{"template": "${TEMPLATE}"}',
    }
    path = tmp_path / "greeter.json"
    path.write_text(json.dumps(raw), "utf-8")
    return path


def test_an_import_with_foreign_sids_is_refused_and_lists_widget_and_property(
    parlour: Command, exported: Path, twilio: Client
) -> None:
    before = len(twilio.studio.v2.flows.list())
    result = parlour("import", str(exported), "--map", "${TEMPLATE}=hello")
    assert result.exit_code == 1
    assert f"WW{'b' * 32} is not a SID of this account: widget send, property workflow" in result.stderr
    assert "${CHAT_CHANNEL} is not filled: widget send, property channel" in result.stderr
    assert "TEMPLATE" not in result.stderr
    assert len(twilio.studio.v2.flows.list()) == before


def test_an_import_with_everything_mapped_is_published(parlour: Command, exported: Path, twilio: Client) -> None:
    result = parlour(
        "import", str(exported), "--map", f"WW{'b' * 32}=", "--map", "${CHAT_CHANNEL}=chat", "--map", "${TEMPLATE}=t"
    )
    assert result.exit_code == 2
    ours = twilio.studio.v2.flows.create(friendly_name="x", status="draft", definition=definition()).sid
    result = parlour(
        "import",
        str(exported),
        "--name",
        "Greeter",
        *("--map", f"WW{'b' * 32}={ours}", "--map", "${CHAT_CHANNEL}=chat", "--map", "${TEMPLATE}=t"),
    )
    assert result.exit_code == 0, result.output
    sid = result.stdout.split()[0]
    row = twilio.studio.v2.flows(sid).fetch()
    assert (row.status, row.friendly_name, row.revision) == ("published", "Greeter", 1)
    assert row.definition["states"][3]["properties"] == {
        "workflow": ours,
        "channel": "chat",
        "attributes": '{"template": "t"}',
    }
    assert sid in parlour("list").stdout


def test_a_draft_may_hold_foreign_sids_and_lists_them(parlour: Command, exported: Path) -> None:
    result = parlour("import", str(exported), "--draft", "--map", "${NOTHING}=x")
    assert result.exit_code == 0
    assert "widget send, property workflow" in result.stderr
    assert "--map ${NOTHING}: it does not occur in the flow" in result.stderr
    assert "draft" in result.stdout


def test_an_export_gives_back_the_definition_in_its_order(parlour: Command, twilio: Client, tmp_path: Path) -> None:
    row = twilio.studio.v2.flows.create(friendly_name="x", status="draft", definition=definition())
    result = parlour("export", row.sid)
    assert json.dumps(json.loads(result.stdout)) == json.dumps(definition())
    target = tmp_path / "out.json"
    assert parlour("export", row.sid, "--revision", "1", "--output", str(target)).exit_code == 0
    again = parlour("import", str(target), "--draft", "--update", row.sid)
    assert "revision 2" in again.stdout


@pytest.mark.parametrize("text", ["not json", "[1]"])
def test_a_file_that_is_no_flow_is_refused(parlour: Command, tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    result = parlour("import", str(path))
    assert result.exit_code == 1
    assert "is not" in result.stderr


def test_a_lenient_import_publishes_what_stays_foreign_and_its_widget_fails_when_reached(
    parlour: Command, exported: Path, twilio: Client
) -> None:
    result = parlour("import", str(exported), "--lenient")
    assert result.exit_code == 0, result.output
    assert "${CHAT_CHANNEL} is not filled: widget send, property channel" in result.stderr
    flow = twilio.studio.v2.flows(result.stdout.split()[0])
    assert flow.fetch().status == "published"
    made = flow.executions.create(to="+15550003333", from_="+15559990000", parameters={"name": "Bo"})
    wait_for_end(twilio, made.flow_sid, made.sid)
    assert flow.executions(made.sid).steps.list()[0].name == "failedToEnqueue"
