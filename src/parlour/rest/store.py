"""Rows of POSTs that came with an idempotency key: their SQL and its mapping."""

from datetime import datetime
from typing import Final

import msgspec

from parlour.rest.operations import Answer
from parlour.store.unit import Reader, UnitOfWork


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A request with a key.

    :ivar caller: identity of an access token, else empty.
    :ivar operation: product and path.
    :ivar holder: id of the request that works on it.
    """

    caller: str
    operation: str
    key: str
    body_hash: str
    holder: str

    @property
    def row(self) -> tuple[str, str, str]:
        """Return what names its row in the account."""
        return (self.caller, self.operation, self.key)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `idempotent_call` as a twin finds it; without a status the first is still at work."""

    body_hash: str
    status: int | None
    headers: dict[str, str] | None
    media_type: str | None
    body: bytes | None

    @property
    def answer(self) -> Answer | None:
        """Return the answer of the first, None where there is none yet."""
        if self.status is None:
            return None
        return Answer(self.status, self.body, self.headers or {}, self.media_type or "application/json")


_ROW: Final = "account_sid = $1 AND caller = $2 AND operation = $3 AND key = $4"
TAKE: Final = """
INSERT INTO idempotent_call AS c (account_sid, caller, operation, key, body_hash, holder, lease, date_created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (account_sid, caller, operation, key) DO UPDATE SET body_hash = $5, holder = $6, lease = $7,
    status = NULL, headers = NULL, media_type = NULL, body = NULL, date_created = $8
WHERE c.date_created < $9 OR (c.status IS NULL AND c.body_hash = $5 AND c.lease < $10)
RETURNING holder"""
FETCH: Final = f"SELECT body_hash, status, headers, media_type, body FROM idempotent_call WHERE {_ROW}"  # noqa: S608
HOLD: Final = f"SELECT 1 FROM idempotent_call WHERE {_ROW} AND holder = $5 AND status IS NULL FOR UPDATE"  # noqa: S608
RENEW: Final = f"UPDATE idempotent_call SET lease = $6 WHERE {_ROW} AND holder = $5 AND status IS NULL"  # noqa: S608
ANSWERED: Final = f"""
UPDATE idempotent_call SET status = $6, headers = $7, media_type = $8, body = $9
WHERE {_ROW} AND holder = $5"""  # noqa: S608
RELEASE: Final = f"DELETE FROM idempotent_call WHERE {_ROW} AND holder = $5 AND status IS NULL"  # noqa: S608


async def take(
    uow: UnitOfWork, claim: Claim, *, lease: datetime, forgotten_before: datetime, real_now: datetime
) -> bool:
    """Take a key; False where another holds it or has answered.

    :param lease: real time until which it is held without being renewed.
    :param forgotten_before: domain time before which rows count as gone.
    """
    return (
        await uow.fetchval(
            TAKE,
            uow.account_sid,
            *claim.row,
            claim.body_hash,
            claim.holder,
            lease,
            uow.now,
            forgotten_before,
            real_now,
        )
        is not None
    )


async def fetch(reader: Reader, claim: Claim) -> Known | None:
    """Return what is known of a key, None if its first was refused meanwhile."""
    record = await reader.fetchrow(FETCH, reader.account_sid, *claim.row)
    return None if record is None else Known(**record)


async def hold(uow: UnitOfWork, claim: Claim) -> bool:
    """Lock a key that is ours; False where another took it over."""
    return await uow.fetchval(HOLD, uow.account_sid, *claim.row, claim.holder) is not None


async def renew(uow: UnitOfWork, claim: Claim, lease: datetime) -> None:
    """Hold a key for longer."""
    await uow.execute(RENEW, uow.account_sid, *claim.row, claim.holder, lease)


def answered(uow: UnitOfWork, claim: Claim, answer: Answer, body: bytes) -> None:
    """Store the answer with the last statement of the unit.

    :param body: as it is sent.
    """
    uow.defer(
        ANSWERED,
        uow.account_sid,
        *claim.row,
        claim.holder,
        answer.status,
        dict(answer.headers),
        answer.media_type,
        body,
    )


async def release(uow: UnitOfWork, claim: Claim) -> None:
    """Let go of a key whose request was refused."""
    await uow.execute(RELEASE, uow.account_sid, *claim.row, claim.holder)
