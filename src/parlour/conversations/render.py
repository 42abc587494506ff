"""Wire shapes of the resources: every published key, URLs in the form of the request (conversations.md §1.2)."""

from datetime import datetime
from typing import Any, Final

from parlour.conversations import bindings
from parlour.conversations.store.addresses import AddressConfiguration
from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.messages import Message, Receipt
from parlour.conversations.store.participants import Participant, ParticipantConversation
from parlour.conversations.store.services import Configuration, Role, Service
from parlour.conversations.store.users import User, UserConversation
from parlour.conversations.store.webhook_configurations import WebhookConfiguration
from parlour.conversations.store.webhooks import ScopedWebhook
from parlour.kit.wire import iso, iso_or_none
from parlour.rest.operations import Urls

Wire = dict[str, Any]
PRODUCT: Final = "conversations"


class Renderer:
    """Renders rows for one request; `service_sid` is the one of its path, None on the short paths."""

    def __init__(self, urls: Urls, service_sid: str | None) -> None:
        self._urls = urls
        self._service_sid = service_sid

    def _url(self, path: str) -> str:
        base = "/v1" if self._service_sid is None else f"/v1/Services/{self._service_sid}"
        return self._urls.of(PRODUCT, base + path)

    def _scoped(self, wire: Wire, service_sid: str) -> Wire:
        """Add the service to resources that show it only on the service's paths."""
        return wire if self._service_sid is None else {**wire, "chat_service_sid": service_sid}

    def conversation(self, row: Conversation, *, export: bool = True) -> Wire:
        """Render a conversation; `export`: with the link that ConversationWithParticipants lacks."""
        path = f"/Conversations/{row.sid}"
        links = {
            "participants": self._url(f"{path}/Participants"),
            "messages": self._url(f"{path}/Messages"),
            "webhooks": self._url(f"{path}/Webhooks"),
        }
        if export:
            links["export"] = self._url(f"{path}/Export")
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "messaging_service_sid": row.messaging_service_sid,
            "friendly_name": row.friendly_name,
            "unique_name": row.unique_name,
            "attributes": row.attributes,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "state": row.state,
            "timers": _timers(row.date_inactive, row.date_closed),
            "bindings": {},
            "url": self._url(path),
            "links": links,
        }

    def participant(self, row: Participant) -> Wire:
        """Render a participant."""
        wire = {
            "account_sid": row.account_sid,
            "conversation_sid": row.conversation_sid,
            "sid": row.sid,
            "identity": row.identity,
            "attributes": row.attributes,
            "messaging_binding": _binding(row),
            "role_sid": row.role_sid,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "url": self._url(f"/Conversations/{row.conversation_sid}/Participants/{row.sid}"),
            "last_read_message_index": row.last_read_message_index,
            "last_read_timestamp": iso_or_none(row.last_read_timestamp),
        }
        return self._scoped(wire, row.chat_service_sid)

    def message(self, row: Message) -> Wire:
        """Render a message."""
        path = f"/Conversations/{row.conversation_sid}/Messages/{row.sid}"
        shown = ("sid", "size", "content_type", "filename")
        media = None if row.media is None else [{name: item[name] for name in shown} for item in row.media]
        wire = {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "conversation_sid": row.conversation_sid,
            "body": row.body,
            "media": media,
            "author": row.author,
            "participant_sid": row.participant_sid,
            "attributes": row.attributes,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "index": row.index,
            "delivery": row.delivery,
            "content_sid": None if row.content is None else row.content["sid"],
            "url": self._url(path),
            "links": {
                "delivery_receipts": self._url(f"{path}/Receipts"),
                "channel_metadata": self._url(f"{path}/ChannelMetadata"),
            },
        }
        return self._scoped(wire, row.chat_service_sid)

    def receipt(self, row: Receipt) -> Wire:
        """Render a delivery receipt."""
        path = f"/Conversations/{row.conversation_sid}/Messages/{row.message_sid}/Receipts/{row.sid}"
        wire = {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "conversation_sid": row.conversation_sid,
            "message_sid": row.message_sid,
            "channel_message_sid": row.channel_message_sid,
            "participant_sid": row.participant_sid,
            "status": row.status,
            "error_code": row.error_code,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "url": self._url(path),
        }
        return self._scoped(wire, row.chat_service_sid)

    def webhook(self, row: ScopedWebhook) -> Wire:
        """Render a scoped webhook."""
        if row.target == "studio":
            configuration: Wire = {"flow_sid": row.flow_sid}
        else:
            configuration = {"url": row.url, "method": row.method}
            configuration |= {"filters": row.filters} if row.target == "webhook" else {"triggers": row.triggers}
        wire = {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "conversation_sid": row.conversation_sid,
            "target": row.target,
            "url": self._url(f"/Conversations/{row.conversation_sid}/Webhooks/{row.sid}"),
            "configuration": configuration,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
        }
        return self._scoped(wire, row.chat_service_sid)

    def account_webhooks(self, row: WebhookConfiguration) -> Wire:
        """Render the account's webhooks."""
        return {
            "account_sid": row.account_sid,
            "method": row.method,
            "filters": row.filters,
            "pre_webhook_url": row.pre_webhook_url,
            "post_webhook_url": row.post_webhook_url,
            "target": row.target,
            "url": self._urls.of(PRODUCT, "/v1/Configuration/Webhooks"),
        }

    def service_webhooks(self, row: WebhookConfiguration) -> Wire:
        """Render a service's webhooks; all four fields are null where they were never set (conversations.md §6.1)."""
        unset = row.date_updated is None
        return {
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "pre_webhook_url": row.pre_webhook_url,
            "post_webhook_url": row.post_webhook_url,
            "filters": None if unset else row.filters,
            "method": None if unset else row.method,
            "url": self._urls.of(PRODUCT, f"/v1/Services/{row.chat_service_sid}/Configuration/Webhooks"),
        }

    def participant_conversation(self, row: ParticipantConversation) -> Wire:
        """Render a conversation found by its participant."""
        path = f"/Conversations/{row.conversation_sid}"
        return {
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "participant_sid": row.sid,
            "participant_user_sid": row.user_sid,
            "participant_identity": row.identity,
            "participant_messaging_binding": _full_binding(row),
            "conversation_sid": row.conversation_sid,
            "conversation_unique_name": row.conversation_unique_name,
            "conversation_friendly_name": row.conversation_friendly_name,
            "conversation_attributes": row.conversation_attributes,
            "conversation_date_created": iso(row.conversation_date_created),
            "conversation_date_updated": iso(row.conversation_date_updated),
            "conversation_created_by": row.conversation_created_by,
            "conversation_state": row.conversation_state,
            "conversation_timers": _timers(row.date_inactive, row.date_closed),
            "links": {
                "participant": self._url(f"{path}/Participants/{row.sid}"),
                "conversation": self._url(path),
            },
        }

    def role(self, row: Role) -> Wire:
        """Render a role."""
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "friendly_name": row.friendly_name,
            "type": row.type,
            "permissions": row.permissions,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "url": self._url(f"/Roles/{row.sid}"),
        }

    def listed_user(self, row: User) -> Wire:
        """Render a user of a list, where reachability is null (conversations.md §9)."""
        return self.user(row) | {"is_online": None, "is_notifiable": None}

    def user(self, row: User) -> Wire:
        """Render a user."""
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "role_sid": row.role_sid,
            "identity": row.identity,
            "friendly_name": row.friendly_name,
            "attributes": row.attributes,
            "is_online": row.is_online,
            "is_notifiable": row.is_notifiable,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "url": self._url(f"/Users/{row.sid}"),
            "links": {"user_conversations": self._url(f"/Users/{row.sid}/Conversations")},
        }

    def user_conversation(self, row: UserConversation) -> Wire:
        """Render a conversation as one of its users sees it."""
        path = f"/Conversations/{row.conversation_sid}"
        return {
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "conversation_sid": row.conversation_sid,
            "unread_messages_count": row.unread_messages_count,
            "last_read_message_index": row.last_read_message_index,
            "participant_sid": row.participant_sid,
            "user_sid": row.user_sid,
            "friendly_name": row.friendly_name,
            "conversation_state": row.conversation_state,
            "timers": _timers(row.date_inactive, row.date_closed),
            "attributes": row.attributes,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "created_by": row.created_by,
            "notification_level": row.notification_level,
            "unique_name": row.unique_name,
            "url": self._url(f"/Users/{row.user_sid}{path}"),
            "links": {
                "participant": self._url(f"{path}/Participants/{row.participant_sid}"),
                "conversation": self._url(path),
            },
        }

    def service(self, row: Service) -> Wire:
        """Render a service."""
        url = self._urls.of(PRODUCT, f"/v1/Services/{row.sid}")
        links = {
            "conversations": "Conversations",
            "users": "Users",
            "roles": "Roles",
            "bindings": "Bindings",
            "configuration": "Configuration",
            "participant_conversations": "ParticipantConversations",
            "conversation_with_participants": "ConversationWithParticipants",
        }
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "friendly_name": row.friendly_name,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "url": url,
            "links": {name: f"{url}/{segment}" for name, segment in links.items()},
        }

    def service_configuration(self, row: Service) -> Wire:
        """Render the configuration of a service."""
        url = self._urls.of(PRODUCT, f"/v1/Services/{row.sid}/Configuration")
        return {
            "chat_service_sid": row.sid,
            "default_conversation_creator_role_sid": row.default_conversation_creator_role_sid,
            "default_conversation_role_sid": row.default_conversation_role_sid,
            "default_chat_service_role_sid": row.default_chat_service_role_sid,
            "reachability_enabled": row.reachability_enabled,
            "url": url,
            "links": {"notifications": f"{url}/Notifications", "webhooks": f"{url}/Webhooks"},
        }

    def configuration(self, row: Configuration) -> Wire:
        """Render the configuration of the account."""
        url = self._urls.of(PRODUCT, "/v1/Configuration")
        service = self._urls.of(PRODUCT, f"/v1/Services/{row.default_chat_service_sid}/Configuration")
        return {
            "account_sid": row.account_sid,
            "default_chat_service_sid": row.default_chat_service_sid,
            "default_messaging_service_sid": row.default_messaging_service_sid,
            "default_inactive_timer": row.default_inactive_timer,
            "default_closed_timer": row.default_closed_timer,
            "url": url,
            "links": {"service": service, "webhooks": f"{url}/Webhooks"},
        }

    def address(self, row: AddressConfiguration) -> Wire:
        """Render an address configuration; `auto_creation` has the keys of its type only (conversations.md §8.1)."""
        auto_creation: Wire = {
            "enabled": row.enabled,
            "type": row.auto_creation_type,
            "conversation_service_sid": row.conversation_service_sid,
        }
        if row.auto_creation_type == "webhook":
            auto_creation["webhook_url"] = row.webhook_url
            auto_creation["webhook_method"] = row.webhook_method
            auto_creation["webhook_filters"] = row.webhook_filters
        elif row.auto_creation_type == "studio":
            auto_creation["studio_flow_sid"] = row.studio_flow_sid
            auto_creation["studio_retry_count"] = row.studio_retry_count
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "type": row.type,
            "address": row.address,
            "friendly_name": row.friendly_name,
            "address_country": row.address_country,
            "auto_creation": auto_creation,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "url": self._urls.of(PRODUCT, f"/v1/Configuration/Addresses/{row.sid}"),
        }


def _timers(date_inactive: datetime | None, date_closed: datetime | None) -> dict[str, str]:
    dates = {"date_inactive": date_inactive, "date_closed": date_closed}
    return {name: iso(date) for name, date in dates.items() if date is not None}


def _binding(row: Participant) -> Wire | None:
    if row.type == bindings.CHAT and row.projected_address is None:
        return None
    binding: Wire = {"type": "sms" if row.projected_address else row.type}
    for name in ("address", "proxy_address", "projected_address"):
        if getattr(row, name) is not None:
            binding[name] = getattr(row, name)
    return binding


def _full_binding(row: ParticipantConversation) -> Wire | None:
    if row.type == bindings.CHAT and row.projected_address is None:
        return None
    return {
        "address": row.address,
        "proxy_address": row.proxy_address,
        "type": "sms" if row.projected_address else row.type,
        "level": None,
        "name": None,
        "projected_address": row.projected_address,
    }
