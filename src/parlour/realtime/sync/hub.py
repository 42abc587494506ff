"""Who watches which object here, and the delivery of what changed since (DESIGN 2.6).

An object's changes are read after the last position that a watcher was sent, so a hint that is lost or comes twice does
not matter: the look each second finds what is left. Permission is asked after the rows were read, so that nobody hears
of what happened after they were removed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from parlour.conversations.store import changes
from parlour.kit.errors import ContractError
from parlour.outbox.wake import CHANGED, Wake
from parlour.realtime.sync import access, events
from parlour.realtime.sync.errors import forbidden, not_found
from parlour.realtime.sync.news import News, read_news
from parlour.realtime.sync.objects import SyncObject, View, of_owner
from parlour.rest.operations import Caller, Urls
from parlour.store.database import Database
from parlour.store.unit import Reader

ASKED_AT_ONCE: Final = 1000  # change numbers in one look

log = structlog.get_logger("parlour.realtime")


class Watcher(Protocol):
    """A client's socket, as far as it hears of changes."""

    @property
    def caller(self) -> Caller:
        """Return whose socket it is."""
        ...

    @property
    def urls(self) -> Urls:
        """Return the form of URLs that the client can reach."""
        ...

    def notify(self, message_type: str, payload: dict[str, Any]) -> bool:
        """Send a notification, if there is room."""
        ...

    async def deliver(self, message_type: str, payload: dict[str, Any]) -> None:
        """Send a notification after waiting for room."""
        ...


@dataclass(slots=True)
class Subscription:
    """A watcher of an object.

    :ivar position: number of the last change that was sent.
    """

    watcher: Watcher
    version: int
    position: int


@dataclass(slots=True)
class Watched:
    """An object that somebody watches here.

    :ivar joining: how many are about to watch it.
    """

    shown: SyncObject
    account_sid: str
    subscriptions: dict[Watcher, Subscription] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    joining: int = 0
    dirty: bool = False
    task: "asyncio.Task[None] | None" = None

    @property
    def behind(self) -> int:
        """Return the position of the watcher who knows least."""
        return min((each.position for each in self.subscriptions.values()), default=0)


