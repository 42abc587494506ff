"""The supervisor from within the program: readiness, restarts, versions, logs, `parlour db`."""

# ruff: noqa: ASYNC240

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uvloop
from asyncpg import Connection

from parlour.store.postgres import processes
from parlour.store.postgres.binaries import locate_binaries, major_of
from parlour.store.postgres.child import Child
from parlour.store.postgres.child_log import ChildLog
from parlour.store.postgres.errors import (
    BinariesMissingError,
    FolderLockedError,
    FolderMismatchError,
    PostgresError,
    StartFailedError,
)
from parlour.store.postgres.folder import Address, DataFolder
from parlour.store.postgres.identity import child_environment, choose_user
from parlour.store.postgres.ready import until_ready
from parlour.store.postgres.sockets import fits
from parlour.store.postgres.supervisor import Supervisor
from tests.store.conftest import ACTORS
from tests.store.postgres_world import World, copy, eventually, kill_postgres, short_folder

FAST = {"fsync": "off"}


class Said:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def _say(self, level: str) -> Callable[..., None]:
        return lambda event, **values: self.lines.append((level, event, values))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return self._say(name)

    def has(self, text: str) -> bool:
        return any(text in f"{event} {values}" for _, event, values in self.lines)


@pytest.fixture
async def place() -> AsyncIterator[Path]:
    """A folder with a short path, emptied of servers and removed at the end."""
    folder = short_folder()
    yield folder
    for cluster in folder.rglob("postgres"):
        if cluster.is_dir():
            await processes.end_all(cluster, patience=0.5)
    shutil.rmtree(folder)


@pytest.fixture
async def made(place: Path, all_models: Callable[[str], Awaitable[Path]]) -> Path:
    """A data folder of our own with one row, ready to start."""
    models = await all_models(ACTORS[0])
    copy(models / "made", place / "data")
    return place / "data"


async def value(supervisor: Supervisor, sql: str) -> Any:
    connection: Connection[Any] = await asyncpg.connect(supervisor.address.dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def programs_with(place: Path, postgres: str) -> Path:
    """A folder of programs whose `postgres` is a shell script; `$REAL` is the real one."""
    real = locate_binaries()
    folder = place / "programs" / "bin"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o755)
    for name, script in (("postgres", postgres), ("initdb", 'exec "$REAL" "$@"')):
        program = folder / name
        text = script.replace("$REAL", str(real.postgres if name == "postgres" else real.initdb))
        program.write_text(f'#!/bin/sh\ncase "$1" in --version) exec "{real.postgres}" --version;; esac\n{text}\n')
        program.chmod(0o755)
    return folder.parent


async def test_recovery_may_take_days_and_says_so() -> None:
    clock = 0.0
    reports: list[float] = []

    async def pause(seconds: float) -> None:
        nonlocal clock
        clock += 600

    async def probe() -> bool:
        return clock > 3 * 86400

    ready = await until_ready(probe, lambda: False, report=reports.append, every=3600, clock=lambda: clock, pause=pause)
    assert ready
    assert len(reports) == 72
    assert reports[:2] == [3600, 7200]


async def test_slow_start_is_waited_for_and_reported(made: Path, place: Path) -> None:
    said = Said()
    slow = programs_with(place, 'sleep 1.2; exec "$REAL" "$@"')
    async with Supervisor(made, binaries=slow, log=said, progress=0.3) as supervisor:
        assert await value(supervisor, "SELECT value FROM kept") == 42
    assert said.has("PostgreSQL is still starting")


async def test_start_can_be_given_up_while_postgres_is_not_ready(made: Path, place: Path) -> None:
    slow = programs_with(place, "exec sleep 60")
    starting = asyncio.create_task(Supervisor(made, binaries=slow, patience=0.2, log=Said()).start())
    await eventually(lambda: DataFolder(made).status().pid is not None, "the folder is owned")
    await asyncio.sleep(0.2)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    async with Supervisor(made, log=Said()) as supervisor:
        assert await value(supervisor, "SELECT value FROM kept") == 42


async def test_postgres_that_cannot_start_is_reported_with_its_last_words(made: Path) -> None:
    with pytest.raises(StartFailedError, match="not_a_setting"):
        await Supervisor(made, settings={"not_a_setting": "1"}, log=Said()).start()
    assert not DataFolder(made).status().running, "the folder is given back"


