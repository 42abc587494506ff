"""Changes of the Flex configuration: named keys are replaced whole, null takes one away (flex.md §3.1, §3.3)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from parlour.conversations.services import fetch as fetch_chat_service
from parlour.flex import configuration, errors, store
from parlour.flex.configuration import address_types, default_attachments
from parlour.flex.store import Configuration
from parlour.kit.errors import ContractError
from parlour.kit.sids import is_sid
from parlour.kit.wire import iso_millis
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import channels as task_channels

OBJECTS: Final = (
    "attributes", "ui_attributes", "public_attributes", "ui_dependencies", "taskrouter_worker_channels",
    "taskrouter_worker_attributes", "crm_attributes", "plugin_service_attributes", "outbound_call_flows",
    "queue_stats_configuration", "notifications", "markdown", "debugger_integration", "flex_ui_status_report",
    "agent_conv_end_methods", "citrix_voice_vdi", "offline_config", "flex_insights_hr",
)  # fmt: skip
ARRAYS: Final = (
    "taskrouter_taskqueues", "taskrouter_skills", "integrations", "serverless_service_sids", "channel_configs",
)  # fmt: skip
BOOLEANS: Final = ("call_recording_enabled", "crm_enabled", "plugin_service_enabled", "flex_insights_drilldown")
TEXTS: Final = (
    "ui_language", "ui_version", "crm_type", "crm_callback_url", "crm_fallback_url", "call_recording_webhook_url",
    "flex_url",
)  # fmt: skip
KINDS: Final[dict[str, tuple[type, str]]] = {
    **dict.fromkeys(OBJECTS, (dict, "an object")),
    **dict.fromkeys(ARRAYS, (list, "an array")),
    **dict.fromkeys(BOOLEANS, (bool, "true or false")),
    **dict.fromkeys(TEXTS, (str, "a text")),
}
# What has a column of its own; another row of the account can be named, but none taken away.
SIDS: Final = {
    "chat_service_instance_sid": "IS",
    "taskrouter_workspace_sid": "WS",
    "taskrouter_target_workflow_sid": "WW",
    "taskrouter_target_taskqueue_sid": "WQ",
    "taskrouter_offline_activity_sid": "WA",
}
OPTIONAL_SIDS: Final = {"messaging_service_instance_sid": "MG"}
END_METHODS: Final = ("Leave", "Pause")
SIZES: Final = ("number_of_attachments", "max_file_size", "max_total_file_size")
LARGEST: Final = 2**31 - 1


async def update(uow: UnitOfWork, given: Mapping[str, Any]) -> Configuration:
    """Change what is named; other keys, and those that only the server sets, are left alone.

    :raises ContractError: 45004 names the key that is wrong; 404/45101.
    """
    row = await store.lock_configuration(uow)
    if row is None:
        raise errors.not_configured()
    settings = dict(row.settings)
    for name, (kind, words) in KINDS.items():
        if name not in given:
            continue
        value = given[name]
        if value is not None and not isinstance(value, kind):
            raise errors.invalid_value(name, f"must be {words}")
        settings[name] = None if value is None else await _checked(uow, name, value)
    for name, prefix in OPTIONAL_SIDS.items():
        if name in given:
            settings[name] = None if given[name] is None else await _sid(uow, name, given[name], prefix)
    settings = {name: value for name, value in settings.items() if value is not None}
    columns = {name: await _sid(uow, name, given[name], prefix) for name, prefix in SIDS.items() if name in given}
    workspace_sid = columns.get("taskrouter_workspace_sid", row.taskrouter_workspace_sid)
    await _known_channels(uow, workspace_sid, given.get("taskrouter_worker_channels"))
    if "chat_service_instance_sid" in columns:
        await fetch_chat_service(uow, columns["chat_service_instance_sid"])
    changed = msgspec.structs.replace(row, settings=settings, date_updated=uow.now, **columns)
    await store.update_configuration(uow, changed)
    await configuration.write_limits(uow, changed)
    return changed


async def _known_channels(reader: Reader, workspace_sid: str, given: Mapping[str, Any] | None) -> None:
    """Refuse a default for a task channel that the workspace does not have: nobody new could sign in."""
    for kind, channels in (given or {}).items():
        for each in channels:
            try:
                await task_channels.fetch(reader, workspace_sid, each["name"])
            except ContractError as error:
                raise errors.invalid_value(
                    f"taskrouter_worker_channels.{kind}", f"{workspace_sid} has no task channel {each['name'][:64]}"
                ) from error


async def _checked(uow: UnitOfWork, name: str, value: Any) -> Any:
    if name == "taskrouter_taskqueues":
        for each in value:
            if not isinstance(each, dict) or not isinstance(each.get("targettable"), bool):
                raise errors.invalid_value(name, "each must be an object with sid and targettable")
            await _sid(uow, f"{name}.sid", each.get("sid"), "WQ")
        return value
    check = _CHECKS.get(name)
    return value if check is None else check(name, value, iso_millis(uow.now))


async def _sid(reader: Reader, name: str, value: Any, prefix: str) -> str:
    if not isinstance(value, str) or not is_sid(value, prefix):
        raise errors.invalid_value(name, f"'{str(value)[:64]}' is not a SID of {prefix}")
    if not await refs.check(reader, value):
        raise errors.invalid_value(name, f"{value} was not found in this account")
    return value


def _skills(name: str, value: list[Any], _now: str) -> list[Any]:
    for each in value:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str) or not each["name"]:
            raise errors.invalid_value(name, "each must be an object with a name")
    return value


def _worker_channels(name: str, value: dict[str, Any], _now: str) -> dict[str, Any]:
    """Check the defaults of new workers: they are used when somebody signs in for the first time."""
    for kind, channels in value.items():
        if not isinstance(channels, list) or not all(_is_channel(each) for each in channels):
            raise errors.invalid_value(
                f"{name}.{kind}", "must be an array of objects with name, availability and capacity"
            )
    return value


def _is_channel(each: Any) -> bool:
    return (
        isinstance(each, dict)
        and isinstance(each.get("name"), str)
        and isinstance(each.get("availability", True), bool)
        and _is_count(each.get("capacity", 1))
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _worker_attributes(name: str, value: dict[str, Any], _now: str) -> dict[str, Any]:
    for kind, attributes in value.items():
        if not isinstance(attributes, dict):
            raise errors.invalid_value(f"{name}.{kind}", "must be an object")
    return value


def _end_methods(name: str, value: dict[str, Any], now: str) -> dict[str, Any]:
    enabled = value.get("enabled")
    if not isinstance(enabled, list) or any(each not in END_METHODS for each in enabled):
        raise errors.invalid_value(f"{name}.enabled", f"must be an array of {', '.join(END_METHODS)}")
    return {"enabled": enabled, "dateUpdated": now}


def _service_sids(name: str, value: list[Any], _now: str) -> list[Any]:
    if not all(isinstance(each, str) and is_sid(each, "ZS") for each in value):
        raise errors.invalid_value(name, "each must be a SID of ZS")
    return value


def _channel_configs(name: str, value: list[Any], _now: str) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in value:
        if not isinstance(each, dict) or not isinstance(each.get("cbm_attachments"), dict):
            raise errors.invalid_value(name, "each must be an object with address_type and cbm_attachments")
        kind = str(each.get("address_type", "")).lower()
        known = address_types()
        if kind not in known:
            raise errors.invalid_value(f"{name}.address_type", f"'{kind[:64]}' is not one of {', '.join(known)}")
        if kind in found:
            raise errors.invalid_value(f"{name}.address_type", f"{kind} is there twice")
        found[kind] = {"address_type": kind, "cbm_attachments": _attachments(name, kind, each["cbm_attachments"])}
    return list(found.values())


def _attachments(name: str, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the limits of an address type; what is not given has its published default."""
    joined = default_attachments(kind)
    joined |= {key: value for key, value in given.items() if key in joined}
    if not isinstance(joined["enabled"], bool):
        raise errors.invalid_value(f"{name}.enabled", "must be true or false")
    for key in SIZES:
        if not _is_count(joined[key]):
            raise errors.invalid_value(f"{name}.{key}", "must be a whole number, at least 0")
    extensions = joined["accepted_extensions"]
    if not isinstance(extensions, list) or not all(isinstance(each, str) and each for each in extensions):
        raise errors.invalid_value(f"{name}.accepted_extensions", "must be an array of texts")
    joined["accepted_extensions"] = [each.lower().lstrip(".") for each in extensions]
    return joined


_CHECKS: Final[dict[str, Callable[[str, Any, str], Any]]] = {
    "taskrouter_skills": _skills,
    "taskrouter_worker_channels": _worker_channels,
    "taskrouter_worker_attributes": _worker_attributes,
    "agent_conv_end_methods": _end_methods,
    "serverless_service_sids": _service_sids,
    "channel_configs": _channel_configs,
}
