"""SQL of the marks of matching and of the tasks that wait (DESIGN 2.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from parlour.store.unit import UnitOfWork
from parlour.taskrouter.rows import Task
from parlour.taskrouter.task_store import SELECT_TASK

INSERT_MARKS: Final = """
INSERT INTO match_mark (account_sid, workspace_sid, subject_sid, marked_at)
SELECT $1, $2, n.*, $4 FROM unnest($3::text[]) AS n"""
ANY_MARK: Final = "SELECT 1 FROM match_mark WHERE account_sid = $1 AND workspace_sid = $2 LIMIT 1"
# Takes the marks, and reads in the same snapshot the first task of every group: a waiting task is seen here only
# together with its mark. The groups are found by jumping along the index, one step each.
TAKE_MARKS: Final = f"""
WITH RECURSIVE taken AS (
    DELETE FROM match_mark WHERE account_sid = $1 AND workspace_sid = $2 RETURNING subject_sid
), head AS (
    (SELECT group_key, sid FROM task WHERE account_sid = $1 AND workspace_sid = $2 AND assignment_status = 'pending'
     ORDER BY group_key, rank_priority, rank_time, sid LIMIT 1)
    UNION ALL
    SELECT following.group_key, following.sid FROM head CROSS JOIN LATERAL (
        SELECT group_key, sid FROM task WHERE account_sid = $1 AND workspace_sid = $2
            AND assignment_status = 'pending' AND task.group_key > head.group_key
        ORDER BY group_key, rank_priority, rank_time, sid LIMIT 1
    ) AS following
)
SELECT CASE WHEN row_number() OVER () = 1 THEN ARRAY(SELECT subject_sid FROM taken) END AS subjects,
       CASE WHEN row_number() OVER () = 1 THEN ARRAY(
            SELECT group_key FROM task WHERE account_sid = $1 AND assignment_status = 'pending'
                AND sid = ANY(ARRAY(SELECT subject_sid FROM taken WHERE subject_sid LIKE 'WT%'))) END AS marked_groups,
       CASE WHEN row_number() OVER () = 1 THEN ARRAY(SELECT sid FROM task_channel
            WHERE account_sid = $1 AND workspace_sid = $2 AND channel_optimized_routing) END AS per_channel,
       CASE WHEN row_number() OVER () = 1 THEN (SELECT prioritize_queue_order FROM workspace
            WHERE account_sid = $1 AND sid = $2) END AS preferred, first.*
FROM ({SELECT_TASK} AND t.assignment_status = 'pending' AND t.sid = ANY(ARRAY(SELECT sid FROM head))) AS first"""  # noqa: S608
# The first tasks of some groups, each as many as it is given, and those that are marked themselves.
PLACES: Final = """
SELECT sid, group_key, rank_priority, rank_time, rejected_by, entering FROM task
WHERE account_sid = $1 AND assignment_status = 'pending' AND sid = ANY($3)
UNION
SELECT place.* FROM unnest($4::text[], $5::int[]) AS wanted (group_key, tasks) CROSS JOIN LATERAL (
    SELECT sid, group_key, rank_priority, rank_time, rejected_by, entering FROM task
    WHERE account_sid = $1 AND workspace_sid = $2 AND assignment_status = 'pending'
        AND group_key = wanted.group_key
    ORDER BY rank_priority, rank_time, sid LIMIT wanted.tasks
) AS place"""


@dataclass(frozen=True)
class Waiting:
    """What a matching pass begins with.

    :ivar subjects: of the marks that were taken; not told without tasks, when they matter to nobody.
    :ivar heads: the first pending task of every group.
    :ivar marked_groups: keys of the groups that have tasks which are marked themselves.
    :ivar per_channel: SIDs of task channels on which idle time is counted per channel.
    :ivar preferred: the workspace's prioritize_queue_order.
    """

    subjects: frozenset[str] = frozenset()
    heads: list[Task] = field(default_factory=list)
    marked_groups: frozenset[str] = frozenset()
    per_channel: frozenset[str] = frozenset()
    preferred: str = "FIFO"


async def take_marks(uow: UnitOfWork, workspace_sid: str) -> Waiting:
    """Take the marks of a workspace and read what waits in it."""
    found = Waiting()
    for record in await uow.fetch(TAKE_MARKS, uow.account_sid, workspace_sid):
        columns = dict(record)
        subjects, marked = columns.pop("subjects"), columns.pop("marked_groups")
        per_channel, preferred = columns.pop("per_channel"), columns.pop("preferred")
        if subjects is not None:  # one row has what holds for all
            found = Waiting(frozenset(subjects), found.heads, frozenset(marked), frozenset(per_channel), preferred)
        found.heads.append(Task(**columns))
    return found


async def places(uow: UnitOfWork, workspace_sid: str, marked: Iterable[str], groups: Mapping[str, int]) -> list[Any]:
    """Read the places of marked tasks, and of the first tasks of groups, each as many as it is given."""
    wanted = (sorted(marked), list(groups), list(groups.values()))
    return await uow.fetch(PLACES, uow.account_sid, workspace_sid, *wanted)