async def test_supervisor_keeps_trying_until_postgres_can_start_again(made: Path, place: Path) -> None:
    said = Said()
    broken = place / "broken"
    programs = programs_with(
        place, f'[ -e {broken} ] && {{ echo "FATAL:  disk on fire" >&2; exit 1; }}; exec "$REAL" "$@"'
    )
    place.chmod(0o755)
    async with Supervisor(made, binaries=programs, log=said) as supervisor:
        assert supervisor.pid is not None
        broken.touch()
        kill_postgres(supervisor.pid)
        await eventually(lambda: said.has("disk on fire"), "it could not start")
        with pytest.raises((OSError, asyncpg.PostgresError)):
            await value(supervisor, "SELECT 1")
        broken.unlink()
        await eventually(lambda: supervisor.restarts == 1, "it is back")
        assert await value(supervisor, "SELECT value FROM kept") == 42


async def test_backend_that_dies_takes_no_data_and_no_supervisor_with_it(made: Path) -> None:
    async with Supervisor(made, log=Said()) as supervisor:
        backend = await value(supervisor, "SELECT pg_backend_pid()")
        connection = await asyncpg.connect(supervisor.address.dsn)
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        kill_postgres(backend)
        await eventually(connection.is_closed, "the connection broke")
        await eventually(lambda: answers(supervisor), "it answers again")
        assert supervisor.restarts == 0
        assert await value(supervisor, "SELECT value FROM kept") == 42


async def answers(supervisor: Supervisor) -> bool:
    try:
        return bool(await value(supervisor, "SELECT true"))
    except (OSError, asyncpg.PostgresError):
        return False


async def test_wait_exit_ends_with_stop(made: Path) -> None:
    supervisor = Supervisor(made, log=Said())
    await supervisor.start()
    waiting = asyncio.create_task(supervisor.wait_exit())
    await supervisor.stop()
    await asyncio.wait_for(waiting, 5)
    await supervisor.stop()
    with pytest.raises(PostgresError, match="not been started"):
        _ = supervisor.address


def test_runs_on_uvloop(made: Path) -> None:
    async def work() -> None:
        async with Supervisor(made, log=Said()) as supervisor:
            assert await value(supervisor, "SELECT value FROM kept") == 42
            assert supervisor.pid is not None
            kill_postgres(supervisor.pid)
            await eventually(lambda: supervisor.restarts == 1, "it is back")
            assert await value(supervisor, "SELECT value FROM kept") == 42

    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(work())
    finally:
        loop.close()


async def test_event_loop_is_not_held_up_by_a_start(made: Path) -> None:
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            longest = max(longest, loop.time() - before)

    watching = asyncio.create_task(watch())
    async with Supervisor(made, log=Said()):
        pass
    watching.cancel()
    assert longest < 0.1


async def test_settings_of_the_caller_come_on_top(made: Path) -> None:
    async with Supervisor(made, settings={"work_mem": "7MB", "fsync": "off"}, log=Said()) as supervisor:
        assert await value(supervisor, "SHOW work_mem") == "7MB"
        assert await value(supervisor, "SHOW fsync") == "off"
        assert await value(supervisor, "SHOW idle_in_transaction_session_timeout") == "10s"


async def test_second_supervisor_in_the_same_process_is_refused_too(made: Path) -> None:
    async with Supervisor(made, log=Said()) as supervisor:
        with pytest.raises(FolderLockedError) as refused:
            await Supervisor(made, log=Said()).start()
        assert refused.value.pid == os.getpid()
        assert await value(supervisor, "SELECT value FROM kept") == 42


def store_file(data: Path, **changes: object) -> None:
    held = json.loads((data / "store.json").read_text())
    (data / "store.json").write_text(json.dumps(held | changes))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: store_file(data, format=2), "has format 2; this Parlour writes format 1"),
        (lambda data: (data / "postgres" / "PG_VERSION").write_text("16\n"), "was made by PostgreSQL 16"),
        (lambda data: (data / "postgres" / "PG_VERSION").write_text("old\n"), "not readable as a version"),
        (lambda data: (data / "store.json").unlink(), "no readable store.json"),
        (lambda data: (data / "store.json").write_text("{"), "no readable store.json"),
    ],
    ids=["newer format", "other PostgreSQL", "unreadable version", "no store file", "broken store file"],
)
async def test_folder_of_another_version_is_refused_and_left_alone(
    made: Path, damage: Callable[[Path], object], says: str
) -> None:
    damage(made)
    before = (made / "postgres" / "PG_VERSION").read_bytes()
    with pytest.raises(FolderMismatchError, match=says):
        await Supervisor(made, log=Said()).start()
    assert (made / "postgres" / "PG_VERSION").read_bytes() == before
    assert not DataFolder(made).status().running


