"""Wire shapes of push: published keys only, no secret among them (conversations.md §9)."""

from typing import Any, Final

from parlour.conversations.push.store import Binding, Credential, Notifications
from parlour.kit.wire import iso
from parlour.rest.operations import Urls

Wire = dict[str, Any]
PRODUCT: Final = "conversations"


def credential(row: Credential, urls: Urls) -> Wire:
    """Render a credential; `sandbox` is a text in the contract."""
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "friendly_name": row.friendly_name,
        "type": row.type,
        "sandbox": str(row.sandbox),
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "url": urls.of(PRODUCT, f"/v1/Credentials/{row.sid}"),
    }


def binding(row: Binding, urls: Urls) -> Wire:
    """Render a device."""
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "chat_service_sid": row.chat_service_sid,
        "credential_sid": row.credential_sid,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "endpoint": row.endpoint,
        "identity": row.identity,
        "binding_type": row.binding_type,
        "message_types": row.message_types,
        "url": urls.of(PRODUCT, f"/v1/Services/{row.chat_service_sid}/Bindings/{row.sid}"),
    }


def notifications(row: Notifications, urls: Urls) -> Wire:
    """Render a service's notification settings."""
    return {
        "account_sid": row.account_sid,
        "chat_service_sid": row.chat_service_sid,
        "log_enabled": row.log_enabled,
        "new_message": row.new_message,
        "added_to_conversation": row.added_to_conversation,
        "removed_from_conversation": row.removed_from_conversation,
        "url": urls.of(PRODUCT, f"/v1/Services/{row.chat_service_sid}/Configuration/Notifications"),
    }
