"""Rows of attachment limits."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from collections.abc import Sequence
from typing import Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork


class Limits(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `attachment_limit`; sizes in bytes.

    :ivar address_type: `web`, `sms`, `whatsapp`, `messenger` and so on.
    :ivar accepted_extensions: without dots, in lower case.
    """

    account_sid: str
    address_type: str
    enabled: bool
    number_of_attachments: int
    max_file_size: int
    max_total_file_size: int
    accepted_extensions: list[str]


COLUMNS: Final = ", ".join(Limits.__struct_fields__)
DELETE: Final = "DELETE FROM attachment_limit WHERE account_sid = $1"
INSERT: Final = f"INSERT INTO attachment_limit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
OF_TYPES: Final = f"""
SELECT {COLUMNS} FROM attachment_limit WHERE account_sid = $1 AND address_type = ANY($2) ORDER BY address_type"""


async def replace(uow: UnitOfWork, rows: Sequence[Limits]) -> None:
    """Put these rows in place of all that the account has."""
    await uow.execute(DELETE, uow.account_sid)
    for row in rows:
        await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def of_types(reader: Reader, types: Sequence[str]) -> list[Limits]:
    """Return the limits of some channels, as far as the account has set them."""
    return [Limits(**row) for row in await reader.fetch(OF_TYPES, reader.account_sid, list(types))]
