"""What a wrong password costs: after a few the name is locked, each time for longer.

An attempt is counted before its password is looked at, so that many at once are no way around the lock.
"""

from datetime import datetime, timedelta
from typing import Final

from parlour.flex.sign_in import store
from parlour.store.unit import UnitOfWork

FREE: Final = 5  # wrong passwords before the first lock
FIRST_LOCK: Final = timedelta(minutes=1)
LONGEST_LOCK: Final = timedelta(minutes=15)
FORGOTTEN: Final = timedelta(days=1)  # after the last wrong one


async def begin(uow: UnitOfWork, name: str) -> datetime | None:
    """Count an attempt to sign in under a name.

    :returns: None where it may go on, else until when the name is locked.
    """
    known = await store.lock_attempts(uow, name.lower())
    if known.locked_until is not None and known.locked_until > uow.now:
        return known.locked_until
    failures = 1 if known.date_updated < uow.now - FORGOTTEN else known.failures + 1
    lock = None
    if failures >= FREE:
        lock = uow.now + min(FIRST_LOCK * 2 ** min(failures - FREE, 8), LONGEST_LOCK)
    await store.count_attempts(uow, name.lower(), failures, lock)
    return None


async def succeeded(uow: UnitOfWork, name: str) -> None:
    """Forget the attempts of a name, and those of all names that nobody tried for a day."""
    await store.forget_attempts(uow, name.lower(), uow.now - FORGOTTEN)
