"""Rows of attachment limits, and of the conversations that have them."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from typing import Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork


class Limits(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `attachment_limit`; sizes in bytes, extensions in lower case without dot."""

    address_type: str
    chat_service_sid: str
    enabled: bool
    number_of_attachments: int
    max_file_size: int
    max_total_file_size: int
    accepted_extensions: list[str]


COLUMNS: Final = ", ".join(Limits.__struct_fields__)
CLEAR: Final = "DELETE FROM attachment_limit WHERE account_sid = $1"
INSERT: Final = f"INSERT INTO attachment_limit (account_sid, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
OF_CONVERSATION: Final = f"""
SELECT s.address_type AS scope, {", ".join(f"l.{name}" for name in Limits.__struct_fields__)}
FROM attachment_scope AS s
LEFT JOIN attachment_limit AS l ON l.account_sid = s.account_sid AND l.address_type = s.address_type
WHERE s.account_sid = $1 AND s.conversation_sid = $2"""
OF_SERVICE: Final = f"SELECT {COLUMNS} FROM attachment_limit WHERE account_sid = $1 AND chat_service_sid = $2"
SET_SCOPE: Final = """
INSERT INTO attachment_scope (account_sid, conversation_sid, address_type) VALUES ($1, $2, $3)
ON CONFLICT (account_sid, conversation_sid) DO UPDATE SET address_type = $3"""


async def replace(uow: UnitOfWork, rows: list[Limits]) -> None:
    """Write the limits of an account in the place of those before."""
    await uow.execute(CLEAR, uow.account_sid)
    for row in rows:
        await uow.execute(INSERT, uow.account_sid, *msgspec.structs.astuple(row))


async def of_conversation(reader: Reader, conversation_sid: str) -> tuple[str, Limits | None] | None:
    """Return the address type of a conversation and its limits, None for a conversation without."""
    record = await reader.fetchrow(OF_CONVERSATION, reader.account_sid, conversation_sid)
    if record is None:
        return None
    values = dict(record)
    scope = values.pop("scope")
    return scope, None if values["address_type"] is None else Limits(**values)


async def of_service(reader: Reader, chat_service_sid: str) -> list[Limits]:
    """Return all limits of a service."""
    return [Limits(**record) for record in await reader.fetch(OF_SERVICE, reader.account_sid, chat_service_sid)]


def set_scope(uow: UnitOfWork, conversation_sid: str, address_type: str) -> None:
    """Give a conversation the limits of an address type with the last statement of the unit."""
    uow.defer(SET_SCOPE, uow.account_sid, conversation_sid, address_type)
