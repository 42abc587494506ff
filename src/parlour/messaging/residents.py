"""Floors of this program that answer texts themselves: what they stand for is not called over HTTP.

A text has one answerer: whoever the webhook names when its turn comes, a resident or an address out there.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from parlour.messaging.twiml import TwimlError
from parlour.store.unit import Reader, UnitOfWork


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text that came in.

    :ivar ours: our side of the pair: the messaging service whose webhook is asked, else the number.
    :ivar parameters: what a webhook would be told of it.
    """

    sid: str
    sender: str
    ours: str
    parameters: Mapping[str, str]


class Resident(Protocol):
    """One floor that answers texts."""

    async def owns(self, reader: Reader, url: str) -> bool:
        """Say whether an address stands for something of this floor and account."""
        ...

    async def take(self, uow: UnitOfWork, url: str, text: Text) -> TwimlError | None:
        """Take a text; return why it cannot be taken, None where all is well."""
        ...


RESIDENTS: Final[list[Resident]] = []
"""Floors put themselves in when the program is composed."""


async def at(reader: Reader, url: str) -> Resident | None:
    """Return the floor that an address stands for, None where it is somebody's out there."""
    for resident in RESIDENTS:
        if await resident.owns(reader, url):
            return resident
    return None
