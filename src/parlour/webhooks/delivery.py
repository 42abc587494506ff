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
from parlour.webhooks import request, store
from parlour.webhooks.request import Request
from parlour.webhooks.store import Delivery

TIMEOUT: Final = 5.0  # seconds in all, at every level (conversations.md §6.4)
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
    :ivar pairs: the parameters without `RetryCount`.
    :ivar timeout: seconds that the receiver has, in all.
    :ivar counts_tries: whether `RetryCount` is one of the contract's parameters.
    """

    webhook_sid: str
    stream: str
    key: str
    event_sid: str | None
    event_type: str
    method: str
    url: str
    pairs: list[tuple[str, str]]
    timeout: float = TIMEOUT
    counts_tries: bool = True


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request.

    :ivar again: whether another try may succeed.
    """

    delivered: bool
    again: bool
    status: int | None
    answer: str | None
    error: str | None
    duration_ms: int


class Deliverer:
    """Tells webhooks; one for the process."""

    def __init__(self, outgoing: Outgoing, box: SecretsBox) -> None:
        self._outgoing = outgoing
        self._box = box

    async def deliver(self, run: JobRun, told: Told) -> None:
        """Try once, write the log, and end the job where the receiver took it.

        :raises Retry: the receiver was away, slow or failed; its lane waits.
        :raises Dead: it refused, the guard did, or this was the last try.
        """
        tries = [("RetryCount", str(run.attempt - 1))] if told.counts_tries else []
        parameters = request.encode([*told.pairs, *tries])
        token = idempotency_token(told)
        made = request.make(
            method=told.method,
            url=told.url,
            parameters=parameters,
            auth_token=await run.read(self.auth_token),
            token=token,
        )
        outcome = await self.call(made, timeout=told.timeout)

        def write(uow: UnitOfWork) -> None:
            row = Delivery(
                account_sid=uow.account_sid,
                sid=uow.new_sid("WD"),
                at=uow.now,
                webhook_sid=told.webhook_sid,
                stream=told.stream,
                event_sid=told.event_sid,
                event_type=told.event_type,
                attempt=run.attempt,
                method=told.method,
                url=request.shown(told.url),
                parameters=parameters,
                token=token,
                outcome=named(outcome, last=run.attempt >= MAX_ATTEMPTS),
                status=outcome.status,
                answer=outcome.answer,
                error=outcome.error,
                duration_ms=outcome.duration_ms,
            )
            store.insert(uow, row)

        async def work(uow: UnitOfWork) -> None:
            write(uow)

        if outcome.delivered:
            await run.finish(work)
            return
        await run.step(work)
        reason = outcome.error or f"{told.url[:200]} answered {outcome.status}"
        if not outcome.again:
            raise Dead(reason)
        raise Retry(reason=reason)

    async def auth_token(self, reader: Reader) -> str:
        """Return the auth token of the reader's account in clear.

        :raises Dead: there is no such account.
        """
        account = await account_store.fetch_account(reader)
        if account is None:
            raise Dead(NO_ACCOUNT)
        return self._box.open(account.auth_token)

    async def call(self, made: Request, *, trusted: bool = False, timeout: float = TIMEOUT) -> Outcome:
        """Send a request and say what became of it; never raises for a receiver's fault.

        :param trusted: the operator named the destination.
        :param timeout: seconds in all.
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
                timeout=timeout,
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
                status=None,
                answer=None,
                error=str(error)[:2000],
                duration_ms=_since(began),
            )
        return Outcome(
            delivered=200 <= answer.status < 300,
            again=answer.status >= 500 or answer.status in BUSY,
            status=answer.status,
            answer=answer.body[:ANSWER_KEPT].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
            error=None,
            duration_ms=_since(began),
        )


def idempotency_token(told: Told) -> str:
    """Return the token that all tries of one event for one webhook carry (DESIGN 2.13)."""
    digest = hashlib.sha256(f"{told.webhook_sid}:{told.key}:{told.event_type}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def named(outcome: Outcome, *, last: bool) -> str:
    """Return the word of the log for an outcome."""
    if outcome.delivered:
        return "delivered"
    return "dead" if last or not outcome.again else "failed"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
