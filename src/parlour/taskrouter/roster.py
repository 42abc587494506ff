"""The workers of a workspace as expressions see them (taskrouter.md §4.2)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from parlour.store.unit import Reader
from parlour.taskrouter import membership, roster_store
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.expression import Expression
from parlour.taskrouter.planning import Candidate, Load
from parlour.taskrouter.rows import WorkerChannel, row

TESTED_AT_ONCE: Final = 2000  # workers, a few milliseconds


async def everybody(reader: Reader, workspace_sid: str) -> list[Candidate]:
    """All workers of the workspace, without their channels."""
    return await _members(reader, await reader.fetch(roster_store.EVERYBODY, reader.account_sid, workspace_sid), {})


async def nearest(reader: Reader, workspace_sid: str, named: Sequence[str], limit: int) -> list[Candidate]:
    """Workers with all their channels: those named, the available ones, the longest idle, as many as ``limit``."""
    records = await reader.fetch(roster_store.LONGEST_IDLE, reader.account_sid, workspace_sid, list(named), limit)
    loads = await loads_of(reader, [record["sid"] for record in records])
    return await _members(reader, records, loads)


async def loads_of(reader: Reader, workers: Iterable[str]) -> dict[str, dict[str, Load]]:
    """Every channel of the workers: worker SID to task channel SID to what it holds."""
    found: dict[str, dict[str, Load]] = {}
    for record in await reader.fetch(sql.WORKER_CHANNELS_OF, reader.account_sid, sorted(workers)):
        each = row(WorkerChannel, record)
        found.setdefault(each.worker_sid, {})[each.task_channel_sid] = Load(
            each.task_channel_unique_name,
            each.configured_capacity,
            each.load,
            each.assigned_tasks,
            each.available,
            each.last_reserved_time,
        )
    return found


async def matching_of(expression: Expression, members: Sequence[Candidate]) -> list[Candidate]:
    """Those whom an expression takes; other work of the process goes on meanwhile."""
    found: list[Candidate] = []
    for start in range(0, len(members), TESTED_AT_ONCE):
        found += [each for each in members[start : start + TESTED_AT_ONCE] if expression.matches(each.context)]
        await asyncio.sleep(0)
    return found


def built_in(record: Any) -> dict[str, object]:
    """The built-ins of a worker (§4.2)."""
    return {name: record[name] for name in ("sid", "friendly_name", "activity_sid", "activity_name")}


async def _members(reader: Reader, records: Sequence[Any], loads: Mapping[str, dict[str, Load]]) -> list[Candidate]:
    versions = {(record["sid"], record["attributes_version"]) for record in records}
    attributes = await membership.attributes_of_all(reader, versions)
    return [
        Candidate(
            sid=record["sid"],
            friendly_name=record["friendly_name"],
            available=record["available"],
            fresh=False,
            last_reserved=record["last_reserved_time"],
            attributes=attributes[record["sid"], record["attributes_version"]],
            built_in=built_in(record),
            channels=loads.get(record["sid"], {}),
            attributes_version=record["attributes_version"],
        )
        for record in records
        if (record["sid"], record["attributes_version"]) in attributes
    ]


async def count(reader: Reader, workspace_sid: str) -> int:
    """Return how many workers a workspace has."""
    return int(await reader.fetchval(roster_store.COUNT_WORKERS, reader.account_sid, workspace_sid))
