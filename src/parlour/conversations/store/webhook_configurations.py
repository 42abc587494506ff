"""Webhooks of the account and of services: their rows, and who of them listens to a conversation."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork

ACCOUNT: Final = ""  # stands for the account where a service's SID stands otherwise


class WebhookConfiguration(msgspec.Struct, kw_only=True):
    """A row of `webhook_configuration`.

    :ivar chat_service_sid: `ACCOUNT` for the account's.
    :ivar configured: a URL is set; a service's then takes the place of the account's.
    :ivar listener: its entry among the listeners, None where it hears nothing afterwards.
    """

    account_sid: str
    chat_service_sid: str
    method: str = "POST"
    filters: list[str] = msgspec.field(default_factory=list)
    pre_webhook_url: str | None = None
    post_webhook_url: str | None = None
    target: str = "webhook"
    configured: bool = False
    listener: dict[str, Any] | None = None
    date_updated: datetime | None = None


COLUMNS: Final = ", ".join(WebhookConfiguration.__struct_fields__)

FETCH: Final = f"SELECT {COLUMNS} FROM webhook_configuration WHERE account_sid = $1 AND chat_service_sid = $2"
LOCK: Final = FETCH + " FOR UPDATE"
PUT: Final = f"""
INSERT INTO webhook_configuration ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (account_sid, chat_service_sid) DO UPDATE SET method = $3, filters = $4, pre_webhook_url = $5,
    post_webhook_url = $6, target = $7, configured = $8, listener = $9, date_updated = $10"""
# For other statements: the listener of a service's conversations beside their scoped webhooks.
LISTENER: Final = """(
    SELECT w.listener FROM webhook_configuration w
    WHERE w.account_sid = $1 AND w.configured AND w.chat_service_sid IN ('', {service})
    ORDER BY w.chat_service_sid DESC LIMIT 1)"""
LISTENER_OF_SERVICE: Final = f"SELECT {LISTENER.format(service='$2')}"


async def fetch(reader: Reader, chat_service_sid: str) -> WebhookConfiguration | None:
    """Return the webhooks of a service or the account, None if they were never set."""
    record = await reader.fetchrow(FETCH, reader.account_sid, chat_service_sid)
    return None if record is None else WebhookConfiguration(**record)


async def lock(uow: UnitOfWork, chat_service_sid: str) -> WebhookConfiguration | None:
    """Lock the webhooks of a service or the account."""
    record = await uow.fetchrow(LOCK, uow.account_sid, chat_service_sid)
    return None if record is None else WebhookConfiguration(**record)


async def put(uow: UnitOfWork, row: WebhookConfiguration) -> None:
    """Write the webhooks of a service or the account."""
    await uow.execute(PUT, *msgspec.structs.astuple(row))


async def listener(reader: Reader, chat_service_sid: str) -> dict[str, Any] | None:
    """Return who hears of a service beside scoped webhooks."""
    found: dict[str, Any] | None = await reader.fetchval(LISTENER_OF_SERVICE, reader.account_sid, chat_service_sid)
    return found
