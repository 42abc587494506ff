"""Rows of Flex."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("KD", "interaction")
refs.register("UO", "interaction_channel")
refs.register("KG", "interaction_invite")
refs.register("UT", "interaction_participant")
refs.register("GO", "flex_configuration", "flex_instance_sid")

INSERT_CONFIGURATION: Final = """
INSERT INTO flex_configuration (account_sid, flex_instance_sid, chat_service_instance_sid, taskrouter_workspace_sid,
    taskrouter_target_workflow_sid, taskrouter_target_taskqueue_sid, taskrouter_offline_activity_sid, settings,
    date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"""
FETCH_CONFIGURATION: Final = "SELECT * FROM flex_configuration WHERE account_sid = $1"
LOCK_CONFIGURATION: Final = f"{FETCH_CONFIGURATION} FOR UPDATE"
UPDATE_CONFIGURATION: Final = """
UPDATE flex_configuration SET chat_service_instance_sid = $2, taskrouter_workspace_sid = $3,
    taskrouter_target_workflow_sid = $4, taskrouter_target_taskqueue_sid = $5, taskrouter_offline_activity_sid = $6,
    settings = $7, date_updated = $8
WHERE account_sid = $1"""

INSERT_INTERACTION: Final = """
INSERT INTO interaction (account_sid, sid, initiated_by, routing, interaction_context_sid, webhook_ttid,
    date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"""
FETCH_INTERACTION: Final = """
SELECT i.*, c.sid AS channel_sid, c.type AS channel_type FROM interaction AS i
JOIN interaction_channel AS c ON c.account_sid = i.account_sid AND c.interaction_sid = i.sid
WHERE i.account_sid = $1 AND i.sid = $2 ORDER BY c.sid LIMIT 1"""

INSERT_CHANNEL: Final = """
INSERT INTO interaction_channel (account_sid, sid, interaction_sid, conversation_sid, type, status, customer_address,
    customer_name, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $8)
ON CONFLICT (account_sid, conversation_sid) WHERE status NOT IN ('closed', 'failed') DO NOTHING RETURNING sid"""
FETCH_CHANNEL: Final = "SELECT * FROM interaction_channel WHERE account_sid = $1 AND interaction_sid = $2 AND sid = $3"
LOCK_CHANNEL: Final = "SELECT * FROM interaction_channel WHERE account_sid = $1 AND sid = $2 FOR UPDATE"
OPEN_CHANNEL_OF_CONVERSATION: Final = """
SELECT * FROM interaction_channel
WHERE account_sid = $1 AND conversation_sid = $2 AND status NOT IN ('closed', 'failed')"""
LIST_CHANNELS: Final = """
SELECT * FROM interaction_channel WHERE account_sid = $1 AND interaction_sid = $2 AND sid > $3 ORDER BY sid LIMIT $4"""
SET_CHANNEL_STATUS: Final = """
UPDATE interaction_channel SET status = $3, parked = FALSE, date_updated = $4 WHERE account_sid = $1 AND sid = $2"""

INSERT_INVITE: Final = """
INSERT INTO interaction_invite (account_sid, sid, interaction_sid, channel_sid, task_sid, routing, date_created,
    date_updated, auto_accept, transfer_sid)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)"""
LOCK_WORK: Final = """
SELECT c.*, to_jsonb(i) AS invite FROM interaction_invite AS i
JOIN interaction_channel AS c ON c.account_sid = i.account_sid AND c.sid = i.channel_sid
WHERE i.account_sid = $1 AND i.task_sid = $2 FOR UPDATE OF c"""
INVITES_OF_TASKS: Final = "SELECT * FROM interaction_invite WHERE account_sid = $1 AND task_sid = ANY($2)"
INVITE_OF_TASK: Final = "SELECT * FROM interaction_invite WHERE account_sid = $1 AND task_sid = $2"
AUTO_ACCEPTED: Final = """
SELECT task_sid FROM interaction_invite WHERE account_sid = $1 AND task_sid = ANY($2) AND auto_accept"""
LIST_INVITES: Final = """
SELECT * FROM interaction_invite WHERE account_sid = $1 AND channel_sid = $2 AND sid > $3 ORDER BY sid LIMIT $4"""
FETCH_INVITE: Final = "SELECT * FROM interaction_invite WHERE account_sid = $1 AND channel_sid = $2 AND sid = $3"
TASKS_OF_CHANNEL: Final = "SELECT task_sid FROM interaction_invite WHERE account_sid = $1 AND channel_sid = $2"
SET_INVITE_STATUS: Final = """
UPDATE interaction_invite SET status = $3, date_updated = $4 WHERE account_sid = $1 AND sid = $2"""
LIVE_INVITES: Final = """
SELECT * FROM interaction_invite WHERE account_sid = $1 AND channel_sid = $2 AND status <> 'ended' ORDER BY sid"""

INSERT_PARTICIPANT: Final = """
INSERT INTO interaction_participant (account_sid, sid, interaction_sid, channel_sid, type,
    conversation_participant_sid, identity, task_sid, worker_sid, reservation_sid, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)"""
LIST_PARTICIPANTS: Final = """
SELECT * FROM interaction_participant
WHERE account_sid = $1 AND channel_sid = $2 AND left_at IS NULL AND sid > $3 ORDER BY sid LIMIT $4"""
AGENTS_OF_TASK: Final = """
SELECT * FROM interaction_participant
WHERE account_sid = $1 AND task_sid = $2 AND type = 'agent' AND left_at IS NULL
    AND ($3::text IS NULL OR reservation_sid = $3)
ORDER BY sid FOR UPDATE"""
PARTICIPANT_LEFT: Final = """
UPDATE interaction_participant SET left_at = $3, date_updated = $3 WHERE account_sid = $1 AND sid = $2"""
AGENTS_WITH_IDENTITY: Final = """
SELECT count(*) FROM interaction_participant
WHERE account_sid = $1 AND channel_sid = $2 AND identity = $3 AND type = 'agent' AND left_at IS NULL
    AND NOT away AND reservation_sid IS NOT NULL"""


class Configuration(msgspec.Struct, frozen=True):
    """The Flex configuration of an account."""

    account_sid: str
    flex_instance_sid: str
    chat_service_instance_sid: str
    taskrouter_workspace_sid: str
    taskrouter_target_workflow_sid: str
    taskrouter_target_taskqueue_sid: str
    taskrouter_offline_activity_sid: str
    settings: dict[str, Any]
    date_created: datetime
    date_updated: datetime


class Interaction(msgspec.Struct, frozen=True):
    """An interaction with its one channel."""

    account_sid: str
    sid: str
    initiated_by: str
    routing: dict[str, Any]
    interaction_context_sid: str | None
    webhook_ttid: str | None
    date_created: datetime
    date_updated: datetime
    channel_sid: str
    channel_type: str


class Channel(msgspec.Struct, frozen=True):
    """An interaction channel: a conversation as the agents' work."""

    account_sid: str
    sid: str
    interaction_sid: str
    conversation_sid: str
    type: str
    status: str
    error_code: int | None
    error_message: str | None
    customer_address: str
    customer_name: str
    parked: bool
    date_created: datetime
    date_updated: datetime
    parked_at: datetime | None = None
    wake: dict[str, Any] | None = None


class Invite(msgspec.Struct, frozen=True):
    """An invite: a task that asks an agent into a channel."""

    account_sid: str
    sid: str
    interaction_sid: str
    channel_sid: str
    task_sid: str
    status: str
    routing: dict[str, Any]
    date_created: datetime
    date_updated: datetime
    auto_accept: bool = False
    transfer_sid: str | None = None


class Participant(msgspec.Struct, frozen=True):
    """Somebody in an interaction channel."""

    account_sid: str
    sid: str
    interaction_sid: str
    channel_sid: str
    type: str
    conversation_participant_sid: str | None
    identity: str | None
    task_sid: str | None
    worker_sid: str | None
    reservation_sid: str | None
    left_at: datetime | None
    date_created: datetime
    date_updated: datetime
    leaving: str | None = None
    away: bool = False


async def insert_configuration(uow: UnitOfWork, row: Configuration) -> None:
    """Write the configuration of a new account."""
    await uow.execute(
        INSERT_CONFIGURATION,
        uow.account_sid,
        row.flex_instance_sid,
        row.chat_service_instance_sid,
        row.taskrouter_workspace_sid,
        row.taskrouter_target_workflow_sid,
        row.taskrouter_target_taskqueue_sid,
        row.taskrouter_offline_activity_sid,
        row.settings,
        uow.now,
    )


async def fetch_configuration(reader: Reader) -> Configuration | None:
    """Return the account's configuration."""
    row = await reader.fetchrow(FETCH_CONFIGURATION, reader.account_sid)
    return None if row is None else Configuration(**row)


async def lock_configuration(uow: UnitOfWork) -> Configuration | None:
    """Return the account's configuration, locked."""
    row = await uow.fetchrow(LOCK_CONFIGURATION, uow.account_sid)
    return None if row is None else Configuration(**row)


async def update_configuration(uow: UnitOfWork, row: Configuration) -> None:
    """Write the changeable columns of the locked configuration."""
    await uow.execute(
        UPDATE_CONFIGURATION,
        uow.account_sid,
        row.chat_service_instance_sid,
        row.taskrouter_workspace_sid,
        row.taskrouter_target_workflow_sid,
        row.taskrouter_target_taskqueue_sid,
        row.taskrouter_offline_activity_sid,
        row.settings,
        row.date_updated,
    )


async def insert_interaction(uow: UnitOfWork, row: Interaction) -> None:
    """Write an interaction."""
    await uow.execute(
        INSERT_INTERACTION,
        uow.account_sid,
        row.sid,
        row.initiated_by,
        row.routing,
        row.interaction_context_sid,
        row.webhook_ttid,
        uow.now,
    )


async def fetch_interaction(reader: Reader, sid: str) -> Interaction | None:
    """Return an interaction."""
    row = await reader.fetchrow(FETCH_INTERACTION, reader.account_sid, sid)
    return None if row is None else Interaction(**row)


async def insert_channel(uow: UnitOfWork, row: Channel) -> bool:
    """Write an active channel; False where the conversation has an open one."""
    sid = await uow.fetchval(
        INSERT_CHANNEL,
        uow.account_sid,
        row.sid,
        row.interaction_sid,
        row.conversation_sid,
        row.type,
        row.customer_address,
        row.customer_name,
        uow.now,
    )
    return sid is not None


async def fetch_channel(reader: Reader, interaction_sid: str, sid: str) -> Channel | None:
    """Return a channel of an interaction."""
    row = await reader.fetchrow(FETCH_CHANNEL, reader.account_sid, interaction_sid, sid)
    return None if row is None else Channel(**row)


async def lock_channel(uow: UnitOfWork, sid: str) -> Channel:
    """Lock a channel that exists."""
    row = await uow.fetchrow(LOCK_CHANNEL, uow.account_sid, sid)
    if row is None:
        raise LookupError(sid)
    return Channel(**row)


async def open_channel_of(reader: Reader, conversation_sid: str) -> Channel | None:
    """Return the channel that is open on a conversation."""
    row = await reader.fetchrow(OPEN_CHANNEL_OF_CONVERSATION, reader.account_sid, conversation_sid)
    return None if row is None else Channel(**row)


async def list_channels(reader: Reader, interaction_sid: str, after: str, limit: int) -> list[Channel]:
    """Return channels of an interaction in the order of their making."""
    rows = await reader.fetch(LIST_CHANNELS, reader.account_sid, interaction_sid, after, limit)
    return [Channel(**row) for row in rows]


async def set_channel_status(uow: UnitOfWork, sid: str, status: str) -> None:
    """Write the status of a channel."""
    await uow.execute(SET_CHANNEL_STATUS, uow.account_sid, sid, status, uow.now)


async def insert_invite(uow: UnitOfWork, row: Invite) -> None:
    """Write a pending invite."""
    await uow.execute(
        INSERT_INVITE,
        uow.account_sid,
        row.sid,
        row.interaction_sid,
        row.channel_sid,
        row.task_sid,
        row.routing,
        uow.now,
        row.auto_accept,
        row.transfer_sid,
    )


async def invite_of_task(reader: Reader, task_sid: str) -> Invite | None:
    """Return the invite whose task this is; None for a task without an interaction."""
    row = await reader.fetchrow(INVITE_OF_TASK, reader.account_sid, task_sid)
    return None if row is None else Invite(**row)


async def auto_accepted(reader: Reader, task_sids: Sequence[str]) -> set[str]:
    """Return those of some tasks whose invite has an offer accepted at once."""
    rows = await reader.fetch(AUTO_ACCEPTED, reader.account_sid, list(task_sids))
    return {row["task_sid"] for row in rows}


async def lock_work(uow: UnitOfWork, task_sid: str) -> tuple[Invite, Channel] | None:
    """Return the invite whose task this is with its channel, locked; None for a task without an interaction."""
    row = await uow.fetchrow(LOCK_WORK, uow.account_sid, task_sid)
    if row is None:
        return None
    columns = dict(row)
    invite = msgspec.convert(columns.pop("invite"), Invite)
    return invite, Channel(**columns)


async def invites_of_tasks(reader: Reader, task_sids: list[str]) -> dict[str, Invite]:
    """Return the invites of several tasks, by task."""
    rows = await reader.fetch(INVITES_OF_TASKS, reader.account_sid, task_sids)
    return {row["task_sid"]: Invite(**row) for row in rows}


async def fetch_invite(reader: Reader, channel_sid: str, sid: str) -> Invite | None:
    """Return an invite of a channel."""
    row = await reader.fetchrow(FETCH_INVITE, reader.account_sid, channel_sid, sid)
    return None if row is None else Invite(**row)


async def tasks_of_channel(reader: Reader, channel_sid: str) -> list[str]:
    """Return the tasks of all invites that a channel ever had."""
    return [row["task_sid"] for row in await reader.fetch(TASKS_OF_CHANNEL, reader.account_sid, channel_sid)]


async def list_invites(reader: Reader, channel_sid: str, after: str, limit: int) -> list[Invite]:
    """Return invites of a channel in the order of their making."""
    rows = await reader.fetch(LIST_INVITES, reader.account_sid, channel_sid, after, limit)
    return [Invite(**row) for row in rows]


async def live_invites(reader: Reader, channel_sid: str) -> list[Invite]:
    """Return the invites of a channel whose task goes on."""
    return [Invite(**row) for row in await reader.fetch(LIVE_INVITES, reader.account_sid, channel_sid)]


async def set_invite_status(uow: UnitOfWork, sid: str, status: str) -> None:
    """Write the status of an invite."""
    await uow.execute(SET_INVITE_STATUS, uow.account_sid, sid, status, uow.now)


async def insert_participant(uow: UnitOfWork, row: Participant) -> None:
    """Write a participant of a channel."""
    await uow.execute(
        INSERT_PARTICIPANT,
        uow.account_sid,
        row.sid,
        row.interaction_sid,
        row.channel_sid,
        row.type,
        row.conversation_participant_sid,
        row.identity,
        row.task_sid,
        row.worker_sid,
        row.reservation_sid,
        uow.now,
    )


async def list_participants(reader: Reader, channel_sid: str, after: str, limit: int) -> list[Participant]:
    """Return who is in a channel."""
    rows = await reader.fetch(LIST_PARTICIPANTS, reader.account_sid, channel_sid, after, limit)
    return [Participant(**row) for row in rows]


async def agents_of_task(uow: UnitOfWork, task_sid: str, reservation_sid: str | None) -> list[Participant]:
    """Lock the agents that a task (or one reservation of it) brought into its channel."""
    rows = await uow.fetch(AGENTS_OF_TASK, uow.account_sid, task_sid, reservation_sid)
    return [Participant(**row) for row in rows]


async def participant_left(uow: UnitOfWork, sid: str) -> None:
    """Write that a participant left."""
    await uow.execute(PARTICIPANT_LEFT, uow.account_sid, sid, uow.now)


async def agents_with_identity(reader: Reader, channel_sid: str, identity: str) -> int:
    """Count the agents of a channel with an identity."""
    return int(await reader.fetchval(AGENTS_WITH_IDENTITY, reader.account_sid, channel_sid, identity))
