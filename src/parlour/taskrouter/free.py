"""Reads the free workers of a pass: those nearest to the next task first, the others when somebody needs them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from parlour.store.unit import Reader
from parlour.taskrouter import membership, roster, roster_store
from parlour.taskrouter.candidates import Candidate, Demand, Load
from parlour.taskrouter.idle import Idle

MADE_AT_ONCE: Final = 500  # candidates, a few milliseconds


async def idle(
    reader: Reader,
    workspace_sid: str,
    demands: Iterable[Demand],
    changed: Sequence[str],
    named: Sequence[str],
    *,
    fresh: bool,
) -> Idle:
    """Read who may be reserved for tasks of some groups.

    :param changed: SIDs of the workers with whom all waiting tasks are to be compared.
    :param named: SIDs of those whom tasks are directed to, free or not.
    :param fresh: whether some tasks are to be compared with all who are free.
    """
    found = _Free(reader, workspace_sid, list(demands))
    nearest, others = await found.nearest() if fresh else ([], False)
    return Idle(
        nearest=nearest,
        changed=await found.read(roster_store.FREE_OF, changed) if changed else [],
        named=await found.read(roster_store.NAMED, named) if named else [],
        further=found.everybody if others else None,
    )


class _Free:
    """Reads workers with what they hold on the channels of some groups of tasks."""

    def __init__(self, reader: Reader, workspace_sid: str, demands: Sequence[Demand]) -> None:
        self._reader = reader
        self._workspace_sid = workspace_sid
        self._channels = sorted({each.task.task_channel_sid for each in demands})
        self._read_all_channels = any(each.reads_channels for each in demands)

    async def nearest(self) -> tuple[list[Candidate], bool]:
        """The longest idle, and whether others may be free besides."""
        records = await self._fetch(roster_store.NEAREST)
        others = len({record["sid"] for record in records}) == roster_store.NEAREST_WORKERS
        return await self._made(records), others

    async def everybody(self) -> list[Candidate]:
        """All who are free."""
        return await self.read(roster_store.FREE)

    async def read(self, statement: str, *more: object) -> list[Candidate]:
        """Those whom a statement of the roster finds."""
        return await self._made(await self._fetch(statement, *more))

    async def _fetch(self, statement: str, *more: object) -> list[Any]:
        return await self._reader.fetch(statement, self._reader.account_sid, self._workspace_sid, self._channels, *more)

    async def _made(self, records: Sequence[Any]) -> list[Candidate]:
        versions = {(record["sid"], record["attributes_version"]) for record in records}
        attributes = await membership.attributes_of_all(self._reader, versions)
        loads: Mapping[str, dict[str, Load]] = {}
        if self._read_all_channels:
            loads = await roster.loads_of(self._reader, {sid for sid, _ in versions})
        return await _candidates(records, attributes, loads)


async def _candidates(
    records: Sequence[Any],
    attributes: Mapping[tuple[str, int], Mapping[str, object]],
    loads: Mapping[str, dict[str, Load]],
) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for number, record in enumerate(records, 1):
        if number % MADE_AT_ONCE == 0:
            await asyncio.sleep(0)
        key = (record["sid"], record["attributes_version"])
        if key not in attributes:
            continue  # changed meanwhile; the change marked the worker
        load = Load(
            record["unique_name"],
            record["configured_capacity"],
            record["taken"],
            record["assigned_tasks"],
            record["channel_available"],
            record["channel_last_reserved_time"],
        )
        known = found.get(record["sid"])
        if known is not None:
            known.channels.setdefault(record["task_channel_sid"], load)
            continue
        found[record["sid"]] = Candidate(
            sid=record["sid"],
            friendly_name=record["friendly_name"],
            available=record["available"],
            last_reserved=record["last_reserved_time"],
            attributes=attributes[key],
            built_in=roster.built_in(record),
            channels=loads.get(record["sid"]) or {record["task_channel_sid"]: load},
        )
    return list(found.values())
