"""Rows of flows and revisions. Definitions come and go as text."""

from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("FW", "studio_flow")

RUNNING: Final = """
SELECT CASE WHEN $3 = ANY (test_users) THEN revision ELSE published_revision END FROM studio_flow
WHERE account_sid = $1 AND sid = $2"""
INSERT_FLOW: Final = """
INSERT INTO studio_flow (account_sid, sid, friendly_name, revision, published_revision, date_created)
VALUES ($1, $2, $3, 0, NULL, $4)"""
ADD_REVISION: Final = """
WITH flow AS (
    UPDATE studio_flow SET
        revision = revision + 1,
        friendly_name = $3,
        published_revision = CASE WHEN $4 = 'published' THEN revision + 1 ELSE published_revision END,
        date_updated = CASE WHEN revision = 0 THEN NULL ELSE $8::timestamptz END
    WHERE account_sid = $1 AND sid = $2 RETURNING revision
)
INSERT INTO studio_revision
    (account_sid, flow_sid, revision, friendly_name, status, definition, commit_message, warnings, date_created)
SELECT $1, $2, flow.revision, $3, $4, $5, $6, $7, $8 FROM flow RETURNING revision"""
LOCK_FLOW: Final = "SELECT sid FROM studio_flow WHERE account_sid = $1 AND sid = $2 FOR UPDATE"
_FLOW: Final = """
SELECT f.account_sid, f.sid, f.friendly_name, f.revision, f.published_revision, f.test_users, f.date_created,
       f.date_updated, r.status, r.definition, r.commit_message, r.warnings
FROM studio_flow f JOIN studio_revision r
    ON r.account_sid = f.account_sid AND r.flow_sid = f.sid AND r.revision = f.revision"""
FETCH_FLOW: Final = _FLOW + " WHERE f.account_sid = $1 AND f.sid = $2"
FLOW_BY_NAME: Final = _FLOW + " WHERE f.account_sid = $1 AND f.friendly_name = $2 ORDER BY f.sid LIMIT 1"
LIST_FLOWS: Final = (
    _FLOW + " WHERE f.account_sid = $1 AND ($2::text IS NULL OR f.sid < $2) ORDER BY f.sid DESC LIMIT $3"
)
DELETE_FLOW: Final = "DELETE FROM studio_flow WHERE account_sid = $1 AND sid = $2 RETURNING sid"
SET_TEST_USERS: Final = "UPDATE studio_flow SET test_users = $3 WHERE account_sid = $1 AND sid = $2 RETURNING sid"
_REVISION: Final = """
SELECT account_sid, flow_sid, revision, friendly_name, status, definition, commit_message, warnings, date_created
FROM studio_revision"""
FETCH_REVISION: Final = f"""{_REVISION} WHERE account_sid = $1 AND flow_sid = $2 AND revision = $3"""
LIST_REVISIONS: Final = f"""{_REVISION}
WHERE account_sid = $1 AND flow_sid = $2 AND ($3::integer IS NULL OR revision < $3)
ORDER BY revision DESC LIMIT $4"""


class Flow(msgspec.Struct, frozen=True):
    """A flow with its newest revision."""

    account_sid: str
    sid: str
    friendly_name: str
    revision: int
    published_revision: int | None
    test_users: list[str]
    date_created: datetime
    date_updated: datetime | None
    status: str
    definition: str
    commit_message: str | None
    warnings: list[Any]


class Revision(msgspec.Struct, frozen=True):
    """One saved definition of a flow."""

    account_sid: str
    flow_sid: str
    revision: int
    friendly_name: str
    status: str
    definition: str
    commit_message: str | None
    warnings: list[Any]
    date_created: datetime


async def insert_flow(uow: UnitOfWork, sid: str, friendly_name: str) -> None:
    """Write a flow that has no revision yet."""
    await uow.execute(INSERT_FLOW, uow.account_sid, sid, friendly_name, uow.now)


async def add_revision(
    uow: UnitOfWork,
    sid: str,
    *,
    friendly_name: str,
    status: str,
    definition: str,
    commit_message: str | None,
    warnings: list[Any],
) -> int | None:
    """Write the next revision; None when there is no such flow."""
    number: int | None = await uow.fetchval(
        ADD_REVISION, uow.account_sid, sid, friendly_name, status, definition, commit_message, warnings, uow.now
    )
    return number


async def lock_flow(uow: UnitOfWork, sid: str) -> bool:
    """Lock a flow; say whether it exists."""
    return await uow.fetchval(LOCK_FLOW, uow.account_sid, sid) is not None


async def fetch_flow(reader: Reader, sid: str) -> Flow | None:
    """Return a flow."""
    row = await reader.fetchrow(FETCH_FLOW, reader.account_sid, sid)
    return None if row is None else Flow(**row)


async def running_revision(reader: Reader, sid: str, contact: str) -> int | None:
    """Return the revision that a contact runs, None when there is none."""
    number: int | None = await reader.fetchval(RUNNING, reader.account_sid, sid, contact)
    return number


async def flow_by_name(reader: Reader, friendly_name: str) -> Flow | None:
    """Return the oldest flow of that name."""
    row = await reader.fetchrow(FLOW_BY_NAME, reader.account_sid, friendly_name)
    return None if row is None else Flow(**row)


async def list_flows(reader: Reader, after: str | None, limit: int) -> list[Flow]:
    """Return flows, newest first."""
    return [Flow(**row) for row in await reader.fetch(LIST_FLOWS, reader.account_sid, after, limit)]


async def delete_flow(uow: UnitOfWork, sid: str) -> bool:
    """Remove a flow with its revisions and executions; say whether it was there."""
    return await uow.fetchval(DELETE_FLOW, uow.account_sid, sid) is not None


async def set_test_users(uow: UnitOfWork, sid: str, users: list[str]) -> bool:
    """Replace the test users; say whether the flow exists."""
    return await uow.fetchval(SET_TEST_USERS, uow.account_sid, sid, users) is not None


async def fetch_revision(reader: Reader, sid: str, number: int) -> Revision | None:
    """Return a revision."""
    row = await reader.fetchrow(FETCH_REVISION, reader.account_sid, sid, number)
    return None if row is None else Revision(**row)


async def list_revisions(reader: Reader, sid: str, before: int | None, limit: int) -> list[Revision]:
    """Return revisions, newest first."""
    return [Revision(**row) for row in await reader.fetch(LIST_REVISIONS, reader.account_sid, sid, before, limit)]
