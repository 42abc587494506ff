"""Delivery of the carrier's webhooks: signing, repeating, and faults (channels.md §1.7, §7)."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, replace

import aiohttp
from yarl import URL

from .faults import FaultBook, Retry, Rule
from .ledger import Ledger, Message
from .signing import sign

REORDER_WAIT_S = 1.0


@dataclass(frozen=True)
class Webhook:
    """One webhook to deliver: `op` is `inbound` or `callback`, `token` is constant over its repeats."""

    op: str
    url: str
    form: dict[str, str]
    message: Message
    token: str
    retry: Retry
    method: str = "POST"
    break_signature: bool = False


@dataclass(frozen=True)
class Answered:
    """What the receiver answered."""

    status: int
    content_type: str
    body: str

    @property
    def accepted(self) -> bool:
        """Whether the receiver took it."""
        return 200 <= self.status < 300


class Courier:
    """Delivers webhooks; every attempt is a line in the book."""

    def __init__(self, ledger: Ledger, faults: FaultBook, auth_token: str) -> None:
        self._ledger = ledger
        self._faults = faults
        self._auth_token = auth_token
        self._session: aiohttp.ClientSession | None = None
        self._passed: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Open the HTTP client."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def stop(self) -> None:
        """Close the HTTP client."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP client; errors: RuntimeError before `start`."""
        if self._session is None:
            raise RuntimeError("the carrier is not started")
        return self._session

    async def deliver(self, webhook: Webhook) -> Answered | None:
        """Deliver with repeats and faults; None when no copy was ever answered."""
        message = webhook.message
        rules = self._faults.take(webhook.op, to=message.recipient, sender=message.sender, text=message.body)
        for rule in rules:
            self._ledger.book("fault", message.sid, op=webhook.op, action=rule.action)
        if any(rule.action == "drop" for rule in rules):
            return None
        await self._hold_back(webhook, rules)
        copies = max([rule.n for rule in rules if rule.action == "duplicate"], default=1)
        altered = _altered(webhook, rules)
        answers = await asyncio.gather(*(self._repeat(altered) for _ in range(copies)))
        return next((one for one in answers if one is not None and one.accepted), answers[0])

    async def _hold_back(self, webhook: Webhook, rules: list[Rule]) -> None:
        for rule in rules:
            if rule.action == "delay":
                await asyncio.sleep(rule.ms / 1000)
            elif rule.action == "reorder":
                await self._let_another_pass(webhook.url, rule)
        passed = self._passed.pop(webhook.url.split("?", 1)[0], None)
        if passed is not None:
            passed.set()

    async def _let_another_pass(self, url: str, rule: Rule) -> None:
        waiting = self._passed.setdefault(url.split("?", 1)[0], asyncio.Event())
        try:
            await asyncio.wait_for(waiting.wait(), rule.ms / 1000 or REORDER_WAIT_S)
        except TimeoutError:
            return

    async def _repeat(self, webhook: Webhook) -> Answered | None:
        answer: Answered | None = None
        attempt, wait_ms = 0, webhook.retry.wait_ms
        while webhook.retry.until_2xx or attempt < webhook.retry.attempts:
            if attempt:
                await asyncio.sleep(wait_ms / 1000)
                wait_ms = min(wait_ms * 2, webhook.retry.max_wait_ms)
            attempt += 1
            answer = await self._attempt(webhook, attempt)
            if answer is not None and answer.accepted:
                return answer
            if webhook.break_signature:
                return answer
        return answer

    async def _attempt(self, webhook: Webhook, attempt: int) -> Answered | None:
        post = webhook.method.upper() == "POST"
        url = webhook.url.split("#", 1)[0]
        if not post:
            url = str(URL(url).update_query(webhook.form))
        signature = sign(self._auth_token, url, webhook.form if post else None)
        headers = {
            "X-Twilio-Signature": signature[::-1] if webhook.break_signature else signature,
            "I-Twilio-Idempotency-Token": webhook.token,
            "User-Agent": "TwilioProxy/1.1",
        }
        answer, problem, began = None, "", time.time()
        try:
            async with self.session.request(
                "POST" if post else "GET",
                URL(url, encoded=True),
                data=webhook.form if post else None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=webhook.retry.timeout_ms / 1000),
            ) as response:
                body = await response.text(errors="replace")
                answer = Answered(response.status, response.headers.get("Content-Type", ""), body[:65536])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            problem = type(error).__name__
        self._ledger.book(
            f"{webhook.op}.attempt",
            webhook.message.sid,
            url=webhook.url,
            attempt=attempt,
            token=webhook.token,
            message_status=webhook.form.get("MessageStatus") or webhook.form.get("SmsStatus"),
            status=None if answer is None else answer.status,
            problem=problem,
            began=began,
        )
        return answer


def _altered(webhook: Webhook, rules: list[Rule]) -> Webhook:
    for rule in rules:
        if rule.action == "bad_signature":
            webhook = replace(webhook, break_signature=True)
        elif rule.action == "extra_param":
            webhook = replace(webhook, form={**webhook.form, "ParlourUnknown": "extra", "Änderung": "ümlaut ✓"})
    return webhook


def new_token() -> str:
    """Return a fresh idempotency token."""
    return str(uuid.uuid4())