class Hub:
    """Delivers changes to the sockets of this process."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._watched: dict[str, Watched] = {}
        self._of_owner: dict[str, set[str]] = {}
        wake.hear(CHANGED, self.hint)

    def hint(self, owner_sid: str) -> None:
        """Look at the objects of a conversation or user now."""
        for sid in self._of_owner.get(owner_sid, ()):
            self._look(self._watched[sid])

    async def establish(
        self, watcher: Watcher, shown: SyncObject, version: int, known: int | None, confirm: Callable[[int], None]
    ) -> None:
        """Replay what a client does not know, and deliver what follows.

        :param known: number of the last change that the client knows; None: no replay (§8.5).
        :param confirm: called with the number up to which the client was told everything, before newer changes are.
        :raises ContractError: 404 or 403/54007, the object or the permission went meanwhile.
        """
        start = shown.last_event_id if known is None else min(known, shown.last_event_id)
        subscription = Subscription(watcher, version, start)
        # The long part is sent while others are served; a slow reader makes only itself wait.
        while await self._replay(subscription, shown):
            pass
        watched = self._watch(shown, watcher.caller.account_sid)
        watched.joining += 1
        try:
            async with watched.lock:
                news = await self._read_for(subscription, shown)
                self._send(subscription, news)
                watched.subscriptions[watcher] = subscription
                confirm(subscription.position)
        finally:
            watched.joining -= 1
            self._drop_unwatched(watched)

    def cancel(self, watcher: Watcher, sid: str) -> None:
        """End a subscription."""
        watched = self._watched.get(sid)
        if watched is not None:
            watched.subscriptions.pop(watcher, None)
            self._drop_unwatched(watched)

    def forget(self, watcher: Watcher) -> None:
        """End all subscriptions of a socket that went."""
        for sid in [sid for sid, watched in self._watched.items() if watcher in watched.subscriptions]:
            self.cancel(watcher, sid)

    async def sweep(self) -> None:
        """Find the objects whose change number went on, and look at them."""
        by_account: dict[str, list[Watched]] = {}
        for watched in self._watched.values():
            by_account.setdefault(watched.account_sid, []).append(watched)
        for account_sid, found in by_account.items():
            numbers = await self._database.read(account_sid, _asking(found))
            for watched in found:
                if watched.subscriptions and numbers.get(watched.shown.sid) != watched.behind:
                    self._look(watched)

    def _watch(self, shown: SyncObject, account_sid: str) -> Watched:
        watched = self._watched.get(shown.sid)
        if watched is None:
            watched = self._watched[shown.sid] = Watched(shown, account_sid)
            self._of_owner.setdefault(shown.owner_sid, set()).add(shown.sid)
        return watched

    def _drop_unwatched(self, watched: Watched) -> None:
        sid, owner_sid = watched.shown.sid, watched.shown.owner_sid
        if watched.subscriptions or watched.joining or self._watched.get(sid) is not watched:
            return
        del self._watched[sid]
        self._of_owner[owner_sid].discard(sid)
        if not self._of_owner[owner_sid]:
            del self._of_owner[owner_sid]

    def _look(self, watched: Watched) -> None:
        watched.dirty = True
        if watched.task is None or watched.task.done():
            watched.task = asyncio.create_task(self._serve(watched))

    async def _serve(self, watched: Watched) -> None:
        while watched.dirty:
            watched.dirty = False
            try:
                async with watched.lock:
                    await self._deliver(watched)
            except ContractError as away:
                log.debug("changes wait for the next look", why=away.message)
            except Exception:
                log.exception("changes could not be delivered", name=watched.shown.unique_name)
        self._drop_unwatched(watched)

    async def _deliver(self, watched: Watched) -> None:
        """Send what happened to everybody who may still hear of it; the others are watchers no more."""
        more = True
        while more and watched.subscriptions:
            callers = [watcher.caller for watcher in watched.subscriptions]
            news, allowed = await self._read(watched.account_sid, watched.shown, watched.behind, callers)
            for watcher, subscription in list(watched.subscriptions.items()):
                if news is None:
                    gone = events.of_change(events.removed(watched.shown), subscription.version)
                    watcher.notify(events.MESSAGE_TYPE, gone)
                elif watcher.caller.identity in allowed:
                    self._send(subscription, news)
                    continue
                del watched.subscriptions[watcher]
            more = news is not None and news.full

    async def _replay(self, subscription: Subscription, shown: SyncObject) -> bool:
        """Send a full batch of old changes after waiting for room; False: what is left is less."""
        news = await self._read_for(subscription, shown)
        if not news.full:
            return False
        for event in news.events(subscription.watcher.urls, subscription.position):
            await subscription.watcher.deliver(events.MESSAGE_TYPE, events.of_change(event, subscription.version))
        subscription.position = news.position
        return True

    def _send(self, subscription: Subscription, news: News) -> None:
        for event in news.events(subscription.watcher.urls, subscription.position):
            subscription.watcher.notify(events.MESSAGE_TYPE, events.of_change(event, subscription.version))
        subscription.position = max(subscription.position, news.position)

    async def _read_for(self, subscription: Subscription, shown: SyncObject) -> News:
        """Return what one watcher does not know. Errors: 404, 403/54007."""
        caller = subscription.watcher.caller
        news, allowed = await self._read(caller.account_sid, shown, subscription.position, [caller])
        if news is None:
            raise not_found(shown.type, shown.sid)
        if caller.identity not in allowed:
            raise forbidden(shown.unique_name)
        return news

    async def _read(
        self, account_sid: str, shown: SyncObject, position: int, callers: list[Caller]
    ) -> tuple[News | None, set[str]]:
        """Return what changed after a position (None: the object is gone), and then who may hear of it."""

        async def work(reader: Reader) -> tuple[News | None, set[str]]:
            fresh = await of_owner(reader, shown.owner_sid, shown.view)
            if fresh is None:
                return None, set()
            news = await read_news(reader, fresh, position)
            return news, await access.readers(reader, fresh, callers)

        return await self._database.read(account_sid, work)


def _asking(found: list[Watched]) -> Callable[[Reader], Awaitable[dict[str, int]]]:
    """Return a look at the change numbers of objects, which returns them by SID."""

    async def work(reader: Reader) -> dict[str, int]:
        owners = list(dict.fromkeys(watched.shown.owner_sid for watched in found))
        conversations: dict[str, tuple[int, int, int]] = {}
        users: dict[str, tuple[int, int]] = {}
        for begin in range(0, len(owners), ASKED_AT_ONCE):
            part = owners[begin : begin + ASKED_AT_ONCE]
            conversations |= await changes.conversation_numbers(reader, [sid for sid in part if sid[:2] == "CH"])
            users |= await changes.user_numbers(reader, [sid for sid in part if sid[:2] == "US"])
        places = {View.CONVERSATION: 0, View.MESSAGES: 1, View.ROSTER: 2, View.USER: 0, View.CONVERSATIONS: 1}
        numbers = {**conversations, **users}
        return {
            watched.shown.sid: numbers[watched.shown.owner_sid][places[watched.shown.view]]
            for watched in found
            if watched.shown.owner_sid in numbers
        }

    return work
