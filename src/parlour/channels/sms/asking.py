"""Asks the carrier what became of a send whose answer was lost (channels.md §8.2)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from parlour.channels.sms.carrier import Listed
from parlour.channels.sms.store.sends import Send

WAIT: Final = timedelta(seconds=30)  # real time for the callback, and for the carrier's list, to show the message
WAIT_LISTED: Final = timedelta(seconds=5)  # the same, for a text without media at a carrier that lists at once
SKEW: Final = timedelta(seconds=5)  # by which the carrier's clock may be behind


def match(send: Send, listed: Sequence[Listed], owned: set[str]) -> str | None:
    """Return the carrier's SID of a send, None when its list does not show it.

    The oldest message fits that has the same text and number of media, was made after the call, and belongs to no
    other send; sends of a pair go out one after the other.
    """
    for one in reversed(listed):
        if one.provider_sid in owned or one.body != send.body or one.num_media != len(send.media):
            continue
        if _made_after_the_call(send.called_at, one.created):
            return one.provider_sid
    return None


def _made_after_the_call(called_at: datetime | None, created: datetime | None) -> bool:
    # The carrier's dates have whole seconds.
    return called_at is None or created is None or created >= called_at.replace(microsecond=0) - SKEW


def remaining(send: Send, real_now: datetime, *, lists_at_once: bool) -> timedelta:
    """Return how long the answer may still come; a carrier fetches media before it lists a message."""
    if send.called_at is None:
        return timedelta()
    wait = WAIT_LISTED if lists_at_once and not send.media else WAIT
    return max(send.called_at + wait - real_now, timedelta())


def pause(attempt: int, left: timedelta) -> timedelta:
    """Return how long to wait before the carrier is asked again: a second, then twice as long each time."""
    return min(left, timedelta(seconds=2 ** min(attempt - 1, 4)))
