"""The simulated carrier: takes texts from an account and from handsets and brings them to the other side."""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

from . import forms, segments, twiml
from .courier import Answered, Courier, Webhook, new_token
from .faults import FaultBook
from .fetching import fetch
from .ledger import Ledger, Media, Message, Number
from .refusal import Refused
from .settings import Order, Settings

QUEUE_LIMIT_S = 4 * 3600
MAGIC_FAILURES = {"03": 30003, "05": 30005, "07": 30007}
NEVER_REPORTED = "99"
STOP_WORDS = frozenset({"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"})
START_WORDS = frozenset({"start", "yes", "unstop"})
MEDIA_FETCH_S = 20


class Carrier:
    """State and behaviour of the carrier; `start` and `stop` frame its life."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger(settings.ledger)
        self._random = random.Random(settings.seed)
        self._seeded = settings.seed is not None
        self.account_sid = self._kept("account_sid", settings.account_sid, lambda: self.new_sid("AC"))
        self.auth_token = self._kept("auth_token", settings.auth_token, lambda: self._hex(32))
        self._random.seed(None if settings.seed is None else f"{settings.seed}:{self._lines()}")
        self.faults = FaultBook(settings.seed or 0)
        self.courier = Courier(self.ledger, self.faults, self.auth_token)
        self.public_url = settings.public_url.rstrip("/")
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._free_at: dict[str, float] = {}
        self.closing = False

    def _kept(self, key: str, given: str | None, make: Callable[[], str]) -> str:
        value = given or self.ledger.setting(key)
        if value is None:
            value = make()
        self.ledger.set_setting(key, value)
        return value

    def _lines(self) -> int:
        last = self.ledger.setting("starts")
        starts = int(last or 0) + 1
        self.ledger.set_setting("starts", str(starts))
        return starts

    def _hex(self, digits: int) -> str:
        if not self._seeded:
            return secrets.token_hex(digits // 2)
        return f"{self._random.getrandbits(digits * 4):0{digits}x}"

    def new_sid(self, prefix: str) -> str:
        """Return a SID: random, or drawn from the seed."""
        return prefix + self._hex(32)

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start, and go on with what a stop cut."""
        self.closing = False
        await self.courier.start()
        for message in self.ledger.unfinished():
            self._begin(self._hand_over(message) if message.inbound else self._progress(message))

    async def stop(self) -> None:
        """End all work; what is unfinished goes on at the next start."""
        self.close_streams()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.courier.stop()
        self.ledger.close()

    def close_streams(self) -> None:
        """End the event streams of the pages, so that a server can stop."""
        self.closing = True
        for events in self._watchers.values():
            for event in events:
                event.set()

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- numbers ------------------------------------------------------------------------------

    def put_number(
        self,
        phone_number: str,
        *,
        sms_url: str | None = None,
        sms_method: str | None = None,
        friendly_name: str | None = None,
        status_callback: str | None = None,
    ) -> Number:
        """Add a number, or change what is given of it."""
        old = self.ledger.number(phone_number)
        number = Number(
            phone_number=phone_number,
            sid=old.sid if old else self.new_sid("PN"),
            friendly_name=_first(friendly_name, old.friendly_name if old else phone_number),
            sms_url=_first(sms_url, old.sms_url if old else ""),
            sms_method=_first(sms_method, old.sms_method if old else "POST").upper(),
            status_callback=_first(status_callback, old.status_callback if old else ""),
            created=old.created if old else time.time(),
        )
        self.ledger.put_number(number)
        return number

    # -- from the account to a handset --------------------------------------------------------

    def accept(self, order: Order) -> Message:
        """Take an order: it is queued, and `carry` brings it on its way; errors: Refused 21611, 21610."""
        if self.faults.active.opt_out and self.ledger.opted_out(order.sender, order.to):
            raise Refused(21610, 400, "Attempt to send to unsubscribed recipient")
        rate = self.faults.active.sender_rate
        now = time.time()
        if rate and self._free_at.get(order.sender, now) - now > QUEUE_LIMIT_S:
            raise Refused(21611, 400, "This 'From' number has exceeded the maximum number of queued messages")
        message = self.ledger.add_message(
            Message(
                sid=self.new_sid("MM" if order.media else "SM"),
                direction=order.direction,
                status="queued",
                handset=order.to,
                number=order.sender,
                body=order.body,
                error_code=None,
                status_callback=order.status_callback,
                token=new_token(),
                created=now,
                sent=None,
                updated=now,
                change=0,
                finished=0,
            )
        )
        for position, (content_type, filename, content) in enumerate(order.media):
            self.add_media(content_type, filename, content, message_sid=message.sid, position=position)
        self.ledger.book(
            "send.accepted",
            message.sid,
            to=order.to,
            sender=order.sender,
            body=order.body,
            media=[one.sha256 for one in self.ledger.media_of(message.sid)],
            others=list(order.others),
            status_callback=order.status_callback,
        )
        return message

    def carry(self, message: Message, *, skip: str = "", late_ms: int = 0, fail: int = 0, silent: bool = False) -> None:
        """Bring an accepted message on its way (the keyword arguments are faults)."""
        self._begin(self._progress(message, skip=skip, late_ms=late_ms, fail=fail, silent=silent))

    async def _progress(
        self, message: Message, *, skip: str = "", late_ms: int = 0, fail: int = 0, silent: bool = False
    ) -> None:
        active = self.faults.active
        if active.magic_recipients:
            fail = fail or MAGIC_FAILURES.get(message.handset[-2:], 0)
            silent = silent or message.handset.endswith(NEVER_REPORTED)
        if message.status == "queued":
            await asyncio.sleep(self._turn(message) + active.sent_after_ms / 1000)
            message = self.ledger.set_status(message.sid, "sent", finished=silent)
            self.ledger.book("status", message.sid, status="sent")
            if not fail:
                self._arrived(message)
            self._changed(message.handset)
            if not silent and skip != "sent":
                self._begin(self._report(message, late_ms))
        if silent:
            return
        await asyncio.sleep(active.delivered_after_ms / 1000)
        self._settle(message, "undelivered" if fail else "delivered", fail or None, skip=skip, late_ms=late_ms)

    def _arrived(self, message: Message) -> None:
        self.ledger.book(
            "handset.received",
            message.sid,
            handset=message.handset,
            number=message.number,
            body=message.body,
            media=[one.sha256 for one in self.ledger.media_of(message.sid)],
        )

    def _turn(self, message: Message) -> float:
        """Seconds until the sender's queue is at this message (one rate per sender, in segments/s)."""
        rate = self.faults.active.sender_rate
        if not rate:
            return 0.0
        now = time.time()
        begin = max(now, self._free_at.get(message.number, now))
        self._free_at[message.number] = begin + segments.count(message.body) / rate
        return begin - now

    def _settle(self, message: Message, status: str, code: int | None, *, skip: str = "", late_ms: int = 0) -> None:
        settled = self.ledger.set_status(message.sid, status, error_code=code, finished=True)
        self.ledger.book("status", message.sid, status=status, error_code=code)
        self._changed(message.handset)
        if skip != status:
            self._begin(self._report(settled, late_ms))

    def force_status(self, sid: str, status: str, code: int | None) -> Message | None:
        """Report a status for a message by hand (control API); None when there is no such message."""
        message = self.ledger.message(sid)
        if message is None or message.inbound:
            return None
        self._settle(message, status, code)
        return self.ledger.message(sid)

    async def report_now(self, message: Message) -> None:
        """Report `sent` at once (fault: callback before the answer to the create)."""
        sent = self.ledger.set_status(message.sid, "sent", finished=False)
        self.ledger.book("status", message.sid, status="sent")
        self._arrived(message)
        self._changed(message.handset)
        await self._report(sent, 0)

    async def _report(self, message: Message, late_ms: int) -> None:
        if not message.status_callback:
            return
        await asyncio.sleep(late_ms / 1000)
        await self.courier.deliver(
            Webhook(
                "callback",
                message.status_callback,
                forms.status(self, message),
                message,
                new_token(),
                self.faults.active.retry,
            )
        )

    # -- from a handset to the account --------------------------------------------------------

    def add_media(
        self,
        content_type: str,
        filename: str,
        content: bytes,
        *,
        message_sid: str | None = None,
        position: int = 0,
    ) -> Media:
        """Keep one file."""
        digest = hashlib.sha256(content).hexdigest()
        media = Media(self.new_sid("ME"), message_sid, position, content_type, filename, content, digest, time.time())
        self.ledger.add_media(media)
        return media

    def text(self, handset: str, to: str, body: str, media_sids: tuple[str, ...] = (), sid: str = "") -> Message:
        """A handset writes to a number; errors: Refused (unknown number 21606, empty 21602, media 21620)."""
        if self.ledger.number(to) is None:
            raise Refused(21606, 400, f"{to} is not a number of this carrier")
        if not body and not media_sids:
            raise Refused(21602, 400, "a text needs a body or a picture")
        if sid and self.ledger.message(sid) is not None:
            raise Refused(20409, 409, f"{sid} exists")
        sid = sid or self.new_sid("MM" if media_sids else "SM")
        for position, media_sid in enumerate(media_sids):
            if not self.ledger.attach(media_sid, sid, position):
                raise Refused(21620, 400, f"{media_sid} was not uploaded or is already sent")
        now = time.time()
        message = self.ledger.add_message(
            Message(
                sid=sid,
                direction="inbound",
                status="receiving",
                handset=handset,
                number=to,
                body=body,
                error_code=None,
                status_callback="",
                token=new_token(),
                created=now,
                sent=None,
                updated=now,
                change=0,
                finished=0,
            )
        )
        self.ledger.book(
            "handset.sent",
            sid,
            handset=handset,
            number=to,
            body=body,
            media=[one.sha256 for one in self.ledger.media_of(sid)],
        )
        self._note_opt_out(message)
        self._changed(handset)
        self._begin(self._hand_over(message))
        return message

    def repeat(self, sid: str) -> Message | None:
        """Hand an old text over once more (control API: a carrier's late duplicate)."""
        message = self.ledger.message(sid)
        if message is None or not message.inbound:
            return None
        self._begin(self._hand_over(message))
        return message

    def _note_opt_out(self, message: Message) -> None:
        word = message.body.strip().lower()
        if word in STOP_WORDS or word in START_WORDS:
            self.ledger.opt_out(message.number, message.handset, out=word in STOP_WORDS)

    async def _hand_over(self, message: Message) -> None:
        number = self.ledger.number(message.number)
        answer: Answered | None = None
        if number is not None and number.sms_url:
            answer = await self.courier.deliver(
                Webhook(
                    "inbound",
                    number.sms_url,
                    forms.inbound(self, message),
                    message,
                    message.token,
                    self.faults.active.retry,
                    number.sms_method,
                )
            )
        accepted = answer is not None and answer.accepted
        self.ledger.set_status(
            message.sid,
            "received" if accepted else "failed",
            error_code=None if accepted else 11200,
            finished=True,
        )
        self.ledger.book("inbound.accepted" if accepted else "inbound.lost", message.sid)
        self._changed(message.handset)
        if answer is not None and accepted:
            await self._obey(message, answer)

    async def _obey(self, message: Message, answer: Answered) -> None:
        try:
            for reply in twiml.replies(answer.content_type, answer.body):
                media = tuple([await self.fetch_media(url) for url in reply.media_urls])
                order = Order(
                    to=reply.to or message.handset,
                    sender=reply.sender or message.number,
                    body=reply.body,
                    media=media,
                    status_callback=reply.status_callback,
                    direction="outbound-reply",
                )
                self.carry(self.accept(order))
        except twiml.TwimlError as error:
            self.ledger.book("twiml.refused", message.sid, code=error.code, message=str(error))
        except Refused as error:
            self.ledger.book("send.refused", message.sid, code=error.code, message=str(error))

    async def fetch_media(self, url: str) -> tuple[str, str, bytes]:
        """HEAD and GET a file, and compare their types (channels.md §1.9); errors: Refused 21620."""
        return await fetch(self.courier.session, url, MEDIA_FETCH_S)

    # -- watching -----------------------------------------------------------------------------

    @contextmanager
    def watching(self, handset: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever a message of the handset changes."""
        event = asyncio.Event()
        self._watchers.setdefault(handset, set()).add(event)
        try:
            yield event
        finally:
            self._watchers[handset].discard(event)
            if not self._watchers[handset]:
                del self._watchers[handset]

    def _changed(self, handset: str) -> None:
        for event in self._watchers.get(handset, ()):
            event.set()


def _first(given: str | None, other: str) -> str:
    return other if given is None else given
