"""How the tests of this folder ask, and see a refusal."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from twilio.base.exceptions import TwilioRestException

from parlour.cli.main import main
from tests.contract.inprocess import Request, basic
from tests.contract.world import World

Refusal = tuple[int, int]


async def refusal(call: Callable[[], Any], message: str = "") -> Refusal:
    """Return status and code of how a call is refused; it runs in a thread, as the client waits for its answer.

    :param message: what the refusal says, in part.
    """
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(call)
    assert message in refused.value.msg
    return refused.value.status, refused.value.code


async def answered(world: World, request: Request) -> tuple[int, Any]:
    """Send what no official client sends, with the account's credentials; return status and body."""
    known = world.credentials
    credentials = basic(known.account_sid, known.auth_token)
    reply = await world.stage.send(request.with_header("Authorization", credentials))
    return reply.status, reply.body


async def parlour(world: World, *arguments: str) -> str:
    """Run a command of the operator on the stage's database, which it refuses; return what it says."""
    program = world.stage.program
    known = [*arguments, "--database-url", program.database.dsn, "--data", str(program.settings.data)]
    done = await asyncio.to_thread(CliRunner().invoke, main, known)
    assert done.exit_code == 1, done.output
    return done.output
