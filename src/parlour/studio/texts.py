"""Texts whose webhook is a flow's own address: the flow takes them itself (studio.md §5.7)."""

import re
from typing import Final
from urllib.parse import urlsplit

from parlour.kit.errors import ContractError
from parlour.messaging.residents import RESIDENTS, Text
from parlour.messaging.twiml import TwimlError
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import executions, flows

FLOW_URL: Final = re.compile(r"/v1/Accounts/(AC[0-9a-f]{32})/Flows/(FW[0-9a-f]{32})/?\Z")


def _flow_of(reader: Reader, url: str) -> str | None:
    """Return the flow that an address names in this account, whatever its host: SIDs are nobody else's."""
    try:
        found = FLOW_URL.search(urlsplit(url).path)
    except ValueError:
        return None
    return found[2] if found is not None and found[1] == reader.account_sid else None


class FlowTexts:
    """Flows as those who answer texts."""

    async def owns(self, reader: Reader, url: str) -> bool:
        """Say whether an address is that of a flow of this account."""
        flow_sid = _flow_of(reader, url)
        return flow_sid is not None and await flows.exists(reader, flow_sid)

    async def take(self, uow: UnitOfWork, url: str, text: Text) -> TwimlError | None:
        """Feed a text to the flow of an address; too many new executions a second are 20429."""
        flow_sid = _flow_of(uow, url)
        if flow_sid is None:
            raise AssertionError("unreachable: the address is a flow's")
        try:
            async with uow.attempt():
                await executions.receive_text(uow, flow_sid, text)
        except ContractError as refusal:
            return TwimlError(refusal.code, refusal.message)
        return None


FLOW_TEXTS: Final = FlowTexts()


def move_in() -> None:
    """Have flows answer the texts whose webhook names them."""
    if FLOW_TEXTS not in RESIDENTS:
        RESIDENTS.append(FLOW_TEXTS)
