"""Typing: a hint to the other participants, never stored (realtime-protocol.md §10)."""

import asyncio
from typing import Final

import structlog

from parlour.accounts import grants
from parlour.conversations.store import changes
from parlour.kit.errors import ContractError
from parlour.kit.wire import decode_json, json_text
from parlour.outbox.wake import Wake
from parlour.realtime.twilsock.socket import Socket
from parlour.realtime.twilsock.sockets import Sockets
from parlour.store.database import Database

SECONDS: Final = 5  # for which a typist is silent afterwards
LATENCY: Final = 1  # seconds that listeners add
SUBJECT: Final = "typing"
MESSAGE_TYPE: Final = "twilio.ipmsg.typing_indicator"

log = structlog.get_logger("parlour.realtime")


class Typing:
    """Tells who is typing to the sockets of the other participants, in every process."""

    def __init__(self, sockets: Sockets, database: Database, wake: Wake) -> None:
        self._sockets = sockets
        self._database = database
        self._wake = wake
        self._telling: set[asyncio.Task[None]] = set()
        wake.hear(SUBJECT, self._heard)

    def say(self, account_sid: str, chat_service_sid: str, conversation_sid: str, identity: str) -> None:
        """Tell everybody else in a conversation that somebody types."""
        self._wake.say(SUBJECT, json_text([account_sid, chat_service_sid, conversation_sid, identity]))

    def _heard(self, body: str) -> None:
        account_sid, chat_service_sid, conversation_sid, identity = decode_json(body)
        others = [
            socket
            for socket in self._sockets.of_account(account_sid)
            if socket.caller.identity != identity and _serves(socket, chat_service_sid)
        ]
        if others:
            task = asyncio.create_task(self._tell(others, account_sid, conversation_sid, identity))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, others: list[Socket], account_sid: str, conversation_sid: str, identity: str) -> None:
        names = [grants.identity(socket.caller) for socket in others]
        try:
            present = await self._database.read(
                account_sid, lambda reader: changes.identities_in(reader, conversation_sid, names)
            )
        except ContractError as away:
            log.debug("typing was not told", why=away.message)
            return
        payload = {"channel_sid": conversation_sid, "identity": identity, "typing_timeout": SECONDS + LATENCY}
        for socket in others:
            if socket.caller.identity in present:
                socket.notify(MESSAGE_TYPE, payload)


def _serves(socket: Socket, chat_service_sid: str) -> bool:
    grant = socket.caller.grants.get("chat")
    return isinstance(grant, dict) and grant.get("service_sid") == chat_service_sid
