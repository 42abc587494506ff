"""The queries that find orphans: each gives conversation, channel and since when (flex.md §6)."""

from typing import Final

from parlour.store.unit import Reader

_OPEN: Final = """
FROM interaction_channel AS c
JOIN conversation AS v ON v.account_sid = c.account_sid AND v.sid = c.conversation_sid
WHERE c.account_sid = $1"""
_GIVES: Final = "SELECT c.conversation_sid, c.sid AS channel_sid, greatest(c.date_updated, v.last_message_at) AS since"
_GOING: Final = "v.state <> 'closed' AND v.removed_at IS NULL"
_WORKED_ON: Final = f"{_GOING} AND c.status NOT IN ('closed', 'failed')"
_NOT_PARKED: Final = f"{_WORKED_ON} AND NOT c.parked AND c.status NOT IN ('inactive', 'pause')"
_NO_NEWER: Final = """NOT EXISTS (
    SELECT 1 FROM interaction_channel AS o
    WHERE o.account_sid = c.account_sid AND o.conversation_sid = c.conversation_sid AND o.sid > c.sid)"""
_TASKS: Final = """FROM interaction_invite AS i
    LEFT JOIN task AS t ON t.account_sid = i.account_sid AND t.sid = i.task_sid
    WHERE i.account_sid = c.account_sid AND i.channel_sid = c.sid"""
_LIVE: Final = "t.assignment_status IN ('pending', 'reserved', 'assigned', 'wrapping')"
_HELD: Final = """EXISTS (
    SELECT 1 FROM reservation AS r
    WHERE r.account_sid = t.account_sid AND r.task_sid = t.sid AND r.reservation_status IN ({statuses}))"""

HOLDERS: Final = """
SELECT r.workspace_sid, r.worker_sid, r.task_sid, r.sid AS reservation_sid, p.sid AS participant_sid
FROM interaction_invite AS i
JOIN reservation AS r ON r.account_sid = i.account_sid AND r.task_sid = i.task_sid
LEFT JOIN interaction_participant AS p ON p.account_sid = r.account_sid AND p.reservation_sid = r.sid
LEFT JOIN participant AS m ON m.account_sid = p.account_sid AND m.sid = p.conversation_participant_sid
WHERE i.account_sid = $1 AND i.channel_sid = $2 AND r.reservation_status = 'accepted'
    AND (p.sid IS NULL OR (NOT p.away AND coalesce(m.removed_at IS NOT NULL, TRUE)))
ORDER BY r.sid"""
_NONE_LIVE: Final = f"NOT EXISTS (SELECT 1 {_TASKS} AND {_LIVE})"
_ANY_TASK: Final = f"EXISTS (SELECT 1 {_TASKS} AND t.sid IS NOT NULL)"
_ANY_INVITE: Final = f"EXISTS (SELECT 1 {_TASKS})"

KINDS: Final = tuple(
    (name, cause, f"{_GIVES} {_OPEN} AND {where}")
    for name, cause, where in (
        ("closed_conversation", "its conversation is closed, and agents still have its work",
         "(v.state = 'closed' OR v.removed_at IS NOT NULL) AND c.status NOT IN ('closed', 'failed')"),
        ("failed_channel", "its interaction channel failed", f"{_GOING} AND c.status = 'failed' AND {_NO_NEWER}"),
        ("closed_channel", "its interaction channel is closed", f"{_GOING} AND c.status = 'closed' AND {_NO_NEWER}"),
        ("left_unmarked", "its agents left without a way back",
         f"{_WORKED_ON} AND NOT c.parked AND c.status IN ('inactive', 'pause')"),
        ("never_wakes", "it is parked, and the customer's message would wake nobody",
         f"{_WORKED_ON} AND c.parked AND (c.wake IS NULL OR v.listeners->>'parked' IS DISTINCT FROM c.sid)"),
        ("no_invite", "nobody was ever invited to it", f"{_NOT_PARKED} AND NOT {_ANY_INVITE}"),
        ("task_gone", "its task is gone", f"{_NOT_PARKED} AND {_ANY_INVITE} AND NOT {_ANY_TASK}"),
        ("task_ended", "its last task ended without it", f"{_NOT_PARKED} AND {_ANY_TASK} AND {_NONE_LIVE}"),
        ("nobody_holds", "its task is assigned, and no agent holds it", f"""{_NOT_PARKED} AND EXISTS (
            SELECT 1 {_TASKS} AND t.assignment_status IN ('assigned', 'wrapping')
            AND NOT {_HELD.format(statuses="'accepted', 'wrapping'")})"""),
        ("nobody_offered", "its task is reserved, and no agent has the offer", f"""{_NOT_PARKED} AND EXISTS (
            SELECT 1 {_TASKS} AND t.assignment_status = 'reserved' AND NOT {_HELD.format(statuses="'pending'")})"""),
        ("no_queue", "its task waits in a queue that does not exist", f"""{_NOT_PARKED} AND EXISTS (
            SELECT 1 {_TASKS} AND t.assignment_status = 'pending' AND NOT EXISTS (
                SELECT 1 FROM task_queue AS q WHERE q.account_sid = t.account_sid AND q.sid = t.task_queue_sid))"""),  # noqa: S608
        ("agent_outside", "the agent who holds its task is not in the conversation",
         f"{_WORKED_ON} AND EXISTS ({HOLDERS.replace('$2', 'c.sid').replace('ORDER BY r.sid', '')})"),
    )
)  # fmt: skip

LATEST_TASK: Final = """
SELECT t.workspace_sid, t.sid FROM interaction_invite AS i
JOIN task AS t ON t.account_sid = i.account_sid AND t.sid = i.task_sid
WHERE i.account_sid = $1 AND i.channel_sid = $2 ORDER BY i.sid DESC LIMIT 1"""
# Also those whose invite is lost: they name the channel in their attributes.
TASKS_OF: Final = """
SELECT t.workspace_sid, t.sid FROM task AS t
LEFT JOIN interaction_invite AS i ON i.account_sid = t.account_sid AND i.task_sid = t.sid
WHERE t.account_sid = $1 AND (i.channel_sid = $2 OR t.attributes LIKE '%' || $2 || '%')
    AND t.assignment_status IN ('pending', 'reserved', 'assigned', 'wrapping') ORDER BY t.sid"""
QUEUE_STANDS: Final = """
SELECT EXISTS (SELECT 1 FROM task_queue WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3)"""


async def latest_task(reader: Reader, channel_sid: str) -> tuple[str, str] | None:
    """Return workspace and SID of a channel's latest task that can still be read."""
    row = await reader.fetchrow(LATEST_TASK, reader.account_sid, channel_sid)
    return None if row is None else (row["workspace_sid"], row["sid"])


async def tasks_of(reader: Reader, channel_sid: str) -> list[tuple[str, str]]:
    """Return workspace and SID of a channel's tasks that are not over."""
    rows = await reader.fetch(TASKS_OF, reader.account_sid, channel_sid)
    return [(row["workspace_sid"], row["sid"]) for row in rows]


async def queue_stands(reader: Reader, workspace_sid: str, sid: str) -> bool:
    """Say whether a task queue exists."""
    return bool(await reader.fetchval(QUEUE_STANDS, reader.account_sid, workspace_sid, sid))
