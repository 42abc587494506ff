"""Refusals of TaskRouter that no other test comes to (taskrouter.md §1, §2)."""

import asyncio
from typing import Any

from parlour.store.unit import UnitOfWork
from tests.contract.world import World
from tests.errors.asking import refusal

MONTH = 31 * 24 * 60  # minutes


async def desk(world: World) -> Any:
    """Return a new workspace without anything in it."""
    made = await asyncio.to_thread(world.client.taskrouter.v1.workspaces.create, friendly_name=world.unique("Desk"))
    return world.client.taskrouter.v1.workspaces(made.sid)


async def test_statistics_go_back_a_month(own: World) -> None:
    workspace = await desk(own)
    assert await refusal(lambda: workspace.statistics().fetch(minutes=MONTH), "Minutes") == (400, 14241)


async def test_workspaces_do_several_tasks_at_a_time(own: World) -> None:
    spaces = own.client.taskrouter.v1.workspaces
    single = {"friendly_name": "One by one", "multi_task_enabled": False}
    assert await refusal(lambda: spaces.create(**single), "MultiTaskEnabled") == (400, 20001)


async def test_a_task_for_a_worker_needs_a_queue_of_the_worker(own: World) -> None:
    workspace = await desk(own)
    worker = await asyncio.to_thread(workspace.workers.create, friendly_name="Ana")
    assert await refusal(
        lambda: workspace.tasks.create(routing_target=worker.sid, attributes="{}"), "is in no task queue"
    ) == (400, 20001)


async def test_a_task_needs_the_queue_of_its_workflow(own: World) -> None:
    """A queue that is deleted while a workflow is made that names it leaves a workflow without its queue."""
    workspace = await desk(own)

    def make() -> tuple[str, str]:
        queue = workspace.task_queues.create(friendly_name="All", target_workers="1==1").sid
        configuration = f'{{"task_routing": {{"default_filter": {{"queue": "{queue}"}}}}}}'
        return str(queue), str(workspace.workflows.create(friendly_name="To all", configuration=configuration).sid)

    queue, workflow = await asyncio.to_thread(make)

    async def lose(uow: UnitOfWork) -> None:
        await uow.execute("DELETE FROM task_queue WHERE account_sid = $1 AND sid = $2", uow.account_sid, queue)

    await asyncio.to_thread(own.step, lose)
    assert await refusal(
        lambda: workspace.tasks.create(workflow_sid=workflow, attributes="{}"), "cannot be routed"
    ) == (400, 20001)
