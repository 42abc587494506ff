"""Flex users: desktop users with what else is known of them."""

from datetime import datetime
from typing import Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork


class FlexUser(msgspec.Struct, frozen=True, kw_only=True):
    """A desktop user, their worker, and their user in the Flex service of Conversations.

    :ivar user_sid: of Conversations; None before the first sign-in.
    """

    account_sid: str
    sid: str
    identity: str
    roles: list[str]
    worker_sid: str | None
    user_sid: str | None
    workspace_sid: str
    instance_sid: str
    email: str
    locale: str
    version: int
    date_created: datetime
    date_updated: datetime


FETCH: Final = """
SELECT u.account_sid, u.sid, u.identity, u.roles, u.worker_sid, c.sid AS user_sid,
    f.taskrouter_workspace_sid AS workspace_sid, f.flex_instance_sid AS instance_sid,
    coalesce(p.email, '') AS email, coalesce(p.locale, '') AS locale, coalesce(p.version, 1) AS version,
    u.date_created, greatest(u.date_updated, p.date_updated) AS date_updated
FROM desktop_user AS u
JOIN flex_configuration AS f ON f.account_sid = u.account_sid
LEFT JOIN flex_user_profile AS p ON p.account_sid = u.account_sid AND p.user_sid = u.sid
LEFT JOIN chat_user AS c ON c.account_sid = u.account_sid
    AND c.chat_service_sid = f.chat_service_instance_sid AND c.identity = u.identity
WHERE u.account_sid = $1 AND f.flex_instance_sid = $2 AND u.sid = $3"""
PUT_PROFILE: Final = """
INSERT INTO flex_user_profile (account_sid, user_sid, email, locale, version, date_updated)
VALUES ($1, $2, $3, $4, 2, $5)
ON CONFLICT (account_sid, user_sid) DO UPDATE SET email = $3, locale = $4, version = flex_user_profile.version + 1,
    date_updated = $5"""


async def fetch(reader: Reader, instance_sid: str, sid: str) -> FlexUser | None:
    """Return a user of a Flex instance."""
    record = await reader.fetchrow(FETCH, reader.account_sid, instance_sid, sid)
    return None if record is None else FlexUser(**record)


async def put_profile(uow: UnitOfWork, sid: str, *, email: str, locale: str) -> None:
    """Write what is known of a user."""
    await uow.execute(PUT_PROFILE, uow.account_sid, sid, email, locale, uow.now)
