"""Failpoints: named moments at which a test has processes killed (ACCEPTANCE 5).

Nothing is armed unless the fault routes of demo and ephemeral mode arm it.
"""

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BEFORE_ANSWER: Final = "rest.before_answer"  # the work is committed, the caller has not heard
BEFORE_COMMIT: Final = "store.before_commit"  # a unit of work is written and not committed
INBOUND_READ: Final = "carrier.inbound_read"  # the carrier's webhook is read and nothing of it stored
INBOUND_STORED: Final = "carrier.inbound_stored"  # the carrier's webhook is stored, the carrier has not heard
CARRIER_ACCEPTED: Final = "carrier.accepted"  # the carrier took the message, we have not written that down
JOBS_CLAIMED: Final = "outbox.claimed"  # lanes are ours, nothing has run
JOB_DONE: Final = "outbox.done"  # a job's work is committed, its lane is not given back
WEBHOOK_ASKED: Final = "webhooks.asked"  # a pre-event was answered, nothing is applied
KEY_TAKEN: Final = "idempotency.taken"  # a request with a key holds it, nothing is done
RESERVING: Final = "taskrouter.reserving"  # reservations are written and not committed
FLOW_ANSWERED: Final = "studio.answered"  # a flow's request was answered, nothing is applied
NAMES: Final = (
    BEFORE_ANSWER,
    BEFORE_COMMIT,
    INBOUND_READ,
    INBOUND_STORED,
    CARRIER_ACCEPTED,
    JOBS_CLAIMED,
    JOB_DONE,
    WEBHOOK_ASKED,
    KEY_TAKEN,
    RESERVING,
    FLOW_ANSWERED,
)


@dataclass
class Armed:
    """A failpoint that will kill when it has been passed ``after`` more times."""

    after: int
    pids: Sequence[int]


_armed: dict[str, Armed] = {}


def arm(name: str, *, after: int, pids: Sequence[int]) -> None:
    """Have the processes ``pids`` killed when ``name`` is passed for the ``after``-th time from now."""
    if name not in NAMES:
        raise ValueError(f"'{name}' is not one of {', '.join(NAMES)}")
    _armed[name] = Armed(after, tuple(pids))


def passing(name: str) -> None:
    """Pass a failpoint: nothing happens unless it is armed."""
    if not _armed:
        return
    armed = _armed.get(name)
    if armed is None:
        return
    armed.after -= 1
    if armed.after <= 0:
        del _armed[name]
        for pid in armed.pids:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself since
                os.kill(pid, signal.SIGKILL)
