"""Who watches which object here, and the delivery of what changed since (DESIGN 2.6).

An object's changes are read after the last position that a watcher was sent, so a hint that is lost or comes twice does
not matter: the look each second finds what is left. Permission is asked after the rows were read, so that nobody hears
of what happened after they were removed.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

import structlog

from parlour.conversations.store import changes
from parlour.kit.errors import ContractError
from parlour.outbox.wake import CHANGED, Wake
from parlour.realtime.sync import access, events
from parlour.realtime.sync.errors import forbidden, not_found
from parlour.realtime.sync.news import BATCH, News, read_news
from parlour.realtime.sync.objects import SyncObject, View, of_owner
from parlour.rest.operations import Caller, Urls
from parlour.store.database import Database
from parlour.store.unit import Reader

ASKED_AT_ONCE: Final = 1000  # change numbers in one look
ORDER: Final = (View.MESSAGES, View.ROSTER, View.CONVERSATION, View.CONVERSATIONS, View.USER)

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
    subscriptions: dict[Watcher, Subscription] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    joining: int = 0

    @property
    def behind(self) -> int:
        """Return the position of the watcher who knows least."""
        return min((each.position for each in self.subscriptions.values()), default=0)


@dataclass(slots=True)
class Owner:
    """A conversation or user whose objects are watched here; one look serves all of them.

    :ivar dirty: somebody said that there is something new.
    """

    sid: str
    account_sid: str
    watched: dict[View, Watched] = field(default_factory=dict)
    dirty: bool = False
    task: "asyncio.Task[None] | None" = None

    def changed(self, numbers: dict[View, int] | None) -> bool:
        """Tell whether somebody does not know what these numbers count; None: the owner is gone."""
        return any(
            each.subscriptions and (numbers is None or numbers[view] != each.behind)
            for view, each in self.watched.items()
        )


class Hub:
    """Delivers changes to the sockets of this process."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._owners: dict[str, Owner] = {}
        wake.hear(CHANGED, self.hint)

    def hint(self, owner_sid: str) -> None:
        """Look at the objects of a conversation or user now."""
        owner = self._owners.get(owner_sid)
        if owner is not None:
            self._look(owner)

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
        if shown.last_event_id - start >= BATCH:
            while await self._replay(subscription, shown):
                pass
        owner, watched = self._watch(shown, watcher.caller.account_sid)
        watched.joining += 1
        try:
            async with watched.lock:
                news = await self._read_for(subscription, shown)
                self._send(subscription, news)
                watched.subscriptions[watcher] = subscription
                confirm(subscription.position)
        finally:
            watched.joining -= 1
            self._drop_unwatched(owner)

    def cancel(self, watcher: Watcher, sids: Collection[str]) -> None:
        """End the subscriptions of a watcher to these objects."""
        self._end(watcher, lambda watched: watched.shown.sid in sids)

    def forget(self, watcher: Watcher) -> None:
        """End all subscriptions of a socket that went."""
        self._end(watcher, lambda _watched: True)

    def _end(self, watcher: Watcher, meant: Callable[[Watched], bool]) -> None:
        for owner in list(self._owners.values()):
            ended = [each for each in owner.watched.values() if watcher in each.subscriptions and meant(each)]
            for watched in ended:
                del watched.subscriptions[watcher]
            if ended:
                self._drop_unwatched(owner)

    async def sweep(self) -> None:
        """Find the owners whose change numbers went on, and look at them."""
        by_account: dict[str, list[Owner]] = {}
        for owner in self._owners.values():
            by_account.setdefault(owner.account_sid, []).append(owner)
        for account_sid, owners in by_account.items():
            sids = [owner.sid for owner in owners]
            numbers = await self._database.read(account_sid, partial(change_numbers, owner_sids=sids))
            for owner in owners:
                if owner.changed(numbers.get(owner.sid)):
                    self._look(owner)

    async def settle(self) -> None:
        """Wait until every look that was begun has ended."""
        while tasks := [each.task for each in self._owners.values() if each.task is not None and not each.task.done()]:
            await asyncio.gather(*tasks)

    @property
    def watching(self) -> int:
        """Return how many objects are watched here."""
        return sum(len(owner.watched) for owner in self._owners.values())

    def _watch(self, shown: SyncObject, account_sid: str) -> tuple[Owner, Watched]:
        owner = self._owners.get(shown.owner_sid)
        if owner is None:
            owner = self._owners[shown.owner_sid] = Owner(shown.owner_sid, account_sid)
        watched = owner.watched.get(shown.view)
        if watched is None:
            watched = owner.watched[shown.view] = Watched(shown)
        return owner, watched

    def _drop_unwatched(self, owner: Owner) -> None:
        for view, watched in list(owner.watched.items()):
            if not watched.subscriptions and not watched.joining:
                del owner.watched[view]
        if not owner.watched and self._owners.get(owner.sid) is owner:
            del self._owners[owner.sid]

    def _look(self, owner: Owner) -> None:
        owner.dirty = True
        if owner.task is None or owner.task.done():
            owner.task = asyncio.create_task(self._serve(owner))

    async def _serve(self, owner: Owner) -> None:
        while owner.dirty:
            owner.dirty = False
            try:
                await self._deliver_all(owner)
            except ContractError as away:
                log.debug("changes wait for the next look", why=away.message)
            except Exception:
                log.exception("changes could not be delivered", owner=owner.sid)
        self._drop_unwatched(owner)

    async def _deliver_all(self, owner: Owner) -> None:
        """Send what changed of an owner's objects, messages before the document that names the last of them."""
        views = await self._database.read(owner.account_sid, lambda reader: of_owner(reader, owner.sid))
        for view in ORDER:
            watched = owner.watched.get(view)
            if watched is None:
                continue
            async with watched.lock:
                if views is None:
                    self._say_removed(watched)
                elif watched.subscriptions and views[view].last_event_id != watched.behind:
                    await self._deliver(owner, watched)

    def _say_removed(self, watched: Watched) -> None:
        for watcher, subscription in watched.subscriptions.items():
            gone = events.of_change(events.removed(watched.shown), subscription.version)
            watcher.notify(events.MESSAGE_TYPE, gone)
        watched.subscriptions.clear()

    async def _deliver(self, owner: Owner, watched: Watched) -> None:
        """Send what happened to everybody who may still hear of it; the others are watchers no more."""
        more = True
        while more and watched.subscriptions:
            watchers = list(watched.subscriptions)
            callers = [watcher.caller for watcher in watchers]
            news, allowed = await self._read(owner.account_sid, watched.shown, watched.behind, callers)
            if news is None:
                self._say_removed(watched)
                return
            for watcher, may_hear in zip(watchers, allowed, strict=True):
                subscription = watched.subscriptions.get(watcher)
                if subscription is not None and may_hear:
                    self._send(subscription, news)
                else:
                    watched.subscriptions.pop(watcher, None)
            more = news.full

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
        if not all(allowed):
            raise forbidden(shown.unique_name)
        return news

    async def _read(
        self, account_sid: str, shown: SyncObject, position: int, callers: list[Caller]
    ) -> tuple[News | None, list[bool]]:
        """Return what changed after a position (None: the object is gone), and then who may hear of it."""

        async def work(reader: Reader) -> tuple[News | None, list[bool]]:
            views = await of_owner(reader, shown.owner_sid)
            if views is None:
                return None, []
            fresh = views[shown.view]
            news = await read_news(reader, fresh, position)
            return news, await access.may_all_read(reader, fresh, callers)

        return await self._database.read(account_sid, work)


async def change_numbers(reader: Reader, owner_sids: list[str]) -> dict[str, dict[View, int]]:
    """Return the change numbers of conversations and users that are there, by SID and view."""
    found: dict[str, dict[View, int]] = {}
    for begin in range(0, len(owner_sids), ASKED_AT_ONCE):
        part = owner_sids[begin : begin + ASKED_AT_ONCE]
        conversations = await changes.conversation_numbers(reader, [sid for sid in part if sid[:2] == "CH"])
        for sid, (document, messages, roster) in conversations.items():
            found[sid] = {View.CONVERSATION: document, View.MESSAGES: messages, View.ROSTER: roster}
        users = await changes.user_numbers(reader, [sid for sid in part if sid[:2] == "US"])
        for sid, (user, own) in users.items():
            found[sid] = {View.USER: user, View.CONVERSATIONS: own}
    return found
