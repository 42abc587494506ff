"""What Flex finds in TaskRouter when an account is made (taskrouter.md §1.4)."""

from dataclasses import dataclass
from typing import Final

from parlour.store.unit import UnitOfWork
from parlour.taskrouter import activities, workspaces

WORKSPACE: Final = "Flex Task Assignment"
QUEUE: Final = "Everyone"
WORKFLOW: Final = "Assign To Anyone"


@dataclass(frozen=True)
class FlexWorkspace:
    """SIDs of the Flex workspace; activities by friendly name, task channels by unique name."""

    workspace_sid: str
    queue_sid: str
    workflow_sid: str
    activities: dict[str, str]
    channels: dict[str, str]

    @property
    def offline_activity_sid(self) -> str:
        """SID of the activity of whoever is not there."""
        return self.activities["Offline"]

    @property
    def available_activity_sid(self) -> str:
        """SID of the activity that makes a worker available."""
        return self.activities["Available"]


async def provision_flex(uow: UnitOfWork) -> FlexWorkspace:
    """Make the workspace of Flex: activity Break, a queue of everybody, a workflow that fills it."""
    made = await workspaces.provision(uow, friendly_name=WORKSPACE)
    sid = made.workspace.sid
    rest = await activities.create(uow, sid, friendly_name="Break", available=False)
    queue, workflow = await workspaces.add_first_workflow(uow, sid, QUEUE, WORKFLOW)
    return FlexWorkspace(
        workspace_sid=sid,
        queue_sid=queue.sid,
        workflow_sid=workflow.sid,
        activities={**{name: each.sid for name, each in made.activities.items()}, "Break": rest.sid},
        channels={name: each.sid for name, each in made.channels.items()},
    )
