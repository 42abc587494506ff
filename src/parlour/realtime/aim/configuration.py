"""What a client asks first: its user, its limits, and where everything is (realtime-protocol.md §7.1)."""

from typing import Any, Final
from urllib.parse import quote

from parlour.conversations.files import MEDIA_MAX
from parlour.conversations.store.services import Service
from parlour.conversations.store.users import User
from parlour.realtime.aim.render import Renderer
from parlour.realtime.sync.objects import View, name
from parlour.rest.operations import Urls

PAGE: Final = 100  # conversations of a page
ATTACHMENTS: Final = 10  # of one message
_MEGABYTE: Final = 1024 * 1024
_TEXTS: Final = ["text/plain", "text/html"]

# A cache of half a second would show stale unread counts (§14, 10).
OPTIONS: Final[dict[str, Any]] = {
    "consumption_report_interval": "PT5S",
    "http_cache_interval": "PT0S",
    "user_infos_to_subscribe": 100,
    "my_conversations_page_size": PAGE,
    "media_attachments_count_limit": ATTACHMENTS,
    "media_attachment_size_limit_in_mb": MEDIA_MAX // _MEGABYTE,
    "media_attachments_total_size_limit_in_mb": MEDIA_MAX // _MEGABYTE,
    "email_bodies_allowed_mime_types": _TEXTS,
    "email_histories_allowed_mime_types": _TEXTS,
}


def body(urls: Urls, service: Service, user: User) -> dict[str, Any]:
    """Return the configuration of a client."""
    render = Renderer(urls)
    media = f"/v1/Services/{service.sid}"
    return {
        "identity": user.identity,
        "url": render.url("/Configuration"),
        "options": {**OPTIONS, "reachability_enabled": service.reachability_enabled},
        "sync_objects": {
            "my_conversations": name(user.sid, View.CONVERSATIONS),
            "my_user_info": name(user.sid, View.USER),
        },
        "links": {
            "my_conversations": render.url("/MyConversations"),
            "conversations": render.url("/Conversations"),
            "users": render.url("/Users"),
            "current_user": render.url(f"/Users/{quote(user.identity, safe='')}"),
            "typing": render.url("/Typing"),
            "media_service": urls.of("mcs", f"{media}/Media"),
            "media_set_service": urls.of("mcs", f"{media}/MediaSet"),
            "messages_receipts": render.url("/Conversations/%s/Messages/%s/Receipts"),
        },
    }
