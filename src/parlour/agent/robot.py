"""Robots: agents that accept everything, answer each customer message with a numbered line, and complete.

A robot keeps no record of its own: whether a message is answered is read from the conversation itself, so that an
answer whose fate a broken connection hid is neither lost nor sent twice.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from parlour.agent import takeover
from parlour.agent.calls import Calls, Refused
from parlour.agent.words import (
    AVAILABLE,
    OFFLINE,
    WORKSPACE,
    NoDesk,
    Work,
    choose_activity,
    identity_of,
    read_object,
    worker_attributes,
)

PAGE: Final = 50
LEAVE: Final = 3.0  # seconds for going Offline at the end
UNREACHABLE: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True)
class Habits:
    """What robots do.

    :ivar answer: False: accept and stay silent.
    :ivar complete_after: answers after which the task is completed; 0 completes at once, None never.
    :ivar keyword: a customer's text that completes the task, in any case; empty: none does.
    :ivar poll: seconds between two looks.
    :ivar stay: seconds between two looks at the own activity.
    :ivar capacity: tasks at once on each task channel; None leaves the worker as it is.
    :ivar stand_back: leave the worker alone while a person has taken it over.
    :ivar give_way: take nothing new while another worker is available.
    """

    answer: bool = True
    complete_after: int | None = None
    keyword: str = "bye"
    poll: float = 0.5
    stay: float = 2.0
    capacity: int | None = None
    stand_back: bool = False
    give_way: bool = False


@dataclass
class Books:
    """What robots did, for benches and tests. counts: accepted, answered, completed, refused, unreachable."""

    counts: Counter[str] = field(default_factory=Counter)

    def note(self, what: str) -> None:
        """Count one."""
        self.counts[what] += 1


@dataclass
class _Chat:
    reservation_sid: str
    work: Work
    first: int | None = None  # index of the first message to be answered
    look_again: float = 0.0  # when to ask whether somebody else ended it


class Robot:
    """One worker that works by itself.

    :param say: told what happened, in lines for a person.
    """

    def __init__(
        self, calls: Calls, workspace_sid: str, name: str, habits: Habits, books: Books, say: Callable[[str], None]
    ) -> None:
        self._calls = calls
        self._space = f"/taskrouter/v1/Workspaces/{workspace_sid}"
        self._name = name
        self._habits = habits
        self._books = books
        self._say = say
        self._worker = ""
        self._identity = name
        self._available = ""
        self._offline = ""
        self._chats: dict[str, asyncio.Task[None]] = {}
        self._stood_back = False

    async def run(self) -> None:
        """Work until canceled; what cannot be reached is tried again."""
        await self._insist(self._prepare)
        next_stay = 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                try:
                    if began >= next_stay:
                        next_stay = began + self._habits.stay
                        await self._stay()
                        if not self._stood_back:
                            await self._take_up()
                    if not self._stood_back:
                        await self._take()
                except Refused as error:
                    self._books.note("refused")
                    self._say(f"{self._name}: {error}")
                except UNREACHABLE:
                    self._books.note("unreachable")
                await asyncio.sleep(max(self._habits.poll - (loop.time() - began), 0.01))
        finally:
            for task in self._chats.values():
                task.cancel()
            await asyncio.gather(*self._chats.values(), return_exceptions=True)

    async def leave(self) -> None:
        """Set Offline, unless a person has taken the worker over; what cannot be reached stays as it is."""
        if not self._worker or self._stood_back:
            return
        try:
            await asyncio.wait_for(self._calls.post(self._worker, ActivitySid=self._offline), LEAVE)
        except (Refused, *UNREACHABLE):
            self._books.note("unreachable")

    async def _insist(self, work: Callable[[], Any]) -> None:
        while True:
            try:
                await work()
            except UNREACHABLE:
                await asyncio.sleep(self._habits.poll)
            except Refused as error:
                if error.status < 500:
                    raise
                await asyncio.sleep(self._habits.poll)
            else:
                return

    async def _prepare(self) -> None:
        found = await self._calls.get(f"{self._space}/Workers", FriendlyName=self._name)
        if found["workers"]:
            worker = found["workers"][0]
        else:
            attributes = json.dumps(worker_attributes(self._name))
            worker = await self._calls.post(f"{self._space}/Workers", FriendlyName=self._name, Attributes=attributes)
        self._worker = f"{self._space}/Workers/{worker['sid']}"
        self._identity = identity_of(read_object(worker["attributes"]), self._name)
        listed = await self._calls.get(f"{self._space}/Activities", PageSize=100)
        activities = [(a["sid"], a["friendly_name"], bool(a["available"])) for a in listed["activities"]]
        self._available = choose_activity(activities, AVAILABLE, available=True)
        self._offline = choose_activity(activities, OFFLINE, available=False)
        if self._habits.capacity is not None:
            channels = await self._calls.get(f"{self._worker}/Channels", PageSize=100)
            for channel in channels["channels"]:
                await self._calls.post(f"{self._worker}/Channels/{channel['sid']}", Capacity=self._habits.capacity)

    async def _stay(self) -> None:
        """Stand back for a person, and be available otherwise (a reservation's time-out sets Offline)."""
        worker = await self._calls.get(self._worker)
        person = self._habits.stand_back and takeover.taken(read_object(worker["attributes"]), datetime.now(UTC))
        if person != self._stood_back:
            self._say(f"{self._name}: {'a person answers now' if person else 'the robot answers again'}")
        self._stood_back = person
        wanted = not (self._habits.give_way and await self._somebody_else())
        if not person and worker["available"] != wanted:
            await self._calls.post(self._worker, ActivitySid=self._available if wanted else self._offline)

    async def _somebody_else(self) -> bool:
        """Say whether another worker is available."""
        found = await self._calls.get(f"{self._space}/Workers", Available="true", PageSize=PAGE)
        return any(not self._worker.endswith(worker["sid"]) for worker in found["workers"])

    async def _take(self) -> None:
        """Accept what is offered."""
        await asyncio.gather(*(self._accept(row) for row in await self._reservations("pending")))

    async def _take_up(self) -> None:
        """Serve what was accepted before: by an earlier robot, by a person, or with an answer that was lost."""
        if self._serves:
            for row in await self._reservations("accepted"):
                self._begin(row)

    @property
    def _serves(self) -> bool:
        return self._habits.answer or self._habits.complete_after is not None

    async def _reservations(self, status: str) -> list[dict[str, Any]]:
        """Return our reservations of a status that are not served yet."""
        page = await self._calls.get(f"{self._worker}/Reservations", ReservationStatus=status, PageSize=100)
        rows: list[dict[str, Any]] = list(page["reservations"])
        while page["meta"]["next_page_url"]:
            page = await self._calls.follow(page["meta"]["next_page_url"])
            rows += page["reservations"]
        return [row for row in rows if row["sid"] not in self._chats]

    async def _accept(self, reservation: dict[str, Any]) -> None:
        try:
            await self._calls.post(f"{self._worker}/Reservations/{reservation['sid']}", ReservationStatus="accepted")
        except Refused as error:
            if error.status >= 500:
                raise
            self._books.note("refused")  # it ran out or was canceled between look and call
            self._say(f"{self._name}: {error}")
            return
        self._books.note("accepted")
        if self._serves:
            self._begin(reservation)

    def _begin(self, reservation: dict[str, Any]) -> None:
        sid = reservation["sid"]
        task = asyncio.create_task(self._serve(sid, reservation["task_sid"]), name=f"chat {sid}")
        self._chats[sid] = task
        task.add_done_callback(lambda _: self._chats.pop(sid, None))

    async def _serve(self, reservation_sid: str, task_sid: str) -> None:
        """Serve one task until it is completed, here or by somebody else."""
        chat: _Chat | None = None
        while True:
            try:
                if chat is None:
                    task = await self._calls.get(f"{self._space}/Tasks/{task_sid}")
                    work = Work.of(task_sid, task["attributes"], task["task_channel_unique_name"])
                    chat = _Chat(reservation_sid, work)
                    self._say(f"{self._name}: accepted {task_sid} of {work.name}")
                if not self._stood_back and await self._advance(chat):
                    return
            except Refused as error:
                if error.status < 500:
                    self._books.note("refused")
                    self._say(f"{self._name}: {error}")
                    return
                self._books.note("unreachable")
            except UNREACHABLE:
                self._books.note("unreachable")
            await asyncio.sleep(self._habits.poll)

    async def _advance(self, chat: _Chat) -> bool:
        """Answer what is not answered and say whether the task is over."""
        if self._habits.complete_after == 0:
            await self._complete(chat)
            return True
        if chat.work.conversation_sid is None:
            return False
        messages = await self._messages(chat)
        own = [message for message in messages if message["author"] == self._identity]
        answered = {number for number in (answered_number(m["body"] or "") for m in own) if number is not None}
        # What a person wrote in this worker's name answers all that stood above it.
        by_person = max((m["index"] for m in own if answered_number(m["body"] or "") is None), default=-1)
        asked = [message for message in messages if message["author"] == chat.work.customer]
        if chat.first is None and asked:
            chat.first = min(answered, default=asked[-1]["index"])
        first = max(chat.first or 0, by_person)
        todo = [m for m in asked if m["index"] >= first and m["index"] not in answered]
        if todo and self._habits.stand_back:
            await self._stay()
        if self._stood_back:
            return False
        if self._habits.answer:
            for message in todo:
                await self._answer(chat, message)
        count = len(answered) + len(todo)
        said = any((m["body"] or "").strip().lower() == self._habits.keyword.lower() for m in asked)
        enough = self._habits.complete_after is not None and count >= self._habits.complete_after
        if (said and self._habits.keyword) or enough:
            await self._complete(chat)
            return True
        return await self._is_over(chat) if not todo else False

    async def _messages(self, chat: _Chat) -> list[dict[str, Any]]:
        """Return the conversation's messages, oldest first, as far back as we answer."""
        path = f"/conversations/v1/Conversations/{chat.work.conversation_sid}/Messages"
        page = await self._calls.get(path, Order="desc", PageSize=PAGE)
        rows: list[dict[str, Any]] = list(page["messages"])
        while page["meta"]["next_page_url"] and (chat.first is None or rows[-1]["index"] > chat.first):
            page = await self._calls.follow(page["meta"]["next_page_url"])
            rows += page["messages"]
        return rows[::-1]

    async def _answer(self, chat: _Chat, message: dict[str, Any]) -> None:
        text = answer_line(self._identity, message["index"], message["body"], bool(message["media"]))
        path = f"/conversations/v1/Conversations/{chat.work.conversation_sid}/Messages"
        await self._calls.post(path, Author=self._identity, Body=text, webhooks=True)
        self._books.note("answered")

    async def _is_over(self, chat: _Chat) -> bool:
        now = asyncio.get_running_loop().time()
        if now < chat.look_again:
            return False
        chat.look_again = now + self._habits.stay
        reservation = await self._calls.get(f"{self._worker}/Reservations/{chat.reservation_sid}")
        return reservation["reservation_status"] not in ("accepted", "wrapping")

    async def _complete(self, chat: _Chat) -> None:
        work = chat.work
        if work.interaction_sid and work.channel_sid:
            path = f"/flex-api/v1/Interactions/{work.interaction_sid}/Channels/{work.channel_sid}"
            await self._calls.post(path, Status="closed", Routing=json.dumps({"status": "closed"}))
        else:
            await self._calls.post(f"{self._space}/Tasks/{work.task_sid}", AssignmentStatus="completed")
        self._books.note("completed")
        self._say(f"{self._name}: completed {work.task_sid}")


def answer_line(identity: str, index: int, body: str | None, picture: bool) -> str:
    """Return a robot's answer; its number is the index of the customer's message."""
    what = f"“{body[:200]}”" if body else "your picture" if picture else "your message"
    return f"#{index} {identity}: I got {what}."


def answered_number(text: str) -> int | None:
    """Return the number that ``answer_line`` wrote, None for other texts."""
    number = text.removeprefix("#").partition(" ")[0]
    return int(number) if text.startswith("#") and number.isdigit() else None


async def find_workspace(calls: Calls, wanted: str | None) -> str:
    """Return the SID of a workspace by SID or name; default: Flex's own, else the only one.

    :raises NoDesk: there is none.
    """
    listed = (await calls.get("/taskrouter/v1/Workspaces", PageSize=100))["workspaces"]
    for space in listed:
        if wanted in (space["sid"], space["friendly_name"]) or (wanted is None and space["friendly_name"] == WORKSPACE):
            return str(space["sid"])
    if wanted is None and len(listed) == 1:
        return str(listed[0]["sid"])
    raise NoDesk(f"There is no workspace {wanted or WORKSPACE}; name one with --workspace.")
