"""Somebody else in the agent's conversation: the official Conversations SDK, in a process of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from tests.conftest import LiveServer
from tests.realtime.driver import Driver

VERSION = "conversations-3"
PATIENCE = 60  # seconds


class Colleague:
    """A client of the SDK that is a participant of one conversation, for callers that have no event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, driver: Driver, identity: str, sid: str) -> None:
        self._loop = loop
        self._driver = driver
        self._identity = identity
        self._sid = sid

    def types(self) -> None:
        """Say that the colleague types."""
        self._ask(self._driver.call("typing", self._identity, sid=self._sid))

    def hears(self, event: str, **wanted: Any) -> Any:
        """Wait until the client says that something happened, and return what."""
        return self._ask(self._driver.call("until", self._identity, event=event, wanted=wanted))

    def says(self, body: str) -> None:
        """Send a message."""
        self._ask(self._driver.call("send", self._identity, sid=self._sid, body=body))

    def reads(self) -> list[str] | None:
        """Return what the conversation shows them, from its start; None: their client does not know it."""
        shown = self._ask(self._driver.call("snapshot", self._identity))
        return next(([said["body"] for said in each["messages"]] for each in shown if each["sid"] == self._sid), None)

    def heard(self) -> list[str]:
        """Return the messages that came while they were connected."""
        return [
            message["body"] for message in self._ask(self._driver.call("events", self._identity, event="messageAdded"))
        ]

    def _ask(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)


@contextlib.contextmanager
def colleague(
    server: LiveServer, conversation_sid: str, identity: str, folder: Path, *, there: bool = False
) -> Iterator[Colleague]:
    """Add somebody to a conversation, where they are not ``there`` already, and connect their client."""
    api = server.client()
    conversation = api.conversations.v1.conversations(conversation_sid)
    if not there:
        conversation.participants.create(identity=identity)
    key = api.new_keys.create(friendly_name="colleague")
    token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity=identity)
    token.add_grant(ChatGrant(service_sid=conversation.fetch().chat_service_sid))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def ask(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE)

    try:
        driver = ask(Driver.start(VERSION, folder))
        uri = server.url.replace("http", "ws", 1) + "/tsock/v3/wsconnect"
        ask(driver.call("connect", identity, token=str(token.to_jwt()), uri=uri))
        yield Colleague(loop, driver, identity, conversation_sid)
        ask(driver.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
