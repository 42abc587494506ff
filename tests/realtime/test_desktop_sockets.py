"""The agent desktop's other sockets (agent-clients.md §4, 5 and 9; §5.4).

The Sync client 2.0.1 on twilsock 0.8.3, which speaks event protocol 3, and telemetry on twilsock 0.13.5.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.realtime.driver import installed
from tests.realtime.wire import logged_in
from tests.realtime.world import World

PATIENCE = 30  # seconds


async def node(script: str, *arguments: str) -> asyncio.subprocess.Process:
    """Run one of our scripts with the locked packages."""
    home = await asyncio.to_thread(installed)
    return await asyncio.create_subprocess_exec(
        "node", script, *arguments, cwd=home, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


@pytest.fixture
async def client(world: World, names: tuple[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The Sync client, which has opened a map, a document and a list, and the SID of the conversation they show."""
    name, _ = names
    made = await world.rest(lambda api: api.conversations.create(friendly_name="Old"))
    await world.rest(lambda api: api.conversations(made.sid).participants.create(identity=name))
    async with logged_in(world.url(), world.token(name)) as wire:
        _, configuration = await wire.aim("GET", "Configuration")
    objects = [configuration["sync_objects"]["my_user_info"], f"{made.sid}.channel", f"{made.sid}.messages"]
    process = await node("sync.js", world.url(), world.token(name), *objects)
    yield process, made.sid
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def said(process: asyncio.subprocess.Process) -> Any:
    """Return the next line of the client."""
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        line = await process.stdout.readline()
        assert line, (await process.stderr.read()).decode()[-3000:]
    return json.loads(line)


async def test_maps_documents_and_lists_are_read_and_their_changes_heard(
    world: World, names: tuple[str, str], client: tuple[asyncio.subprocess.Process, str]
) -> None:
    process, sid = client
    assert await said(process) == {"first": {"value": None}, "name": "Old"}
    await world.rest(lambda api: api.conversations(sid).update(friendly_name="New"))
    await world.rest(lambda api: api.conversations(sid).messages.create(body="hello"))
    users = await world.rest(lambda api: api.users.list())
    [user] = [user for user in users if user.identity == names[0]]
    await world.rest(lambda api: api.users(user.sid).update(friendly_name="Ana"))
    assert await said(process) == {"updated": {"value": "Ana"}, "added": [0, "hello"], "renamed": "New"}


async def test_telemetry_is_taken_and_a_new_token_too(world: World, names: tuple[str, str]) -> None:
    tokens = world.token(names[0]), world.token(names[0], ttl=7200)
    process = await node("telemetry.js", world.url(), *tokens)
    assert await said(process) == {"status": 200, "body": {}, "state": "connected"}
    await process.communicate()
    assert process.returncode == 0