async def test_folder_that_was_only_begun_takes_the_version_at_hand(place: Path) -> None:
    folder = DataFolder(place / "data")
    folder.make()
    assert folder.identify(17).postgresql == 17
    identity = folder.identify(18)
    assert identity.postgresql == 18
    assert folder.identify(18) == identity


async def test_what_postgres_says_is_kept_in_a_file_without_customers_words(made: Path) -> None:
    said = Said()
    async with Supervisor(made, log=said) as supervisor:
        await value(supervisor, "CREATE TABLE secrets (number text PRIMARY KEY)")
        await value(supervisor, "INSERT INTO secrets VALUES ('+15550001111')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await value(supervisor, "INSERT INTO secrets VALUES ('+15550001111')")
    text = (made / "log" / "postgres.log").read_text()
    assert "duplicate key value violates unique constraint" in text
    assert "database system is shut down" in text
    assert "+15550001111" not in text
    assert not said.has("+15550001111")
    assert "warning" not in {level for level, _, _ in said.lines}, "an orderly life is quiet"


async def test_log_lines_that_matter_are_passed_on_at_their_level(tmp_path: Path) -> None:
    said = Said()
    log = ChildLog(tmp_path, said)
    script = "printf 'x [1] WARNING:  low\\nx [1] PANIC:  gone\\nx [1] LOG:  fine\\nno level' >&2"
    child = await Child.start(["sh", "-c", script], cwd=tmp_path, env=os.environ)
    assert await log.follow(child) == 0
    log.close()
    assert [(level, values["says"]) for level, _, values in said.lines] == [
        ("warning", "low"),
        ("error", "gone"),
        ("debug", "fine"),
    ]
    assert log.last_words().endswith("no level")
    assert (tmp_path / "postgres.log").read_text().count("\n") == 4


def test_missing_programs_are_named(tmp_path: Path) -> None:
    with pytest.raises(BinariesMissingError, match="bin/postgres"):
        locate_binaries(tmp_path)


def test_major_version_is_the_first_number() -> None:
    assert [major_of(version) for version in ("18.4", "19beta1", "?")] == [18, 19, 0]


def test_address_is_a_url_also_of_an_odd_path() -> None:
    address = Address(Path("/a b/ü"), 5432, "parlour", "parlour")
    assert address.dsn == "postgresql://parlour@/parlour?host=/a%20b/%C3%BC&port=5432"


def test_socket_path_has_a_limit_in_bytes_and_no_comma() -> None:
    assert fits(Path("/" + "a" * 90))
    assert not fits(Path("/" + "a" * 100))
    assert not fits(Path("/" + "ü" * 50))
    assert not fits(Path("/a,b"))


def test_child_gets_no_secret_of_ours() -> None:
    given = {"PATH": "/bin", "PARLOUR_AUTH_TOKEN": "secret", "PGHOST": "elsewhere"}
    assert child_environment(given) == {"PATH": "/bin", "LC_ALL": "C", "TZ": "UTC"}


def test_unknown_or_privileged_child_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match=r"no user 'nosuch'|Only root"):
        choose_user("nosuch", [tmp_path])
    if os.geteuid() == 0:
        with pytest.raises(PostgresError, match="refuses to run as root"):
            choose_user("root", [tmp_path])


async def test_db_status_shows_owner_and_address_and_answers_3_when_it_rests(world: World) -> None:
    code, said = await world.output("status", "--data", str(world.data))
    assert code == 3
    assert "PostgreSQL 18, format 1" in said
    running = await world.run()
    code, said = await world.output("status", "--data", str(world.data))
    assert code == 0
    assert f"process {running.process.pid}" in said
    assert running.url in said


async def test_db_psql_opens_the_running_database_and_says_when_there_is_none(world: World) -> None:
    code, said = await world.output("psql", "--data", str(world.data))
    assert code == 1
    assert "No database runs in" in said
    await world.run()
    code, said = await world.output("psql", "--data", str(world.data), "-Atc", "SELECT value FROM kept")
    assert (code, said.strip()) == (0, "42")


@pytest.mark.parametrize("actor", ACTORS[:1], indirect=True, scope="session")
async def test_sigterm_ends_a_start_that_is_still_going_on(world: World, place: Path) -> None:
    slow = programs_with(place, "exec sleep 60")
    running = await world.run(binaries=slow, wait=False)
    await eventually(lambda: DataFolder(world.data).status().pid is not None, "the folder is owned")
    assert await asyncio.wait_for(world.stop(running, signal.SIGTERM), 30) == 0
