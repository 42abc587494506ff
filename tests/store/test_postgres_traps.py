"""Each trap of running PostgreSQL as a child: real servers, by root and by an ordinary user in one run."""

# ruff: noqa: ASYNC220, ASYNC240

import asyncio
import os
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from parlour.store.postgres.folder import DataFolder
from parlour.store.postgres.sockets import LIMIT
from tests.store.conftest import AS_ROOT
from tests.store.postgres_world import OTHER, World, copy, eventually, kill_postgres, modes

needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")


async def test_first_start_makes_a_database_and_the_next_start_keeps_its_rows(empty: World) -> None:
    first = await empty.run()
    await empty.execute(first.url, "CREATE TABLE kept AS SELECT 42 AS value")
    assert await empty.stop(first) == 0
    second = await empty.run()
    assert second.url == first.url
    assert await empty.has_its_row(second.url)
    assert await empty.stop(second) == 0
    assert empty.servers() == []


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


@needs_root
async def test_another_user_of_the_machine_is_not_let_in(world: World) -> None:
    running = await world.run()
    stranger = World(world.place, None if world.user else OTHER, world.binaries)
    assert not await stranger.answers(running.url)
    assert await world.answers(running.url)


async def test_runs_in_a_clone_under_a_closed_home(empty: World, models: Path) -> None:
    clone = empty.folder("home", mode=0o700) / "clone"
    empty.folder("home", "clone")
    source = empty.binaries.folder
    copy(source.parent.parent, clone / "venv")
    closed = clone / "venv" / source.parent.name / source.name
    data = clone / ".parlour"
    before = modes(clone, closed)
    first = await empty.run(data, binaries=closed)
    await empty.execute(first.url, "CREATE TABLE kept AS SELECT 42 AS value")
    assert await empty.stop(first) == 0
    second = await empty.run(data, binaries=closed)
    assert await empty.has_its_row(second.url)
    assert await empty.stop(second) == 0
    assert modes(clone, closed) == before, "nobody's folder was opened"
    assert list(Path(tempfile.gettempdir()).glob(f"parlour-{empty.instance(data)}*")) == [], "nothing is left"


@needs_root
async def test_programs_closed_to_the_child_are_copied_once_into_the_data_folder(world: World, tmp_path: Path) -> None:
    source = world.binaries.folder
    tmp_path.chmod(0o700)
    copy(source.parent.parent, tmp_path / "venv")
    by_root = World(world.place, None, world.binaries)
    inodes = []
    for _ in range(2):
        running = await by_root.run(binaries=tmp_path / "venv" / source.parent.name / source.name)
        program = Path(f"/proc/{by_root.server()}/exe").readlink()
        assert program.is_relative_to(world.data)
        assert program.stat().st_uid == 0, "the child cannot change its own program"
        inodes.append(program.stat().st_ino)
        await by_root.stop(running)
    assert inodes[0] == inodes[1]


async def test_runs_from_a_path_longer_than_107_bytes(empty: World, models: Path) -> None:
    data = empty.folder("a" * 60, "b" * 60) / "data"
    copy(models / "made", data)
    assert len(str(data)) > LIMIT
    first = await empty.run(data)
    address = DataFolder(data).status().address
    assert address is not None
    found = address.socket_folder.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == empty.child_uid
    first.process.kill()
    await empty.wait(first)
    second = await empty.run(data)
    assert second.url == first.url, "the address stays, also over a kill"
    assert await empty.has_its_row(second.url)
    await empty.stop(second)
    assert not address.socket_folder.exists()


@needs_root
async def test_a_strangers_folder_where_the_short_socket_path_would_be_is_refused(empty: World, models: Path) -> None:
    data = empty.folder("a" * 60, "b" * 60) / "data"
    copy(models / "made", data)
    trap = Path(tempfile.gettempdir()) / f"parlour-{empty.instance(data)}"
    trap.mkdir()
    os.chown(trap, 1, 1)
    try:
        code, said = await empty.output("run", "--data", str(data), "--binaries", str(empty.binaries.folder))
    finally:
        trap.rmdir()
    assert code == 1
    assert f"{trap} belongs to somebody else" in said


async def start_over(world: World) -> None:
    running = await world.run()
    assert await world.has_its_row(running.url)
    assert await world.stop(running) == 0


async def test_starts_after_supervisor_and_postgres_were_killed(killed: World) -> None:
    await start_over(killed)


async def test_starts_over_a_pid_file_whose_pid_was_given_to_another_process(killed: World) -> None:
    uid = killed.child_uid if AS_ROOT else None
    stranger = await asyncio.create_subprocess_exec("sleep", "60", user=uid, cwd="/")
    replace_pid(killed, stranger.pid)
    await start_over(killed)
    assert stranger.returncode is None, "the other process was left alone"
    stranger.kill()
    await stranger.wait()


async def test_starts_over_a_pid_file_that_names_the_server_of_another_folder(killed: World, models: Path) -> None:
    copy(models / "made", killed.place / "other")
    other = await killed.run(killed.place / "other")
    replace_pid(killed, killed.server(killed.place / "other"))
    await start_over(killed)
    assert await killed.has_its_row(other.url)


