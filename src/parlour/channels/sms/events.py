"""Reactions of the carrier kind: messages to its recipients, orders, and its own jobs."""

from datetime import timedelta
from typing import Any, Final

from parlour.channels.sms import inbound, outbound
from parlour.channels.sms.deps import Needs
from parlour.channels.sms.kinds import CHANNEL, CHANNELS
from parlour.channels.sms.store import events as store
from parlour.messaging import log
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.outbox.timers import schedule
from parlour.store.unit import UnitOfWork

BODIES_KEPT: Final = timedelta(days=14)
CLEAN: Final = "sms.forget_bodies"
EVERY: Final = timedelta(days=1)


def _lanes(event: Event) -> list[str]:
    return [lane for channel in CHANNELS for lane in channel.lanes(event)]


def make_reactions(needs: Needs) -> Reactions:
    """Return the reactions over the program's parts."""
    reactions = Reactions("sms")

    @reactions.after_call("message.added/1", lanes=_lanes)
    async def deliver(run: JobRun, event: Event) -> None:
        for recipient in (each for channel in CHANNELS for each in channel.recipients(event)):
            if CHANNEL.lane_of(recipient) == run.lane:
                await outbound.deliver_message(needs, run, event, recipient)

    @reactions.after_call(log.QUEUED, lanes=_order_lanes)
    async def deliver_order(run: JobRun, event: Event) -> None:
        await outbound.deliver_order(needs, run, event)

    @reactions.job(outbound.DELIVER)
    async def deliver_again(run: JobRun, payload: dict[str, Any]) -> None:
        await outbound.deliver_again(needs, run, str(payload["sid"]))

    @reactions.job(inbound.TAKE)
    async def take_inbound(run: JobRun, payload: dict[str, Any]) -> None:
        await inbound.take(needs, run, payload)

    reactions.step(inbound.TAKE_TEXT)(inbound.take_text)

    @reactions.inside("account.created/1")
    async def begin_cleaning(uow: UnitOfWork, _event: Event) -> None:
        """Have the raw bodies of a new account's webhooks forgotten in time."""
        schedule(uow, CLEAN, lane="sms:clean", at=uow.now + EVERY, payload={})

    @reactions.step(CLEAN)
    async def forget_bodies(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
        await store.forget_bodies(uow, uow.now - BODIES_KEPT)
        schedule(uow, CLEAN, lane="sms:clean", at=uow.now + EVERY, payload={})

    return reactions


def _order_lanes(event: Event) -> list[str]:
    return [CHANNEL.pair_lane(event.snapshot["from_address"], event.snapshot["to_address"])]
