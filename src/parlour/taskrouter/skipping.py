"""skip_if: whether a task that finds nobody leaves its target at once (taskrouter.md §4.2)."""

from parlour.store.unit import Reader
from parlour.taskrouter import roster, store
from parlour.taskrouter.expression import compile_expression
from parlour.taskrouter.rows import Task, attributes_of
from parlour.taskrouter.workflow import Target


class Skipping:
    """Asks skip_if of targets; the workers of each queue are counted once."""

    def __init__(self, reader: Reader, workspace_sid: str) -> None:
        self._reader = reader
        self._workspace_sid = workspace_sid
        self._counts: dict[str, dict[str, int]] = {}

    async def holds(self, task: Task, target: Target) -> bool:
        """Say whether skip_if of the task's target holds on the workers of its queue."""
        if target.skip_if is None:
            return False
        queue = task.task_queue_target_workers or ""
        if queue not in self._counts:
            self._counts[queue] = await self._count(queue)
        return target.skip_if.matches({"workers": self._counts[queue], "task": attributes_of(task.attributes)})

    async def _count(self, target_workers: str) -> dict[str, int]:
        queue = compile_expression(target_workers)
        counts = {"available": 0, "unavailable": 0}
        for each in await store.activities(self._reader, self._workspace_sid):
            counts[each.sid] = 0
        async for page in roster.pages(self._reader, self._workspace_sid):
            for worker in await roster.matching_of(queue, page):
                counts["available" if worker.available else "unavailable"] += 1
                activity = str(worker.built_in["activity_sid"])
                counts[activity] = counts.get(activity, 0) + 1
        return counts
