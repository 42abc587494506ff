"""Rows that say who owns the work of a channel, and how it comes back."""

from typing import Any, Final

from parlour.flex.store import Channel, Invite, Participant
from parlour.store.unit import Reader, UnitOfWork

# Somebody owns the work: an offer that goes on, or an agent who holds it and is not about to leave.
OWNERS: Final = """
SELECT count(*) FROM interaction_invite AS i
JOIN task AS t ON t.account_sid = i.account_sid AND t.sid = i.task_sid
WHERE i.account_sid = $1 AND i.channel_sid = $2 AND i.task_sid <> $3 AND (
    t.assignment_status IN ('pending', 'reserved')
    OR (t.assignment_status IN ('assigned', 'wrapping') AND EXISTS (
        SELECT 1 FROM reservation AS r
        LEFT JOIN interaction_participant AS p ON p.account_sid = r.account_sid AND p.reservation_sid = r.sid
        WHERE r.account_sid = t.account_sid AND r.task_sid = t.sid AND p.leaving IS NULL
            AND (r.reservation_status = 'accepted' OR (r.reservation_status = 'wrapping' AND $4::boolean)))))"""
PARK: Final = """
UPDATE interaction_channel SET parked = TRUE, parked_at = $4, wake = $5, status = $3, date_updated = $4
WHERE account_sid = $1 AND sid = $2"""
WAKE: Final = """
UPDATE interaction_channel SET parked = FALSE, parked_at = NULL, status = 'active', date_updated = $3
WHERE account_sid = $1 AND sid = $2"""
SET_LEAVING: Final = """
UPDATE interaction_participant SET leaving = $3, away = away OR $4, date_updated = $5
WHERE account_sid = $1 AND sid = $2"""
FETCH_PARTICIPANT: Final = """
SELECT * FROM interaction_participant WHERE account_sid = $1 AND channel_sid = $2 AND sid = $3"""
PARTICIPANT_OF_MEMBER: Final = """
SELECT * FROM interaction_participant
WHERE account_sid = $1 AND channel_sid = $2 AND conversation_participant_sid = $3 AND left_at IS NULL LIMIT 1"""
PRESENT_AGENTS: Final = """
SELECT * FROM interaction_participant
WHERE account_sid = $1 AND channel_sid = $2 AND type = 'agent' AND left_at IS NULL AND reservation_sid IS NOT NULL
ORDER BY sid"""
STAFF: Final = """
SELECT DISTINCT identity FROM interaction_participant
WHERE account_sid = $1 AND channel_sid = $2 AND type NOT IN ('customer', 'external', 'unknown')"""
INVITED: Final = """
SELECT * FROM interaction_participant
WHERE account_sid = $1 AND task_sid = $2 AND type = 'agent' AND reservation_sid IS NULL AND left_at IS NULL"""
JOINED: Final = """
UPDATE interaction_participant
SET conversation_participant_sid = $3, identity = $4, worker_sid = $5, reservation_sid = $6, date_updated = $7
WHERE account_sid = $1 AND sid = $2"""
ANY_AGENT_EVER: Final = """
SELECT EXISTS (SELECT 1 FROM interaction_participant
WHERE account_sid = $1 AND channel_sid = $2 AND type = 'agent' AND reservation_sid IS NOT NULL)"""
INVITE_OF_TRANSFER: Final = """
SELECT * FROM interaction_invite WHERE account_sid = $1 AND transfer_sid = $2 ORDER BY sid DESC LIMIT 1"""
PAUSED_BY: Final = """
SELECT * FROM interaction_channel
WHERE account_sid = $1 AND status = 'pause' AND wake->>'worker_sid' = $2 AND sid > $3 ORDER BY sid LIMIT $4"""


async def owners(reader: Reader, channel_sid: str, *, other_than: str = "", wrapping: bool = True) -> int:
    """Count the tasks of a channel by which somebody owns its work.

    :param wrapping: whether an agent who wraps up counts.
    """
    return int(await reader.fetchval(OWNERS, reader.account_sid, channel_sid, other_than, wrapping))


async def park(uow: UnitOfWork, sid: str, status: str, wake: dict[str, Any]) -> None:
    """Write that a channel waits without an owner, and how its work comes back."""
    await uow.execute(PARK, uow.account_sid, sid, status, uow.now, wake)


async def wake(uow: UnitOfWork, sid: str) -> None:
    """Write that a channel has owners again."""
    await uow.execute(WAKE, uow.account_sid, sid, uow.now)


async def set_leaving(uow: UnitOfWork, sid: str, why: str, *, away: bool) -> None:
    """Write that an agent leaves a channel that goes on.

    :param away: whether they are out of the conversation already.
    """
    await uow.execute(SET_LEAVING, uow.account_sid, sid, why, away, uow.now)


async def fetch_participant(reader: Reader, channel_sid: str, sid: str) -> Participant | None:
    """Return a participant of a channel, also one who left."""
    row = await reader.fetchrow(FETCH_PARTICIPANT, reader.account_sid, channel_sid, sid)
    return None if row is None else Participant(**row)


async def participant_of_member(reader: Reader, channel_sid: str, member_sid: str) -> Participant | None:
    """Return the participant of a channel who is a given one of its conversation."""
    row = await reader.fetchrow(PARTICIPANT_OF_MEMBER, reader.account_sid, channel_sid, member_sid)
    return None if row is None else Participant(**row)


async def present_agents(reader: Reader, channel_sid: str) -> list[Participant]:
    """Return the agents who joined a channel and did not leave it."""
    rows = await reader.fetch(PRESENT_AGENTS, reader.account_sid, channel_sid)
    return [Participant(**row) for row in rows]


async def staff(reader: Reader, channel_sid: str) -> set[str]:
    """Return the identities of all agents and supervisors that a channel ever had."""
    return {row["identity"] for row in await reader.fetch(STAFF, reader.account_sid, channel_sid)}


async def invited(reader: Reader, task_sid: str) -> Participant | None:
    """Return the agent who was added before they accepted."""
    row = await reader.fetchrow(INVITED, reader.account_sid, task_sid)
    return None if row is None else Participant(**row)


async def joined(uow: UnitOfWork, row: Participant) -> None:
    """Write the acceptance of an agent who was added before."""
    await uow.execute(
        JOINED,
        uow.account_sid,
        row.sid,
        row.conversation_participant_sid,
        row.identity,
        row.worker_sid,
        row.reservation_sid,
        uow.now,
    )


async def any_agent_ever(reader: Reader, channel_sid: str) -> bool:
    """Say whether an agent ever joined a channel."""
    return bool(await reader.fetchval(ANY_AGENT_EVER, reader.account_sid, channel_sid))


async def invite_of_transfer(reader: Reader, transfer_sid: str) -> Invite | None:
    """Return the latest invite of a transfer."""
    row = await reader.fetchrow(INVITE_OF_TRANSFER, reader.account_sid, transfer_sid)
    return None if row is None else Invite(**row)


async def paused_by(reader: Reader, worker_sid: str, after: str, limit: int) -> list[Channel]:
    """Return the channels that a worker paused, in the order of their making."""
    rows = await reader.fetch(PAUSED_BY, reader.account_sid, worker_sid, after, limit)
    return [Channel(**row) for row in rows]
