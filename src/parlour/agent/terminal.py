"""A person's terminal: offers, chats and commands in lines of text."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException

from parlour.agent.desk import Chat, Desk, Line, Offer
from parlour.agent.refusals import refusal
from parlour.agent.words import NoDesk
from parlour.sdk.media import Media, MediaRefused

T = TypeVar("T")

POLL: Final = 0.5  # seconds between two looks
STAY: Final = 2.0  # seconds between two looks at our own activity
OVER: Final = 5.0  # seconds between two looks whether somebody else ended a chat

HELP: Final = """\
  accept, reject       answer the offer (with / while you are in a chat)
  any other line       goes to the customer of the current chat
  /picture FILE        send a picture or another file
  /done                complete the task of the current chat
  /chats, /N           list the open chats; go to chat N
  /available, /away    take new work; take none
  /quit                go Offline and leave"""


class Terminal:
    """Shows one worker's work on a screen and reads a person's lines.

    :param desk: the worker's calls; they run on a thread, one at a time.
    """

    def __init__(self, desk: Desk, name: str, screen: TextIO = sys.stdout) -> None:
        self._desk = desk
        self._name = name
        self._screen = screen
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._leaving = asyncio.Event()
        self._offers: dict[str, Offer] = {}
        self._chats: dict[int, Chat] = {}
        self._current = 0
        self._numbers = 0
        self._wants_work = True
        self._cut = False
        self._next: dict[str, float] = {}
        self._commands: dict[str, Callable[[str], Any]] = {
            "accept": self._accept,
            "reject": self._reject,
            "picture": self._picture,
            "done": self._done,
            "chats": self._list_chats,
            "available": self._available,
            "away": self._away,
            "help": self._help,
            "quit": self._quit,
        }

    async def run(self) -> None:
        """Work until /quit, the end of the input, or Ctrl-C; then go Offline."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._leaving.set)
        threading.Thread(target=_read_lines, args=(loop, self._lines), daemon=True, name="input").start()
        try:
            await self._call(self._desk.sit_down)
            self._say(f"You are {self._name}, Available. Waiting for work; /help lists the commands, /quit leaves.")
            for offer in await self._call(self._desk.held):
                await self._open(offer)
            while not self._leaving.is_set():
                await self._turn()
        finally:
            await self._leave()

    async def _turn(self) -> None:
        try:
            await self._look()
            if self._cut:
                self._cut = False
                self._say("Parlour answers again.")
        except (TwilioException, RequestException) as error:
            if not self._cut:
                self._say(f"Parlour does not answer ({_short(error)}); trying again.")
            self._cut = True
        deadline = asyncio.get_running_loop().time() + POLL
        while not self._leaving.is_set():
            rest = deadline - asyncio.get_running_loop().time()
            line = await self._line(rest)
            if line is _NOTHING:
                return
            await self._typed(line)

    async def _line(self, seconds: float) -> Any:
        """Return the next line, None at the end of the input, _NOTHING when the time is up."""
        getting = asyncio.create_task(self._lines.get())
        leaving = asyncio.create_task(self._leaving.wait())
        done, waiting = await asyncio.wait(
            [getting, leaving], timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED
        )
        for task in waiting:
            task.cancel()
        return getting.result() if getting in done else _NOTHING

    async def _look(self) -> None:
        if self._due("stay", STAY) and self._wants_work and not await self._call(self._desk.stay):
            self._say("An offer ran out and set you Offline; you are Available again.")
            await self._call(self._desk.be_available)
        offers = {offer.reservation_sid: offer for offer in await self._call(self._desk.offers)}
        for sid in self._offers.keys() - offers.keys():
            self._say(f"The offer from {self._offers[sid].work.name} is gone.")
        for sid in offers.keys() - self._offers.keys():
            await self._show_offer(offers[sid])
        self._offers = offers
        look_for_ends = self._due("over", OVER)
        for number, chat in list(self._chats.items()):
            for line in await self._call(partial(self._desk.news, chat)):
                self._show(number, chat, line)
            if look_for_ends and await self._call(partial(self._desk.is_over, chat)):
                self._close(number, "was ended by somebody else")

    def _due(self, what: str, every: float) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every
        return True

    async def _show_offer(self, offer: Offer) -> None:
        work = offer.work
        self._say(f"\n* {work.name} waits over {work.channel_type}, for {offer.seconds} s ({work.task_sid})")
        for line in await self._call(lambda: self._desk.text_so_far(offer)):
            self._say(f"    {_who(line, offer)}: {_text(line)}")
        self._say("  /accept or /reject?" if self._current else "  accept or reject?")

    async def _typed(self, line: str | None) -> None:
        if line is None:
            self._leaving.set()
            return
        text = line.strip()
        if not text:
            return
        name, _, rest = text.removeprefix("/").partition(" ")
        is_command = text.startswith("/") or (not self._current and name in ("accept", "reject", "help", "quit"))
        try:
            if not is_command:
                await self._speak(line.rstrip("\n"))
            elif name.isdigit():
                await self._go_to(int(name))
            elif name in self._commands:
                await self._commands[name](rest.strip())
            else:
                self._say(f"There is no command /{name}.\n{HELP}")
        except (TwilioException, RequestException, MediaRefused, NoDesk, OSError) as error:
            self._say(f"That did not work: {_short(error)}")

    async def _speak(self, text: str) -> None:
        chat = self._chats.get(self._current)
        if chat is None:
            self._say("You are in no chat; accept an offer first." if self._offers else "Nobody is here yet.")
            return
        await self._call(lambda: self._desk.say(chat, text))

    async def _accept(self, _rest: str) -> None:
        if not self._offers:
            self._say("There is no offer.")
            return
        sid = next(iter(self._offers))
        offer = self._offers[sid]
        await self._call(lambda: self._desk.accept(offer))
        del self._offers[sid]
        await self._open(offer)

    async def _open(self, offer: Offer) -> None:
        chat = await self._call(lambda: self._desk.open(offer))
        self._numbers += 1
        self._chats[self._numbers] = chat
        self._current = self._numbers
        self._say(f"Chat {self._numbers} with {offer.work.name}. Type to answer; /done completes.")

    async def _reject(self, _rest: str) -> None:
        if not self._offers:
            self._say("There is no offer.")
            return
        sid = next(iter(self._offers))
        offer = self._offers.pop(sid)
        await self._call(lambda: self._desk.reject(offer))
        self._say(f"Rejected; {offer.work.name} goes to somebody else.")

    async def _picture(self, rest: str) -> None:
        chat = self._chats.get(self._current)
        if chat is None or not rest:
            self._say("/picture FILE sends a file to the customer of the current chat.")
            return
        media = await self._call(lambda: self._desk.send_picture(chat, Path(rest).expanduser()))
        self._say(f"Sent {_file(media)}.")

    async def _done(self, _rest: str) -> None:
        chat = self._chats.get(self._current)
        if chat is None:
            self._say("There is no chat to complete.")
            return
        await self._call(lambda: self._desk.complete(chat))
        self._close(self._current, "is completed")

    def _close(self, number: int, how: str) -> None:
        chat = self._chats.pop(number)
        self._say(f"Chat {number} with {chat.offer.work.name} {how}.")
        if number == self._current:
            self._current = max(self._chats, default=0)
            if self._current:
                self._say(f"You are in chat {self._current} with {self._chats[self._current].offer.work.name}.")

    async def _go_to(self, number: int) -> None:
        if number not in self._chats:
            self._say(f"There is no chat {number}.")
            return
        self._current = number
        self._say(f"You are in chat {number} with {self._chats[number].offer.work.name}.")

    async def _list_chats(self, _rest: str) -> None:
        for number, chat in self._chats.items():
            here = ">" if number == self._current else " "
            self._say(f"{here} {number}  {chat.offer.work.name} over {chat.offer.work.channel_type}")
        if not self._chats:
            self._say("No chats.")

    async def _available(self, _rest: str) -> None:
        self._wants_work = True
        await self._call(self._desk.be_available)
        self._say("You are Available.")

    async def _away(self, _rest: str) -> None:
        self._wants_work = False
        await self._call(self._desk.be_offline)
        self._say("You are Offline and get no new work; your chats stay.")

    async def _help(self, _rest: str) -> None:
        self._say(HELP)

    async def _quit(self, _rest: str) -> None:
        self._leaving.set()

    async def _leave(self) -> None:
        try:
            await self._call(self._desk.leave)
        except (TwilioException, RequestException) as error:
            self._say(f"Parlour does not answer ({_short(error)}), so you could not be set Offline.")
            return
        if self._chats:
            names = ", ".join(chat.offer.work.name for chat in self._chats.values())
            self._say(f"Not completed: {names}. Start again to go on.")
        self._say("You are Offline. Goodbye.")

    def _show(self, number: int, chat: Chat, line: Line) -> None:
        where = f"[{number}] " if number != self._current else ""
        self._say(f"{where}{_who(line, chat.offer)}: {_text(line)}")

    def _say(self, text: str) -> None:
        self._screen.write(text + "\n")
        self._screen.flush()

    @staticmethod
    async def _call(work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)


_NOTHING: Final = object()


def _read_lines(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[str | None]") -> None:
    """Read lines on a thread of their own. The descriptor is read itself: a thread inside sys.stdin blocks the exit."""
    rest = b""
    while True:
        try:
            block = os.read(0, 65536)
        except OSError:
            block = b""
        *whole, rest = (rest + block).split(b"\n")
        if not block and rest:
            whole.append(rest)
        try:
            for line in whole:
                loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
            if not block:
                loop.call_soon_threadsafe(lines.put_nowait, None)
                return
        except RuntimeError:
            return  # the loop is closed: nobody reads any more


def _who(line: Line, offer: Offer) -> str:
    return offer.work.name if line.author == offer.work.customer else line.author


def _text(line: Line) -> str:
    parts = [line.body] if line.body else []
    parts += [f"[{_file(media)}]{f' {media.url}' if media.url else ''}" for media in line.pictures]
    return " ".join(parts)


def _file(media: Media) -> str:
    name = media.filename or media.sid
    return f"{name}, {media.content_type}, {_size(media.size)}"


def _size(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _short(error: Exception) -> str:
    return "no connection" if isinstance(error, RequestException) else refusal(error)
