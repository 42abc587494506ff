"""Who is told of a workspace's events, decided in the transaction that states them (taskrouter.md §7.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from parlour.store.unit import Reader
from parlour.taskrouter import store
from parlour.taskrouter.event_types import wanted

LISTENS: Final = "event_callback"


@dataclass(frozen=True, slots=True)
class Audience:
    """The event callback of a workspace at this moment."""

    workspace_sid: str
    workspace_name: str
    url: str
    events_filter: str | None
    gone: bool = False

    def snapshot(self, event_type: str) -> dict[str, Any]:
        """Return what every fact of the workspace carries; `told_to` outlives the workspace."""
        found: dict[str, Any] = {"workspace_sid": self.workspace_sid, "workspace_name": self.workspace_name}
        if self.hears(event_type):
            found["told_to"] = self.url
        return found

    def hears(self, event_type: str) -> bool:
        """Say whether the callback is to be told of this type."""
        return bool(self.url) and wanted(event_type, self.events_filter)

    def listeners(self, event_type: str) -> Mapping[str, Any]:
        """Return the hint from which lanes are chosen."""
        return {LISTENS: self.workspace_sid} if self.hears(event_type) else {}


async def audience_of(reader: Reader, workspace_sid: str) -> Audience:
    """Read who listens to the workspace; a workspace that is gone has nobody."""
    record = await reader.fetchrow(store.AUDIENCE, reader.account_sid, workspace_sid)
    if record is None:
        return Audience(workspace_sid, "", "", None, gone=True)
    return Audience(workspace_sid, *record)
