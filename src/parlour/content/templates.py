"""Content templates: made once, sent with values for their variables, approved for WhatsApp."""

import re
from collections.abc import Mapping
from typing import Any, Final

from parlour.content import errors, rendering, schemas, store
from parlour.content.rendering import Rendered
from parlour.content.store import Content
from parlour.kit.sids import is_sid
from parlour.kit.wire import decode_json
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Content", "Rendered", "create", "decide", "fetch", "named", "remove", "rendered", "submit", "values"]

LANGUAGE: Final = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{2,4})?")
NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
CATEGORIES: Final = ("UTILITY", "MARKETING", "AUTHENTICATION")
STATUSES: Final = ("received", "approved", "rejected", "paused", "disabled")


async def create(
    uow: UnitOfWork,
    *,
    language: str,
    types: dict[str, dict[str, Any]],
    friendly_name: str = "",
    variables: dict[str, str] | None = None,
) -> Content:
    """Make a template. Error: 20001, its language, name or a type is malformed."""
    if LANGUAGE.fullmatch(language) is None:
        raise invalid_parameter("language", "a code such as en or en_US")
    if len(friendly_name) > schemas.NAME_MAX:
        raise invalid_parameter("friendly_name", f"at most {schemas.NAME_MAX} characters")
    schemas.check_types(types)
    row = Content(
        account_sid=uow.account_sid,
        sid=uow.new_sid("HX"),
        friendly_name=friendly_name,
        language=language,
        variables=variables or {},
        types=types,
        approval=None,
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert(uow, row)
    return row


async def fetch(reader: Reader, sid: str) -> Content:
    """Return a template. Error: 404/20404."""
    row = await store.fetch(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Delete a template; messages that were made of it stay. Error: 404/20404."""
    if not await store.delete(uow, sid):
        raise not_found(sid)


async def submit(
    uow: UnitOfWork,
    sid: str,
    *,
    name: str,
    category: str,
    allow_category_change: bool = True,
    send_ttl: int | None = None,
) -> dict[str, Any]:
    """Submit a template for WhatsApp's approval and return the request, status `received`; `send_ttl` in seconds.

    Errors: 404/20404; 20001 name or category; 409/20409 it is submitted already and was not rejected.
    """
    row = await _locked(uow, sid)
    if NAME.fullmatch(name) is None:
        raise invalid_parameter("name", "lower-case letters, digits and underscores")
    if category.upper() not in CATEGORIES:
        raise invalid_parameter("category", f"one of {', '.join(CATEGORIES)}")
    if row.approval is not None and row.approval["status"] != "rejected":
        raise errors.approval_exists(sid)
    return await _approve(
        uow,
        row,
        {
            "name": name,
            "category": category.upper(),
            "content_type": next(iter(row.types)),
            "status": "received",
            "rejection_reason": "",
            "allow_category_change": allow_category_change,
            "send_ttl_seconds": send_ttl,
        },
    )


async def decide(uow: UnitOfWork, sid: str, status: str, *, reason: str = "") -> dict[str, Any]:
    """Write what became of a request for approval. Errors: 404/20404, nothing was submitted; 20001 status."""
    row = await _locked(uow, sid)
    if row.approval is None:
        raise not_found(f"{sid}/ApprovalRequests")
    if status not in STATUSES:
        raise invalid_parameter("status", f"one of {', '.join(STATUSES)}")
    return await _approve(uow, row, {**row.approval, "status": status, "rejection_reason": reason})


async def _locked(uow: UnitOfWork, sid: str) -> Content:
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    return row


async def _approve(uow: UnitOfWork, row: Content, approval: dict[str, Any]) -> dict[str, Any]:
    row.approval, row.date_updated = approval, uow.now
    await store.set_approval(uow, row)
    return approval


def values(text: str | None) -> dict[str, str]:
    """Read `ContentVariables`, a JSON object of texts. Raises ValueError."""
    if not text:
        return {}
    given = decode_json(text)
    if not isinstance(given, dict) or any(isinstance(value, dict | list) for value in given.values()):
        raise ValueError("not an object of texts")
    return {name: "" if value is None else str(value) for name, value in given.items()}


async def named(reader: Reader, sid: str) -> Content | None:
    """Return the template of the account that a message names, None if there is none."""
    return await store.fetch(reader, sid) if is_sid(sid, "HX") else None


def rendered(content: Content, variables: Mapping[str, str]) -> Rendered | None:
    """Return what a template says with these values; None where no conversation can send a type of it."""
    return rendering.render(content, variables)
