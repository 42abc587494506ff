"""The event types of the contract, and the facts that are told as them (taskrouter.md §7.2)."""

from typing import Final

_GROUPS: Final = {
    "activity": ("created", "updated", "deleted"),
    "reservation": (
        *("created", "accepted", "rejected", "timeout", "canceled", "rescinded", "completed", "failed", "wrapup"),
    ),
    "task": (
        *("created", "updated", "canceled", "wrapup", "completed", "deleted", "system-deleted"),
        *("transfer-initiated", "transfer-attempt-failed", "transfer-failed", "transfer-canceled"),
        "transfer-completed",
    ),
    "task-channel": ("created", "updated", "deleted"),
    "task-queue": ("created", "deleted", "entered", "timeout", "moved", "expression.updated"),
    "worker": (
        *("created", "activity.update", "attributes.update", "capacity.update", "channel.availability.update"),
        "deleted",
    ),
    "workflow": ("created", "updated", "deleted", "target-matched", "entered", "timeout", "skipped"),
    "workspace": ("created", "updated", "deleted"),
}
EVENT_TYPES: Final = tuple(f"{group}.{verb}" for group, verbs in _GROUPS.items() for verb in verbs)
KINDS: Final = {f"{each}/1": each for each in EVENT_TYPES}  # kind of a fact to event type


def wanted(event_type: str, events_filter: str | None) -> bool:
    """Say whether a filter lets a type through: a comma list, in which spaces do not matter; None is all (§7.1)."""
    if events_filter is None:
        return True
    return event_type in {each.strip() for each in events_filter.split(",")}
