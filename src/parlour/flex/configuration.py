"""The Flex configuration: where the account's work goes (flex.md §3.1)."""

from typing import Any, Final

from parlour.conversations import attachments, bindings, services
from parlour.flex import errors, store
from parlour.flex.store import Configuration
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import provision as taskrouter

__all__ = ["Configuration", "fetch", "provision"]

_MB: Final = 1024 * 1024
_COMMON: Final = ("jpg", "jpeg", "png", "amr", "mp3", "mp4", "pdf", "heic")

# address type: files, bytes per file, bytes in all, further extensions (flex.md §3.3)
ATTACHMENTS: Final[dict[str, tuple[int, int, int, tuple[str, ...]]]] = {
    "web": (1, 16 * _MB, 64 * _MB, (*_COMMON, "txt", "gif")),
    "sms": (1, 2 * _MB, 5 * _MB, _COMMON),
    "whatsapp": (1, 16 * _MB, 64 * _MB, (*_COMMON, "oga")),
    "email": (10, 150 * _MB, 150 * _MB, (*_COMMON, "txt", "gif")),
    "messenger": (1, 25 * _MB, 25 * _MB, ("jpg", "jpeg", "png", "mp3", "mp4", "pdf")),
    "gbm": (1, 5 * _MB, 5 * _MB, ("jpg", "jpeg", "png")),
}

# How many tasks at once a new worker takes, by task channel; the others stay at one.
CAPACITIES: Final = {"chat": 3, "sms": 3}


def default_settings() -> dict[str, Any]:
    """Return what a new account's configuration says beside its SIDs."""
    channels = [{"name": name, "availability": True, "capacity": capacity} for name, capacity in CAPACITIES.items()]
    return {
        "taskrouter_worker_channels": {"agent": channels, "supervisor": channels},
        "channel_configs": [
            {"address_type": kind, "cbm_attachments": default_attachments(kind)} for kind in ATTACHMENTS
        ],
    }


def address_types() -> tuple[str, ...]:
    """Return the address types that can have limits: the published ones, and those of further channels."""
    return (*ATTACHMENTS, *bindings.further())


def default_attachments(address_type: str) -> dict[str, Any]:
    """Return the published limits of an address type; a further channel has those of a type that is not named."""
    other = attachments.FALLBACK
    files, size, total, extensions = ATTACHMENTS.get(
        address_type,
        (other.number_of_attachments, other.max_file_size, other.max_total_file_size, tuple(other.accepted_extensions)),
    )
    return {
        "enabled": True,
        "number_of_attachments": files,
        "max_file_size": size,
        "max_total_file_size": total,
        "accepted_extensions": list(extensions),
    }


async def write_limits(uow: UnitOfWork, row: Configuration) -> None:
    """Have Conversations hold to the limits of a configuration."""
    rows = [
        attachments.Limits(
            address_type=each["address_type"],
            chat_service_sid=row.chat_service_instance_sid,
            **each["cbm_attachments"],
        )
        for each in row.settings.get("channel_configs") or ()
    ]
    await attachments.replace(uow, rows)


async def fetch(reader: Reader) -> Configuration:
    """Return the account's Flex configuration.

    :raises ContractError: 404/45101, there is none.
    """
    found = await store.fetch_configuration(reader)
    if found is None:
        raise errors.not_configured()
    return found


async def provision(uow: UnitOfWork) -> None:
    """Make the Flex workspace of a new account and remember its SIDs (flex.md §0 S44; taskrouter.md §1.4)."""
    made = await taskrouter.provision_flex(uow)
    row = Configuration(
        account_sid=uow.account_sid,
        flex_instance_sid=uow.new_sid("GO"),
        chat_service_instance_sid=await services.default_sid(uow),
        taskrouter_workspace_sid=made.workspace_sid,
        taskrouter_target_workflow_sid=made.workflow_sid,
        taskrouter_target_taskqueue_sid=made.queue_sid,
        taskrouter_offline_activity_sid=made.offline_activity_sid,
        settings=default_settings(),
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert_configuration(uow, row)
    await write_limits(uow, row)
