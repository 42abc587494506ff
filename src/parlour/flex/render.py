"""Wire shapes of Flex (flex.md §1.1)."""

from typing import Any
from urllib.parse import urlsplit

from parlour.flex.store import Channel, Configuration, Interaction, Invite, Participant
from parlour.flex.transfer_store import Transfer
from parlour.flex.web_chats.store import Key
from parlour.kit.wire import iso
from parlour.rest.operations import Urls

PRODUCT = "flex-api"


def interaction(row: Interaction, urls: Urls) -> dict[str, Any]:
    """An interaction."""
    url = urls.of(PRODUCT, f"/v1/Interactions/{row.sid}")
    return {
        "sid": row.sid,
        "channel": {"type": row.channel_type, "sid": row.channel_sid},
        "routing": row.routing,
        "interaction_context_sid": row.interaction_context_sid,
        "webhook_ttid": row.webhook_ttid,
        "url": url,
        "links": {"channels": f"{url}/Channels"},
    }


def channel(row: Channel, urls: Urls) -> dict[str, Any]:
    """An interaction channel."""
    url = urls.of(PRODUCT, f"/v1/Interactions/{row.interaction_sid}/Channels/{row.sid}")
    return {
        "sid": row.sid,
        "interaction_sid": row.interaction_sid,
        "type": row.type,
        "status": row.status,
        "error_code": row.error_code,
        "error_message": row.error_message,
        "url": url,
        "links": {
            "participants": f"{url}/Participants",
            "invites": f"{url}/Invites",
            "transfers": f"{url}/Transfers",
        },
    }


def invite(row: Invite, urls: Urls) -> dict[str, Any]:
    """An invite."""
    path = f"/v1/Interactions/{row.interaction_sid}/Channels/{row.channel_sid}/Invites/{row.sid}"
    return {
        "sid": row.sid,
        "interaction_sid": row.interaction_sid,
        "channel_sid": row.channel_sid,
        "routing": row.routing,
        "url": urls.of(PRODUCT, path),
    }


def participant(row: Participant, urls: Urls) -> dict[str, Any]:
    """A participant of an interaction channel."""
    path = f"/v1/Interactions/{row.interaction_sid}/Channels/{row.channel_sid}/Participants/{row.sid}"
    routing = None
    if row.task_sid is not None:
        routing = {"task_sid": row.task_sid, "worker_sid": row.worker_sid, "reservation_sid": row.reservation_sid}
    return {
        "sid": row.sid,
        "type": row.type,
        "interaction_sid": row.interaction_sid,
        "channel_sid": row.channel_sid,
        "routing_properties": routing,
        "url": urls.of(PRODUCT, path),
    }


def transfer(row: Transfer, instance_sid: str, urls: Urls) -> dict[str, Any]:
    """A transfer of an interaction channel."""
    path = f"/v1/Interactions/{row.interaction_sid}/Channels/{row.channel_sid}/Transfers/{row.sid}"
    return {
        "sid": row.sid,
        "instance_sid": instance_sid,
        "account_sid": row.account_sid,
        "interaction_sid": row.interaction_sid,
        "channel_sid": row.channel_sid,
        "execution_sid": None,
        "type": row.type,
        "status": row.status,
        "from": row.from_sid,
        "to": row.to_sid,
        "note_sid": row.note_sid,
        "summary_sid": row.summary_sid,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "url": urls.of(PRODUCT, path),
    }


# Fields of the configuration that nothing was said about yet (flex.md §3.1).
UNSET: dict[str, Any] = {
    "attributes": {},
    "public_attributes": {},
    "ui_language": None,
    "ui_version": None,
    "ui_dependencies": None,
    "service_version": None,
    "taskrouter_taskqueues": [],
    "channel_configs": [],
    "taskrouter_skills": [],
    "taskrouter_worker_channels": None,
    "taskrouter_worker_attributes": None,
    "flex_url": None,
    "flex_insights_hr": None,
    "flex_insights_drilldown": None,
    "flex_service_instance_sid": None,
    "messaging_service_instance_sid": None,
    "call_recording_enabled": False,
    "call_recording_webhook_url": None,
    "crm_enabled": False,
    "crm_type": None,
    "crm_callback_url": None,
    "crm_fallback_url": None,
    "crm_attributes": None,
    "plugin_service_enabled": True,
    "plugin_service_attributes": None,
    "integrations": [],
    "outbound_call_flows": None,
    "serverless_service_sids": [],
    "queue_stats_configuration": None,
    "notifications": None,
    "markdown": None,
    "debugger_integration": None,
    "flex_ui_status_report": None,
    "agent_conv_end_methods": None,
    "citrix_voice_vdi": None,
    "offline_config": None,
}


def configuration(row: Configuration, urls: Urls) -> dict[str, Any]:
    """The Flex configuration."""
    return {
        **UNSET,
        **row.settings,
        # The desktop stops where this is anything else; every version that is built here goes with this server.
        "ui_attributes": {"version_compatibility": "yes", **(row.settings.get("ui_attributes") or {})},
        "account_sid": row.account_sid,
        "status": "ok",
        "runtime_domain": runtime_domain(urls),
        "flex_instance_sid": row.flex_instance_sid,
        "chat_service_instance_sid": row.chat_service_instance_sid,
        "taskrouter_workspace_sid": row.taskrouter_workspace_sid,
        "taskrouter_target_workflow_sid": row.taskrouter_target_workflow_sid,
        "taskrouter_target_taskqueue_sid": row.taskrouter_target_taskqueue_sid,
        "taskrouter_offline_activity_sid": row.taskrouter_offline_activity_sid,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "url": urls.of(PRODUCT, "/v1/Configuration"),
    }


def public_configuration(row: Configuration, urls: Urls) -> dict[str, Any]:
    """What is known of a configuration before anybody signed in (agent-clients.md §3)."""
    return {
        "account_sid": row.account_sid,
        "runtime_domain": runtime_domain(urls),
        "public_attributes": row.settings.get("public_attributes") or {},
    }


def runtime_domain(urls: Urls) -> str:
    """Return the address of the desktop on the server that was asked."""
    own = urlsplit(urls.of(PRODUCT, ""))
    return f"{own.scheme}://{own.netloc}/desktop"


def webchat_key(row: Key, urls: Urls) -> dict[str, Any]:
    """A deployment key of web chats."""
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "friendly_name": row.friendly_name,
        "address_sid": row.address_sid,
        "allowed_origins": row.allowed_origins,
        "fingerprint": row.fingerprint,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "url": urls.of("parlour", f"/v1/WebchatKeys/{row.sid}"),
    }
