"""`parlour flow test` and `parlour flow run`: a flow without a server, on the engine that servers run."""

from pathlib import Path
from typing import Final

import click

from parlour.cli.flow_files import read_definition
from parlour.studio.definition import Definition, read
from parlour.studio.rehearsal.judging import rehearse
from parlour.studio.rehearsal.report import lines
from parlour.studio.rehearsal.script import File, ScriptError
from parlour.studio.rehearsal.script import read as read_script
from parlour.studio.rehearsal.stage import EVENTS, Answer, Opening, Stage, words_of
from parlour.studio.validation import check

FAILED: Final = 1
UNREADABLE: Final = 2
HELP: Final = "/wait SECONDS lets time pass, /fail loses the last message, /context shows the context, /quit ends"


def definition_of(file: Path) -> Definition:
    """Read and check a definition; what is wrong is listed, and ends the command with status 2."""
    raw = read_definition(file)
    report = check(raw)
    if report.errors:
        click.echo(f"{file} is not valid:", err=True)
        for finding in report.errors:
            click.echo(f"  {finding.path}: {finding.message}", err=True)
        raise SystemExit(UNREADABLE)
    for finding in report.foreign:
        click.echo(f"  {finding.path}: {finding.message}", err=True)
    return read(raw)


@click.command(name="test")
@click.argument("flow", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("tests", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--only", default=None, metavar="TEXT", help="Run the tests whose name contains this")
def test_flow(flow: Path, tests: Path, only: str | None) -> None:
    """Run the tests of a flow, and exit with 1 when one fails.

    FLOW is an exported definition, TESTS a YAML file. The engine is the server's own; the customer, the time and what
    other hosts answer come from TESTS.
    """
    definition = definition_of(flow)
    try:
        file = read_script(tests)
    except ScriptError as error:
        click.echo(str(error), err=True)
        raise SystemExit(UNREADABLE) from error
    chosen = [test for test in file.tests if only is None or only in test.name]
    if not chosen:
        click.echo(f"{tests}: no test has '{only}' in its name", err=True)
        raise SystemExit(UNREADABLE)
    subflows = _subflows(file, tests)
    verdicts = [rehearse(definition, test, subflows) for test in chosen]
    for line in lines(definition, verdicts):
        click.echo(line)
    if not all(verdict.passed for verdict in verdicts):
        raise SystemExit(FAILED)


def _subflows(file: File, tests: Path) -> dict[str, Definition]:
    return {sid: definition_of(tests.parent / name) for sid, name in file.subflows.items()}


@click.command(name="run")
@click.argument("flow", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--trigger", type=click.Choice(sorted(EVENTS)), default="conversation", show_default=True)
@click.option("--first", default="hi", show_default=True, help="The customer's first message")
@click.option("--from", "contact", default=Opening().contact, show_default=True, help="The customer's address")
@click.option(
    "--answer", "answers", multiple=True, metavar="WIDGET=JSON", help="What a widget's URL answers. Repeatable"
)
def run_flow(flow: Path, trigger: str, first: str, contact: str, answers: tuple[str, ...]) -> None:
    """Talk to a flow in the terminal, as its customer."""
    stage = Stage(definition_of(flow), Opening(trigger=trigger, body=first, contact=contact), answers=_answers(answers))
    if trigger != "request":
        click.echo(f"{contact}: {first}")
    stage.start()
    told = _tell(stage, (0, 0))
    while not stage.ended:
        line = click.prompt(f"{contact}", prompt_suffix=": ", default="/help", show_default=False)
        if not _command(stage, line):
            break
        told = _tell(stage, told)
    click.echo(f"-- {stage.state.ended or 'left'}")


def _answers(given: tuple[str, ...]) -> dict[str, list[Answer]]:
    import json

    found: dict[str, list[Answer]] = {}
    for each in given:
        widget, equals, text = each.partition("=")
        if not equals:
            raise click.UsageError(f"--answer takes WIDGET=JSON, not '{each}'")
        try:
            found.setdefault(widget, []).append(Answer(json=json.loads(text)))
        except ValueError as error:
            raise click.UsageError(f"--answer {widget}: not JSON: {error}") from error
    return found


def _command(stage: Stage, line: str) -> bool:
    word, _, rest = line.partition(" ")
    if word == "/quit":
        return False
    if word == "/wait":
        stage.wait(int(rest) if rest.isdigit() else 0)
    elif word == "/fail":
        stage.undelivered()
    elif word == "/context":
        click.echo(_pretty(stage))
    elif word.startswith("/"):
        click.echo(HELP)
    else:
        stage.customer(line)
    return True


def _pretty(stage: Stage) -> str:
    import json

    return json.dumps(stage.state.context, indent=2, ensure_ascii=False)


def _tell(stage: Stage, told: tuple[int, int]) -> tuple[int, int]:
    """Print the steps and messages that are new."""
    steps, said = told
    for number, step in enumerate(stage.steps[steps:], steps + 1):
        for message in stage.said[said:]:
            if message.step <= number:
                click.echo(f"{message.command.author}: {words_of(message.command)}")
                said += 1
        click.echo(f"-- {number}. {step.transitioned_from} {step.name} → {step.transitioned_to}")
        for entry in step.log:
            click.echo(f"     {entry.level} {entry.code}: {entry.message}")
    for message in stage.said[said:]:
        click.echo(f"{message.command.author}: {words_of(message.command)}")
    for _, widget, problem in stage.problems:
        click.echo(f"     {widget}: {problem}")
    stage.problems.clear()
    return len(stage.steps), len(stage.said)
