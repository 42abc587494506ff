"""Each trap of running PostgreSQL as a child: real servers, by root and by an ordinary user in one run."""

# ruff: noqa: ASYNC220, ASYNC240

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from postgres_world import World, eventually, kill_postgres, modes

from parlour.store.postgres.binaries import Binaries, copy_binaries, locate_binaries
from parlour.store.postgres.folder import DataFolder
from parlour.store.postgres.sockets import LIMIT

AS_ROOT = os.geteuid() == 0
ACTORS = ["root", "user"] if AS_ROOT else ["user"]
OTHER = "nobody"


@pytest.fixture(scope="module")
def programs() -> Iterator[Binaries]:
    """PostgreSQL where every user may run it, wherever the wheel is installed."""
    place = Path(tempfile.mkdtemp(prefix="pl-"))
    place.chmod(0o755)
    yield copy_binaries(locate_binaries(), place, "test")
    shutil.rmtree(place)


@pytest.fixture(params=ACTORS)
async def world(request: pytest.FixtureRequest, programs: Binaries) -> AsyncIterator[World]:
    place = Path(tempfile.mkdtemp(prefix="pl-"))
    place.chmod(0o777)
    world = World(place, OTHER if AS_ROOT and request.param == "user" else None, programs)
    yield world
    await world.close()


async def keep_a_row(world: World, url: str) -> None:
    await world.execute(url, "CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)")


async def has_its_row(world: World, url: str) -> bool:
    return bool(await world.value(url, "SELECT value = 42 FROM kept"))


async def test_first_start_makes_a_database_and_the_next_start_keeps_its_rows(world: World) -> None:
    first = await world.run()
    await keep_a_row(world, first.url)
    assert await world.stop(first) == 0
    second = await world.run()
    assert second.url == first.url
    assert await has_its_row(world, second.url)
    assert await world.stop(second) == 0
    assert world.servers() == []


async def test_postgres_runs_as_an_ordinary_user_and_listens_on_no_network(world: World) -> None:
    running = await world.run()
    assert Path(f"/proc/{world.server()}").stat().st_uid == world.child_uid != 0
    async with world.connection(running.url) as connection:
        shown = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in (
                "listen_addresses",
                "fsync",
                "synchronous_commit",
                "jit",
                "data_checksums",
                "timezone",
            )
        }
        collation = await connection.fetchrow(
            "SELECT datlocprovider::text, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
            " WHERE datname = current_database()"
        )
    assert shown == {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "data_checksums": "on",
        "timezone": "UTC",
    }
    assert tuple(collation) == ("b", "C.UTF-8", "UTF8")
    assert os.getsid(world.server()) == world.server(), "a session of its own"


async def test_another_user_of_the_machine_is_not_let_in(world: World) -> None:
    if not AS_ROOT:
        pytest.skip("needs two users")
    running = await world.run()
    stranger = World(world.place, None if world.user else OTHER, world.binaries)
    assert not await stranger.answers(running.url)
    assert await world.answers(running.url)


async def test_runs_in_a_clone_under_a_closed_home(world: World, programs: Binaries) -> None:
    clone = world.folder("home", mode=0o700) / "clone"
    world.folder("home", "clone")
    shutil.copytree(programs.folder.parent.parent, clone / "venv")
    binaries = clone / "venv" / programs.folder.parent.name / programs.folder.name
    before = modes(clone, binaries)
    temporary = set(Path(tempfile.gettempdir()).glob("parlour-*"))
    running = await world.run(clone / ".parlour", binaries=binaries)
    await keep_a_row(world, running.url)
    assert await world.stop(running) == 0
    running = await world.run(clone / ".parlour", binaries=binaries)
    assert await has_its_row(world, running.url)
    assert await world.stop(running) == 0
    assert modes(clone, binaries) == before, "nobody else's folder was opened"
    assert set(Path(tempfile.gettempdir()).glob("parlour-*")) == temporary, "nothing is left outside"


