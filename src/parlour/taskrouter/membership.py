"""Which workers are in which queue (taskrouter.md §4.2, §4.4)."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from parlour.kit.wire import decode_json
from parlour.store.unit import Reader
from parlour.taskrouter import roster_store, store
from parlour.taskrouter.expression import Layered, compile_expression
from parlour.taskrouter.rows import TaskQueue, Worker, attributes_of

_KNOWN_WORKERS: Final = 20_000
_attributes: "OrderedDict[tuple[str, int], Mapping[str, object]]" = OrderedDict()


def worker_context(
    *,
    attributes: Mapping[str, object],
    sid: str,
    friendly_name: str,
    activity_sid: str,
    activity_name: str,
    channels: Mapping[str, object] | None = None,
) -> Layered:
    """What expressions see of a worker: attributes, then built-ins (§4.2)."""
    return Layered(
        attributes,
        {
            "sid": sid,
            "friendly_name": friendly_name,
            "activity_sid": activity_sid,
            "activity_name": activity_name,
            "channel": channels or {},
        },
    )


def context_of(worker: Worker) -> Layered:
    """What expressions see of a worker row."""
    return worker_context(
        attributes=attributes_of(worker.attributes),
        sid=worker.sid,
        friendly_name=worker.friendly_name,
        activity_sid=worker.activity_sid,
        activity_name=worker.activity_name,
    )


def queues_of(worker: Worker, queues: Iterable[TaskQueue]) -> list[TaskQueue]:
    """The queues whose target workers include the worker."""
    context = context_of(worker)
    return [queue for queue in queues if compile_expression(queue.target_workers).matches(context)]


async def first_queue_of(reader: Reader, worker: Worker) -> str | None:
    """SID of the worker's first queue, or None."""
    found = queues_of(worker, await store.task_queues(reader, worker.workspace_sid))
    return found[0].sid if found else None


async def attributes_of_all(
    reader: Reader, versions: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], Mapping[str, object]]:
    """The attributes of workers at these versions, read once per version and process.

    A worker whose attributes changed since the versions were read is left out.
    """
    wanted = list(versions)
    missing = sorted({sid for sid, version in wanted if (sid, version) not in _attributes})
    if missing:
        for record in await reader.fetch(roster_store.FETCH_ATTRIBUTES, reader.account_sid, missing):
            value = decode_json(record["attributes"])
            _attributes[record["sid"], record["attributes_version"]] = value if isinstance(value, dict) else {}
    found = {key: _attributes[key] for key in wanted if key in _attributes}
    while len(_attributes) > _KNOWN_WORKERS:
        _attributes.popitem(last=False)
    return found
