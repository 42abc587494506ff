"""Pre-events: a webhook is asked before an action, outside of any transaction (conversations.md §6.6; DESIGN 2.3)."""

from collections.abc import Hashable, Mapping
from typing import Any, Final

import msgspec
import structlog

from parlour.kit import failpoints
from parlour.kit.wire import decode_json
from parlour.store.database import Database
from parlour.store.unit import Question, UnitOfWork
from parlour.webhooks import store
from parlour.webhooks.delivery import Deliverer, Outcome, Told
from parlour.webhooks.overrides import TOTAL

UNANSWERED: Final = 50076  # in the log: no answer in time
FAILED: Final = 50057  # in the log: the answer was a failure

log = structlog.get_logger("parlour.webhooks")


class PreEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a webhook: may this happen?

    :ivar subject: what the action is about, so that the answer is found when the action runs again.
    :ivar rest: whether a REST call asks, which an operator may leave unasked.
    """

    subject: str
    told: Told
    rest: bool

    @property
    def key(self) -> Hashable:
        """Return the event and what it is about."""
        return (self.told.event_type, self.subject)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook answered; silence lets the action happen as it is.

    :ivar changes: what the action is to do otherwise, as it stood in the answer.
    """

    accepted: bool = True
    changes: Mapping[str, Any] = {}


class Asker:
    """Asks webhooks before actions; one for the process.

    :param asks_for_rest: whether REST calls that ask for webhooks wait for pre-events too (conversations.md §6.3).
    """

    def __init__(self, database: Database, deliverer: Deliverer, *, asks_for_rest: bool) -> None:
        self._database = database
        self._deliverer = deliverer
        self._asks_for_rest = asks_for_rest

    async def ask(self, account_sid: str, request_id: str, question: Question) -> Verdict:
        """Return what the webhook says; never raises for a receiver's fault.

        :param request_id: with the question it makes the idempotency token, so a job that runs again has the same.
        """
        if not isinstance(question, PreEvent):
            raise TypeError(f"not a pre-event: {question.key}")
        if question.rest and not self._asks_for_rest:
            return Verdict()
        told = msgspec.structs.replace(question.told, key=f"{request_id}:{question.subject}")
        auth_token = await self._database.read(account_sid, self._deliverer.auth_token)
        tries = await self._deliverer.tries(told, auth_token, attempt=1, limit=TOTAL)
        outcome = tries[-1].outcome

        async def write(uow: UnitOfWork) -> None:
            for each in tries:
                store.insert(uow, each.row(uow, told, _named(each.outcome), asked=True))

        await self._database.step(account_sid, write, request_id=request_id)
        failpoints.passing(failpoints.WEBHOOK_ASKED)
        return _verdict(told, outcome)


def _named(outcome: Outcome) -> str:
    if outcome.delivered:
        return "delivered"
    return "refused" if _refuses(outcome) else "failed"


def _refuses(outcome: Outcome) -> bool:
    return outcome.status is not None and outcome.status >= 400


def _verdict(told: Told, outcome: Outcome) -> Verdict:
    facts = {"pre_event": told.event_type, "webhook": told.webhook_sid}
    if _refuses(outcome):
        log.info("a pre-event was refused", code=FAILED, status=outcome.status, **facts)
        return Verdict(accepted=False)
    if not outcome.delivered:
        log.warning("a pre-event was not answered and lets the action happen", code=UNANSWERED, **facts)
        return Verdict()
    return Verdict(changes=_changes(outcome))


def _changes(outcome: Outcome) -> Mapping[str, Any]:
    """Return the JSON object of an answer 200, nothing where it has none."""
    if outcome.status != 200 or not outcome.body.strip():
        return {}
    try:
        value = decode_json(outcome.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
