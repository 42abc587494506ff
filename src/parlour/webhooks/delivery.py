"""One delivery: a try, its line in the log, and what follows from the answer (DESIGN 2.5, 2.12, 2.13; invariant 9)."""

import hashlib
import time
from typing import Final

import msgspec
import structlog

from parlour.accounts import store as account_store
from parlour.kit.outgoing import DestinationRefused, Outgoing, OutgoingError
from parlour.kit.secrets_box import SecretsBox
from parlour.outbox.jobs import Dead, JobRun, Retry
from parlour.outbox.runner import MAX_ATTEMPTS
from parlour.store.unit import Reader, UnitOfWork
from parlour.webhooks import overrides, request, store
from parlour.webhooks.overrides import LONGEST, TOTAL
from parlour.webhooks.request import Request
from parlour.webhooks.store import FORM, JSON, Delivery

REMEMBERED: Final = 1000  # auth tokens, each known by how it is kept
SHORTEST: Final = 0.1  # seconds that a try is given at least
LARGEST_ANSWER: Final = 1024 * 1024  # bytes
ANSWER_KEPT: Final = 4096  # bytes of an answer in the log
BUSY: Final = frozenset({408, 425, 429})  # refusals that say "later"
NO_ACCOUNT: Final = "the account is gone"

log = structlog.get_logger("parlour.webhooks")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook is to be told.

        :ivar webhook_sid: SID of the webhook, or of the service or account whose webhook it is.
        :ivar stream: SID of the row in whose order its events come.
        :ivar key: what is told, such as the event's SID; with `webhook_sid` it makes the idempotency token.
        :ivar pairs: the parameters of a form without `RetryCount`.
    :ivar patience: seconds that the receiver has in all, unless its URL says otherwise.
        :ivar counted: whether the receiver is told `RetryCount`, which only Conversations publishes.
        :ivar json: the text of a JSON body, which is sent instead of a form.
    """

    webhook_sid: str
    stream: str
    key: str
    event_sid: str | None
    event_type: str
    method: str
    url: str
    pairs: list[tuple[str, str]]
    patience: float = TOTAL
    counted: bool = True
    json: str | None = None

    @property
    def content(self) -> str:
        """Return how it is sent."""
        return FORM if self.json is None else JSON

    def parameters(self, number: int) -> str:
        """Return what the `number`-th try sends, byte by byte."""
        if self.json is not None:
            return self.json
        return request.encode([*self.pairs, ("RetryCount", str(number - 1))] if self.counted else self.pairs)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request.

    :ivar again: whether another try may succeed.
    :ivar sent: whether the receiver may have seen it.
    :ivar body: the whole answer.
    :ivar content_type: of the answer, as it was sent.
    """

    delivered: bool
    again: bool
    sent: bool
    status: int | None
    body: bytes = b""
    content_type: str = ""
    error: str | None
    duration_ms: int

    @property
    def answer(self) -> str | None:
        """Return the answer as the log keeps it, None where there was none."""
        if self.status is None:
            return None
        return self.body[:ANSWER_KEPT].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a delivery, and what became of it.

    :ivar number: 1 for the first.
    """

    number: int
    parameters: str
    outcome: Outcome

    def row(self, uow: UnitOfWork, told: Told, outcome: str, *, asked: bool = False) -> Delivery:
        """Return its line of the log."""
        return Delivery(
            account_sid=uow.account_sid,
            sid=uow.new_sid("WD"),
            at=uow.now,
            webhook_sid=told.webhook_sid,
            stream=told.stream,
            event_sid=told.event_sid,
            event_type=told.event_type,
            attempt=self.number,
            method=told.method,
            url=request.shown(told.url),
            parameters=self.parameters,
            token=idempotency_token(told),
            outcome=outcome,
            status=self.outcome.status,
            answer=self.outcome.answer,
            error=self.outcome.error,
            duration_ms=self.outcome.duration_ms,
            asked=asked,
            content=told.content,
        )


class Deliverer:
    """Tells webhooks; one for the process."""

    def __init__(self, outgoing: Outgoing, box: SecretsBox) -> None:
        self._outgoing = outgoing
        self._box = box
        self._opened: dict[bytes, str] = {}

    async def deliver(self, run: JobRun, told: Told, auth_token: str | None = None) -> None:
        """Try, write the log, and end the job where the receiver took it.

        A URL that says how often is tried as often as it says, at once; any other again and again by its lane.

        :param auth_token: of the account, where the caller has read it.
        :raises Retry: the receiver was away, slow or failed; its lane waits.
        :raises Dead: it refused, the guard did, or this was the last try.
        """
        own = overrides.of(told.url).retries is not None
        if auth_token is None:
            auth_token = await run.read(self.auth_token)
        tries = await self.tries(told, auth_token, attempt=run.attempt)
        outcome = tries[-1].outcome
        over = own or run.attempt >= MAX_ATTEMPTS

        async def work(uow: UnitOfWork) -> None:
            for each in tries:
                store.insert(uow, each.row(uow, told, named(each.outcome, last=over and each is tries[-1], own=own)))

        if outcome.delivered:
            await run.finish(work, anyway=True)
            return
        await run.step(work)
        reason = outcome.error or f"{request.shown(told.url)[:200]} answered {outcome.status}"
        if own or not outcome.again:
            raise Dead(reason)
        raise Retry(reason=reason)

    async def tries(self, told: Told, auth_token: str, *, attempt: int, limit: float = LONGEST) -> list[Try]:
        """Call once, and again at once as often as the URL's overrides ask for; never raises for a receiver's fault.

        :param attempt: number of the first of them.
        :param limit: seconds for all of them, whatever the URL says.
        """
        rules = overrides.of(told.url, told.patience)
        end = time.monotonic() + min(rules.total, limit)
        done: list[Try] = []
        while True:
            number = attempt + len(done)
            parameters = told.parameters(number)
            made = request.make(
                method=told.method,
                url=told.url,
                parameters=parameters,
                auth_token=auth_token,
                token=idempotency_token(told),
                content=told.content,
            )
            left = max(end - time.monotonic(), SHORTEST)
            outcome = await self.call(made, connect=rules.connect, read=rules.read, total=left)
            done.append(Try(number=number, parameters=parameters, outcome=outcome))
            again = not outcome.delivered and rules.tries_again(status=outcome.status, sent=outcome.sent)
            if not again or len(done) > (rules.retries or 0) or time.monotonic() + SHORTEST >= end:
                return done

    async def auth_token(self, reader: Reader) -> str:
        """Return the auth token of the reader's account in clear.

        :raises Dead: there is no such account.
        """
        account = await account_store.fetch_account(reader)
        if account is None:
            raise Dead(NO_ACCOUNT)
        sealed = account.auth_token
        if sealed not in self._opened:
            if len(self._opened) >= REMEMBERED:
                self._opened.clear()
            self._opened[sealed] = self._box.open(sealed)
        return self._opened[sealed]

    async def call(
        self,
        made: Request,
        *,
        trusted: bool = False,
        connect: float | None = None,
        read: float | None = None,
        total: float = TOTAL,
    ) -> Outcome:
        """Send a request and say what became of it; never raises for a receiver's fault.

        :param trusted: the operator named the destination.
        :param connect: seconds until the connection stands; `read`: without a byte; `total`: in all.
        """
        began = time.monotonic()
        try:
            answer = await self._outgoing.request(
                made.method,
                made.url,
                trusted=trusted,
                headers=made.headers,
                body=made.body,
                basic=made.basic,
                timeout=total,
                connect=connect,
                read=read,
                max_bytes=LARGEST_ANSWER,
                exact=True,
            )
        except OutgoingError as error:
            refused = isinstance(error, DestinationRefused)
            if refused:
                log.warning("a webhook was not called", url=request.shown(made.url), why=str(error))
            return Outcome(
                delivered=False,
                again=not refused,
                sent=error.sent,
                status=None,
                error=str(error)[:2000],
                duration_ms=_since(began),
            )
        return Outcome(
            delivered=200 <= answer.status < 300,
            again=answer.status >= 500 or answer.status in BUSY,
            sent=True,
            status=answer.status,
            body=answer.body,
            content_type=answer.headers.get("content-type", ""),
            error=None,
            duration_ms=_since(began),
        )


def idempotency_token(told: Told) -> str:
    """Return the token that all tries of one event for one webhook carry (DESIGN 2.13)."""
    digest = hashlib.sha256(f"{told.webhook_sid}:{told.key}:{told.event_type}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def named(outcome: Outcome, *, last: bool, own: bool = False) -> str:
    """Return the word of the log for an outcome.

    :param own: the URL says how often, so that a refusal is not the end.
    """
    if outcome.delivered:
        return "delivered"
    return "dead" if last or (not own and not outcome.again) else "failed"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
