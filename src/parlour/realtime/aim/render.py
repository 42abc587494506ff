"""Answers of the client API; URLs lead back to it (realtime-protocol.md §7)."""

from typing import Any, Final
from urllib.parse import quote

from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.messages import Message, Receipt
from parlour.conversations.store.participants import Participant
from parlour.conversations.store.users import User, UserConversation
from parlour.kit.wire import iso_millis
from parlour.realtime.sync.objects import View, name
from parlour.rest.operations import Urls

PRODUCT: Final = "aim"
BASE: Final = "/Client/v2"

Body = dict[str, Any]


class Renderer:
    """Renders rows for clients."""

    def __init__(self, urls: Urls) -> None:
        self._urls = urls

    def url(self, path: str) -> str:
        """Return the URL of a path of the client API."""
        return self._urls.of(PRODUCT, BASE + path)

    def conversation(self, row: Conversation, participant: Participant | None, **counts: int | None) -> Body:
        """Render a conversation as the client's user sees it."""
        return {
            **self._conversation(row, row.sid),
            "state": row.state,
            "status": "notParticipating" if participant is None else "joined",
            "last_read_message_index": None if participant is None else participant.last_read_message_index,
            "notification_level": None if participant is None else participant.notification_level,
            **counts,
        }

    def own_conversation(self, row: UserConversation) -> Body:
        """Render one of the user's conversations."""
        return {
            **self._conversation(row, row.conversation_sid),
            "state": row.conversation_state,
            "status": "joined",
            "last_read_message_index": row.last_read_message_index,
            "notification_level": row.notification_level,
            "unread_messages_count": row.unread_messages_count,
        }

    def _conversation(self, row: Conversation | UserConversation, sid: str) -> Body:
        url = self.url(f"/Conversations/{sid}")
        return {
            "sid": sid,
            "conversation_sid": sid,
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "friendly_name": row.friendly_name,
            "unique_name": row.unique_name,
            "attributes": row.attributes,
            "created_by": row.created_by,
            "date_created": iso_millis(row.date_created),
            "date_updated": iso_millis(row.date_updated),
            "url": url,
            "links": {"messages": f"{url}/Messages", "participants": f"{url}/Participants"},
            "sync_objects": {
                "conversation": name(sid, View.CONVERSATION),
                "messages": name(sid, View.MESSAGES),
                "participants": name(sid, View.ROSTER),
            },
        }

    def participant(self, row: Participant) -> Body:
        """Render a participant."""
        conversation = self.url(f"/Conversations/{row.conversation_sid}")
        binding = None
        if row.address is not None:
            binding = {"type": row.type, "address": row.address, "proxy_address": row.proxy_address}
        elif row.projected_address is not None:
            binding = {"type": "sms", "projected_address": row.projected_address}
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "conversation_sid": row.conversation_sid,
            "identity": row.identity,
            "role_sid": row.role_sid,
            "attributes": row.attributes,
            "date_created": iso_millis(row.date_created),
            "date_updated": iso_millis(row.date_updated),
            "messaging_binding": binding,
            "url": f"{conversation}/Participants/{row.sid}",
            "links": {"conversation": conversation},
        }

    def message(self, row: Message) -> Body:
        """Render a message."""
        conversation = self.url(f"/Conversations/{row.conversation_sid}")
        url = f"{conversation}/Messages/{row.sid}"
        shown = ("sid", "size", "content_type", "filename", "category")
        return {
            "sid": row.sid,
            "index": row.index,
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "conversation_sid": row.conversation_sid,
            "author": row.author,
            "participant_sid": row.participant_sid,
            "body": row.body,
            "subject": row.subject,
            "attributes": row.attributes,
            "date_created": iso_millis(row.date_created),
            "date_updated": iso_millis(row.date_updated),
            "media": None if row.media is None else [{key: entry[key] for key in shown} for entry in row.media],
            "delivery": row.delivery,
            "content_sid": None if row.content is None else row.content["sid"],
            "url": url,
            "links": {"conversation": conversation, "messages_receipts": f"{url}/Receipts"},
        }

    def receipt(self, row: Receipt) -> Body:
        """Render a delivery receipt; one that the carrier has not spoken of yet is queued."""
        return {
            "sid": row.sid,
            "message_sid": row.message_sid,
            "conversation_sid": row.conversation_sid,
            "channel_message_sid": row.channel_message_sid,
            "participant_sid": row.participant_sid,
            "status": row.status or "queued",
            "error_code": row.error_code,
            "date_created": iso_millis(row.date_created),
            "date_updated": iso_millis(row.date_updated),
        }

    def user(self, row: User) -> Body:
        """Render a user with the name of the map that tells of changes."""
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "chat_service_sid": row.chat_service_sid,
            "identity": row.identity,
            "friendly_name": row.friendly_name,
            "attributes": row.attributes,
            "role_sid": row.role_sid,
            "date_created": iso_millis(row.date_created),
            "date_updated": iso_millis(row.date_updated),
            "url": self.url(f"/Users/{quote(row.identity, safe='')}"),
            "sync_objects": {"user_info_map": name(row.sid, View.USER)},
        }


def meta(next_token: str | None) -> Body:
    """Return where a list goes on; it is read forward only, and the end is a null that is there (§7.6)."""
    return {"next_token": next_token, "previous_token": None}
