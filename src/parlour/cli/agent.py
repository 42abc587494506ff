"""``parlour agent``: a person's terminal, or robots. Loads nothing of the server."""

import asyncio
import importlib.util
import json
from pathlib import Path
from typing import Any

import click

from parlour.sdk.connection import Connection, NoCredentials, resolve


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False)
@click.option("--robot", type=click.IntRange(min=1), help="Run N robots instead of a terminal")
@click.option("--prefix", default="robot", show_default=True, help="Robots are called PREFIX-1, PREFIX-2, …")
@click.option("--complete-after", type=click.IntRange(min=0), help="Robots complete after K answers; 0: at once")
@click.option("--keyword", default="bye", show_default=True, help="A customer's text that makes a robot complete")
@click.option("--silent", is_flag=True, help="Robots accept and do not answer")
@click.option("--capacity", type=click.IntRange(0, 50), help="Tasks that a robot takes at once on each task channel")
@click.option("--give-way", is_flag=True, help="Robots take nothing new while another worker is available")
@click.option("--poll", default=0.5, show_default=True, help="Seconds between two looks of a robot")
@click.option("--quiet", is_flag=True, help="Robots print only their books, as JSON, at the end")
@click.option("--workspace", help="SID or name. Default: Flex Task Assignment, else the only one")
@click.option("--url", help="Address of Parlour. Default: $PARLOUR_URL, else the server of the data folder")
@click.option("--account-sid", help="Default: $TWILIO_ACCOUNT_SID, else the demo's")
@click.option("--auth-token", help="Default: $TWILIO_AUTH_TOKEN, else the demo's")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Default: $PARLOUR_DATA, else ./.parlour"
)
def agent(name: str | None, robot: int | None, **given: Any) -> None:
    """Work as the agent NAME: take tasks and talk to customers.

    The worker NAME is made where there is none. A person who sits down takes the worker over from a robot of the
    same name (`parlour agent NAME --robot 1`); the robot goes on when the person has left.
    """
    if importlib.util.find_spec("twilio") is None:
        raise click.ClickException("This needs the official package: pip install 'parlour[agent]'")
    if name is None and robot is None:
        raise click.UsageError("Say who you are: parlour agent NAME (or --robot N for robots)")
    if name is not None and robot is not None and robot > 1:
        raise click.UsageError("One name is one robot: leave NAME out, and give --prefix")
    try:
        connection = resolve(
            url=given["url"], account_sid=given["account_sid"], auth_token=given["auth_token"], data=given["data"]
        )
    except NoCredentials as error:
        raise click.ClickException(str(error)) from error
    if robot is None:
        _terminal(connection, name or "", given["workspace"])
    else:
        names = [name] if name is not None else [f"{given['prefix']}-{number}" for number in range(1, robot + 1)]
        _robots(connection, names, given)


def _terminal(connection: Connection, name: str, workspace: str | None) -> None:
    from requests.exceptions import RequestException
    from twilio.base.exceptions import TwilioException

    from parlour.agent.desk import Desk
    from parlour.agent.refusals import refusal
    from parlour.agent.terminal import Terminal
    from parlour.agent.words import NoDesk
    from parlour.sdk import client

    official = client(
        connection.url,
        connection.account_sid,
        connection.password,
        api_key=connection.user if connection.user != connection.account_sid else None,
        timeout=15,
    )
    try:
        desk = Desk(official, name, workspace=workspace)
        asyncio.run(Terminal(desk, name).run())
    except NoDesk as error:
        raise click.ClickException(str(error)) from error
    except TwilioException as error:
        raise click.ClickException(f"{connection.url}: {refusal(error)}") from error
    except RequestException as error:
        raise click.ClickException(
            f"{connection.url} does not answer. Is the server running? `parlour start` starts one."
        ) from error


def _robots(connection: Connection, names: list[str], given: dict[str, Any]) -> None:
    from parlour.agent.calls import Refused
    from parlour.agent.crew import run_crew
    from parlour.agent.robot import Habits
    from parlour.agent.words import NoDesk

    habits = Habits(
        answer=not given["silent"],
        complete_after=given["complete_after"],
        keyword=given["keyword"],
        poll=given["poll"],
        capacity=given["capacity"],
        stand_back=len(names) == 1,
        give_way=given["give_way"],
    )
    quiet = given["quiet"]
    try:
        books = asyncio.run(
            run_crew(connection, names, habits, workspace=given["workspace"], say=_ignore if quiet else click.echo)
        )
    except (NoDesk, Refused) as error:
        raise click.ClickException(str(error)) from error
    if quiet:
        click.echo(json.dumps(dict(books.counts)))


def _ignore(_text: str) -> None:
    """Print nothing."""
