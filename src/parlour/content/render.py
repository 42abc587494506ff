"""Wire shapes of content templates."""

from typing import Any

from parlour.content.store import Content
from parlour.kit.wire import iso
from parlour.rest.operations import Urls

Wire = dict[str, Any]


def _common(row: Content) -> Wire:
    return {
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "sid": row.sid,
        "account_sid": row.account_sid,
        "friendly_name": row.friendly_name,
        "language": row.language,
        "variables": row.variables,
        "types": row.types,
    }


def content(row: Content, urls: Urls) -> Wire:
    """Render a template."""
    url = urls.of("content", f"/v1/Content/{row.sid}")
    links = {"approval_create": f"{url}/ApprovalRequests/whatsapp", "approval_fetch": f"{url}/ApprovalRequests"}
    return {**_common(row), "url": url, "links": links}


def with_approval(row: Content) -> Wire:
    """Render a template with what became of its approval."""
    return {**_common(row), "approval_requests": row.approval or {}}


def approvals(row: Content, urls: Urls) -> Wire:
    """Render what became of a template's approval."""
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "whatsapp": {"type": "whatsapp", **(row.approval or {"status": "unsubmitted"})},
        "url": urls.of("content", f"/v1/Content/{row.sid}/ApprovalRequests"),
    }