async def test_starts_over_a_pid_file_that_names_a_zombie(killed: World) -> None:
    zombie = subprocess.Popen(["true"], user=killed.child_uid if AS_ROOT else None)
    stat_file = Path(f"/proc/{zombie.pid}/stat")
    await eventually(lambda: " Z " in stat_file.read_text(), "it is a zombie")
    replace_pid(killed, zombie.pid)
    await start_over(killed)
    zombie.wait()


def replace_pid(world: World, pid: int) -> None:
    pid_file = world.data / "postgres" / "postmaster.pid"
    _, rest = pid_file.read_text().split("\n", 1)
    pid_file.write_text(f"{pid}\n{rest}")


async def test_starts_over_an_unreadable_pid_file(killed: World) -> None:
    (killed.data / "postgres" / "postmaster.pid").write_text("")
    await start_over(killed)


async def test_starts_over_stale_socket_lock_files(killed: World) -> None:
    socket_lock = killed.data / "postgres" / "run" / ".s.PGSQL.5432.lock"
    assert socket_lock.exists()
    uid = killed.child_uid if AS_ROOT else None
    stranger = await asyncio.create_subprocess_exec("sleep", "60", user=uid, cwd="/")
    _, rest = socket_lock.read_text().split("\n", 1)
    socket_lock.write_text(f"{stranger.pid}\n{rest}")
    replace_pid(killed, stranger.pid)
    await start_over(killed)
    stranger.kill()
    await stranger.wait()


async def test_orphan_of_a_killed_supervisor_is_stopped_and_its_rows_are_kept(world: World) -> None:
    first = await world.run()
    orphan = world.server()
    first.process.kill()
    await world.wait(first)
    assert await world.has_its_row(first.url), "PostgreSQL outlives its supervisor"
    code, said = await world.output("status", "--data", str(world.data))
    assert code == 3
    assert "outlived its owner" in said
    second = await world.run()
    assert world.server() != orphan
    assert "stopped the PostgreSQL of a killed owner" in second.log
    assert await world.has_its_row(second.url)
    assert await world.stop(second) == 0


async def test_orphan_is_found_even_without_its_pid_file(world: World) -> None:
    first = await world.run()
    first.process.kill()
    await world.wait(first)
    (world.data / "postgres" / "postmaster.pid").unlink()
    await start_over(world)


async def test_second_starter_is_told_who_owns_the_folder_and_what_to_do(world: World) -> None:
    first = await world.run()
    code, said = await world.output("run", "--data", str(world.data), "--binaries", str(world.binaries.folder))
    assert code == 1
    assert f"in use by process {first.process.pid}" in said
    assert "--database-url" in said
    assert "--data" in said
    assert "Traceback" not in said
    assert await world.has_its_row(first.url), "the owner goes on undisturbed"


async def test_ctrl_c_to_the_whole_group_ends_postgres_in_order(world: World) -> None:
    running = await world.run(new_group=True)
    os.killpg(running.process.pid, signal.SIGINT)
    assert await world.wait(running) == 0
    assert world.servers() == []
    await nothing_was_lost(world)


async def test_sigterm_ends_postgres_in_order(world: World) -> None:
    running = await world.run()
    assert await world.stop(running, signal.SIGTERM) == 0
    assert world.servers() == []
    await nothing_was_lost(world)


async def nothing_was_lost(world: World) -> None:
    """The next start needs no recovery."""
    running = await world.run()
    assert await world.has_its_row(running.url)
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
    killed_one = world.server()
    for _ in range(2):
        kill_postgres(world.server())
        await eventually(lambda: world.answers(running.url), "it answers again")
    assert await world.has_its_row(running.url)
    assert world.server() != killed_one
    assert "ended by itself and is started again" in running.log
    assert await world.stop(running) == 0
    assert world.servers() == []


async def test_killed_postgres_is_started_again_though_one_of_its_children_does_not_end(world: World) -> None:
    running = await world.run()
    async with world.connection(running.url) as connection:
        child = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(child, signal.SIGSTOP)
        kill_postgres(world.server())
        await eventually(lambda: world.answers(running.url), "it answers again", seconds=20)
        connection.terminate()
    assert await world.has_its_row(running.url)
    assert await world.stop(running) == 0
    assert world.servers() == []


async def test_kill_during_initdb_leaves_nothing_broken(empty: World) -> None:
    running = await empty.run(wait=False)
    await eventually(lambda: list(empty.data.glob("postgres.initdb-*/base")) != [], "initdb has begun")
    running.process.kill()
    await empty.wait(running)
    assert not (empty.data / "postgres").exists()
    second = await empty.run()
    assert await empty.answers(second.url)
    assert list(empty.data.glob("postgres.initdb-*")) == []
    assert await empty.stop(second) == 0


async def test_nothing_outside_the_data_folder_is_changed(empty: World, models: Path) -> None:
    empty.folder("site")
    (empty.place / "site" / "file").write_text("mine")
    seen = modes(empty.place / "site" / "file", empty.binaries.postgres)
    existing = empty.folder("site", "data", mode=0o750)
    copy(models / "made" / ".", existing)
    existing.chmod(0o750)
    owned = modes(existing)
    running = await empty.run(existing)
    assert modes(empty.place / "site" / "file", empty.binaries.postgres) == seen
    await empty.stop(running)
    assert modes(empty.place / "site" / "file", empty.binaries.postgres) == seen
    assert modes(existing) == owned, "a data folder that was there keeps its owner and mode"
    assert sorted(path.name for path in empty.place.iterdir()) == ["site"]


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
