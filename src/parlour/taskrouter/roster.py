"""The workers of a workspace as expressions see them (taskrouter.md §4.2)."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

from parlour.store.unit import Reader
from parlour.taskrouter import membership, roster_store
from parlour.taskrouter.candidates import Candidate, Load
from parlour.taskrouter.expression import Expression

TESTED_AT_ONCE: Final = 500  # workers, a few milliseconds
PAGE: Final = 500  # workers


async def pages(reader: Reader, workspace_sid: str) -> AsyncIterator[list[Candidate]]:
    """All workers of the workspace, without their channels, a page at a time; other work goes on between them."""
    last = ""
    while True:
        args = (reader.account_sid, workspace_sid, last, PAGE)
        records = await reader.fetch(roster_store.PAGE, *args)
        if records:
            yield await _members(reader, records, {})
        if len(records) < PAGE:
            return
        last = records[-1]["sid"]
        await asyncio.sleep(0)


async def everybody(reader: Reader, workspace_sid: str) -> list[Candidate]:
    """All workers of the workspace, without their channels."""
    return [each async for page in pages(reader, workspace_sid) for each in page]


async def nearest(
    reader: Reader,
    workspace_sid: str,
    named: Sequence[str],
    examined: roster_store.Examined,
    channels: Sequence[str] | None,
) -> list[Candidate]:
    """Workers with what they hold: those named, the available ones, the longest idle, as many as are examined.

    :param channels: SIDs of the task channels that matter, None for all.
    """
    args = (reader.account_sid, workspace_sid, list(named))
    records = await reader.fetch(roster_store.NAMED_WORKERS, *args) if named else []
    others = await reader.fetch(examined.nearest, *args)
    records = [*records, *others[: max(examined.workers - len(records), 0)]]
    return await _members(reader, records, await loads_of(reader, [record["sid"] for record in records], channels))


async def loads_of(
    reader: Reader, workers: Iterable[str], channels: Sequence[str] | None = None
) -> dict[str, dict[str, Load]]:
    """What the workers hold on some channels, None for all: worker SID to task channel SID to load."""
    found: dict[str, dict[str, Load]] = {}
    for worker_sid, task_channel_sid, *load in await reader.fetch(
        roster_store.CHANNELS, reader.account_sid, sorted(workers), channels
    ):
        found.setdefault(worker_sid, {})[task_channel_sid] = Load(*load)
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
