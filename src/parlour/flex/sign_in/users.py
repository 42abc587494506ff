"""Desktop users: who may sign in, with which roles (flex.md §3.5)."""

from collections.abc import Sequence
from typing import Final

from parlour.conversations import checks
from parlour.flex.sign_in import errors, store
from parlour.flex.sign_in.passwords import LONGEST, SHORTEST
from parlour.flex.sign_in.store import DesktopUser
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["ROLES", "DesktopUser", "add", "check_password", "everyone", "fetch", "lead_role", "reset"]

ROLES: Final = ("agent", "supervisor", "admin")
FULL_NAME_MAX: Final = checks.FRIENDLY_NAME_MAX  # characters


def lead_role(roles: Sequence[str]) -> str:
    """Return the role that counts: admin beats supervisor beats agent (flex.md §3.5)."""
    return max(roles, key=ROLES.index)


def check_password(password: str) -> None:
    """Refuse a chosen password that is too short to keep a guesser out, or too long.

    :raises ContractError: 400/45004.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise errors.invalid("password", f"a password has {SHORTEST} to {LONGEST} characters")


async def add(uow: UnitOfWork, *, identity: str, full_name: str, roles: Sequence[str], password: str) -> DesktopUser:
    """Make a user.

    :param password: its hash.
    :raises ContractError: 400/45004 for a role or name that cannot be used; 409/45007 the identity is taken;
        50203-50207 what is wrong with the identity.
    """
    checks.identity(identity)
    if not full_name.strip() or len(full_name) > FULL_NAME_MAX:
        raise errors.invalid("full_name", f"a full name has 1 to {FULL_NAME_MAX} characters")
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise errors.invalid("roles", f"a role is one of {', '.join(ROLES)}")
    kept = sorted(set(roles), key=ROLES.index)
    made = await store.insert_user(
        uow, uow.new_sid("FU"), identity=identity, full_name=full_name.strip(), roles=kept, password=password
    )
    if made is None:
        raise errors.identity_taken(identity)
    return made


async def fetch(reader: Reader, identity: str) -> DesktopUser:
    """Return the user of an identity.

    :raises ContractError: 404/45006.
    """
    found = await store.user_by_identity(reader, identity)
    if found is None:
        raise errors.no_user(identity)
    return found


async def everyone(reader: Reader) -> list[DesktopUser]:
    """Return all users of the account, by identity."""
    return await store.list_users(reader)


async def reset(uow: UnitOfWork, identity: str, password: str) -> DesktopUser:
    """Give a user another password; their sessions end, and a lock is lifted.

    :param password: its hash.
    :raises ContractError: 404/45006.
    """
    user = await fetch(uow, identity)
    await store.set_password(uow, user.sid, password)
    await store.forget_attempts(uow, identity.lower(), user.date_created)
    return user