@pytest.mark.skipif(not AS_ROOT, reason="only root's child is somebody else")
async def test_programs_closed_to_the_child_are_copied_once_into_the_data_folder(
    programs: Binaries, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    shutil.copytree(programs.folder.parent.parent, tmp_path / "venv")
    closed = tmp_path / "venv" / programs.folder.parent.name / programs.folder.name
    place = Path(tempfile.mkdtemp(prefix="pl-"))
    place.chmod(0o755)
    world = World(place, None, programs)
    try:
        inodes = []
        for _ in range(2):
            running = await world.run(binaries=closed)
            program = Path(f"/proc/{world.server()}/exe").readlink()
            assert program.is_relative_to(world.data)
            assert program.stat().st_uid == 0, "the child cannot change its own program"
            inodes.append(program.stat().st_ino)
            await world.stop(running)
        assert inodes[0] == inodes[1]
    finally:
        await world.close()


async def test_runs_from_a_path_longer_than_107_bytes(world: World) -> None:
    data = world.folder("a" * 60, "b" * 60) / "data"
    assert len(str(data)) > LIMIT
    first = await world.run(data)
    socket_folder = DataFolder(data).status().address
    assert socket_folder is not None
    found = socket_folder.socket_folder.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == world.child_uid
    await keep_a_row(world, first.url)
    first.process.kill()
    await world.wait(first)
    second = await world.run(data)
    assert second.url == first.url, "the address stays, also over a kill"
    assert await has_its_row(world, second.url)
    await world.stop(second)
    assert not socket_folder.socket_folder.exists()


async def test_a_folder_in_the_way_of_a_short_socket_path_is_refused_if_it_is_a_strangers(
    world: World,
) -> None:
    if not AS_ROOT:
        pytest.skip("needs two users")
    data = world.folder("a" * 60, "b" * 60) / "data"
    await world.stop(await world.run(data))
    identity = DataFolder(data).status().identity
    assert identity is not None
    trap = Path(tempfile.gettempdir()) / f"parlour-{identity.instance[:12]}"
    trap.mkdir()
    os.chown(trap, 1, 1)
    try:
        code, said = await world.output("run", "--data", str(data), "--binaries", str(world.binaries.folder))
        assert code == 1
        assert f"{trap} belongs to somebody else" in said
    finally:
        trap.rmdir()


async def killed(world: World) -> str:
    """A data folder whose owner and server were both killed; answers the address."""
    running = await world.run()
    await keep_a_row(world, running.url)
    running.process.kill()
    await world.wait(running)
    kill_postgres(world.server())
    await eventually(lambda: not world.servers(), "the server's children ended")
    return running.url


async def start_over(world: World) -> None:
    running = await world.run()
    assert await has_its_row(world, running.url)
    assert await world.stop(running) == 0


async def test_starts_after_supervisor_and_postgres_were_killed(world: World) -> None:
    await killed(world)
    await start_over(world)


async def test_starts_over_a_pid_file_whose_pid_was_given_to_another_process(world: World) -> None:
    await killed(world)
    uid = world.child_uid if AS_ROOT else None
    stranger = await asyncio.create_subprocess_exec("sleep", "60", user=uid, cwd="/")
    replace_pid(world, stranger.pid)
    await start_over(world)
    assert stranger.returncode is None, "the other process was left alone"
    stranger.kill()
    await stranger.wait()


async def test_starts_over_a_pid_file_that_names_the_server_of_another_folder(world: World) -> None:
    other = await world.run(world.place / "other")
    await keep_a_row(world, other.url)
    await killed(world)
    replace_pid(world, world.server(world.place / "other"))
    await start_over(world)
    assert await has_its_row(world, other.url)


async def test_starts_over_a_pid_file_that_names_a_zombie(world: World) -> None:
    await killed(world)
    zombie = subprocess.Popen(["true"], user=world.child_uid if AS_ROOT else None)
    stat_file = Path(f"/proc/{zombie.pid}/stat")
    await eventually(lambda: " Z " in stat_file.read_text(), "it is a zombie")
    replace_pid(world, zombie.pid)
    await start_over(world)
    zombie.wait()


def replace_pid(world: World, pid: int) -> None:
    pid_file = world.data / "postgres" / "postmaster.pid"
    _, rest = pid_file.read_text().split("\n", 1)
    pid_file.write_text(f"{pid}\n{rest}")


async def test_starts_over_an_unreadable_pid_file(world: World) -> None:
    await killed(world)
    (world.data / "postgres" / "postmaster.pid").write_text("")
    await start_over(world)


async def test_starts_over_stale_socket_lock_files(world: World) -> None:
    await killed(world)
    socket_lock = world.data / "postgres" / "run" / ".s.PGSQL.5432.lock"
    assert socket_lock.exists()
    uid = world.child_uid if AS_ROOT else None
    stranger = await asyncio.create_subprocess_exec("sleep", "60", user=uid, cwd="/")
    _, rest = socket_lock.read_text().split("\n", 1)
    socket_lock.write_text(f"{stranger.pid}\n{rest}")
    replace_pid(world, stranger.pid)
    await start_over(world)
    stranger.kill()
    await stranger.wait()


async def test_orphan_of_a_killed_supervisor_is_stopped_and_its_rows_are_kept(world: World) -> None:
    first = await world.run()
    await keep_a_row(world, first.url)
    orphan = world.server()
    first.process.kill()
    await world.wait(first)
    assert await has_its_row(world, first.url), "PostgreSQL outlives its supervisor"
    code, said = await world.output("status", "--data", str(world.data))
    assert code == 3
    assert "outlived its owner" in said
    second = await world.run()
    assert world.server() != orphan
    assert "stopped the PostgreSQL of a killed owner" in second.log
    assert await has_its_row(world, second.url)
    assert await world.stop(second) == 0


async def test_orphan_is_found_even_without_its_pid_file(world: World) -> None:
    first = await world.run()
    await keep_a_row(world, first.url)
    first.process.kill()
    await world.wait(first)
    (world.data / "postgres" / "postmaster.pid").unlink()
    await start_over(world)


async def test_second_starter_is_told_who_owns_the_folder_and_what_to_do(world: World) -> None:
    first = await world.run()
    await keep_a_row(world, first.url)
    code, said = await world.output("run", "--data", str(world.data), "--binaries", str(world.binaries.folder))
    assert code == 1
    assert f"in use by process {first.process.pid}" in said
    assert "--database-url" in said
    assert "--data" in said
    assert "Traceback" not in said
    assert await has_its_row(world, first.url), "the owner goes on undisturbed"


async def test_ctrl_c_to_the_whole_group_ends_postgres_in_order(world: World) -> None:
    running = await world.run(new_group=True)
    await keep_a_row(world, running.url)
    os.killpg(running.process.pid, signal.SIGINT)
    assert await world.wait(running) == 0
    assert world.servers() == []
    await nothing_was_lost(world)


async def test_sigterm_ends_postgres_in_order(world: World) -> None:
    running = await world.run()
    await keep_a_row(world, running.url)
    assert await world.stop(running, signal.SIGTERM) == 0
    assert world.servers() == []
    await nothing_was_lost(world)


async def nothing_was_lost(world: World) -> None:
    """The next start needs no recovery."""
    running = await world.run()
    assert await has_its_row(world, running.url)
    await world.stop(running)
    assert "was not properly shut down" not in running.log
    assert "was shut down at" in running.log


async def test_stop_does_not_wait_for_a_client_with_an_open_transaction(world: World) -> None:
    running = await world.run()
    async with world.connection(running.url) as connection:
        await connection.execute("BEGIN; CREATE TABLE unfinished ()")
        assert await asyncio.wait_for(world.stop(running), 10) == 0


async def test_killed_postgres_is_started_again_at_the_same_address(world: World) -> None:
    running = await world.run()
    await keep_a_row(world, running.url)
    killed_one = world.server()
    for _ in range(2):
        kill_postgres(world.server())
        await eventually(lambda: world.answers(running.url), "it answers again")
    assert await has_its_row(world, running.url)
    assert world.server() != killed_one
    assert "ended by itself and is started again" in running.log
    assert await world.stop(running) == 0
    assert world.servers() == []


async def test_kill_during_initdb_leaves_nothing_broken(world: World) -> None:
    running = await world.run(wait=False)
    await eventually(lambda: list(world.data.glob("postgres.initdb-*/base")) != [], "initdb has begun")
    running.process.kill()
    await world.wait(running)
    assert not (world.data / "postgres").exists()
    second = await world.run()
    assert await world.answers(second.url)
    assert list(world.data.glob("postgres.initdb-*")) == []
    assert await world.stop(second) == 0


async def test_nothing_outside_the_data_folder_is_changed(world: World) -> None:
    world.folder("site")
    (world.place / "site" / "file").write_text("mine")
    seen = modes(world.place / "site" / "file", world.binaries.postgres)
    existing = world.folder("site", "data", mode=0o750)
    owned = modes(existing)
    running = await world.run(existing)
    assert modes(world.place / "site" / "file", world.binaries.postgres) == seen
    await world.stop(running)
    assert modes(world.place / "site" / "file", world.binaries.postgres) == seen
    assert modes(existing) == owned, "a data folder that was there keeps its owner and mode"
    assert sorted(path.name for path in world.place.iterdir()) == ["site"]


async def test_slow_recovery_is_waited_for_and_its_progress_is_logged(world: World) -> None:
    running = await world.run()
    async with world.connection(running.url) as connection:
        await connection.execute("CREATE TABLE big AS SELECT generate_series(1, 200000) AS value")
        await connection.execute("UPDATE big SET value = value + 1")
    running.process.kill()
    await world.wait(running)
    kill_postgres(world.server())
    await eventually(lambda: not world.servers(), "the server's children ended")
    second = await world.run()
    assert await world.value(second.url, "SELECT count(*) FROM big WHERE value > 1") == 200_000
    assert "automatic recovery in progress" in second.log
    assert await world.stop(second) == 0
