"""Invariants of DESIGN §3 as queries; each returns the rows that break it ($1 account, $2 domain time)."""

from typing import Final

from parlour.conversations.roles import FLEX_ROLES
from parlour.package import Check, Invariant

INVARIANTS: Final = (
    Invariant(
        1,
        "every stored message is in a conversation",
        """
        SELECT m.sid, m.conversation_sid, m.index FROM message m
        LEFT JOIN conversation c ON c.account_sid = m.account_sid AND c.sid = m.conversation_sid
        WHERE m.account_sid = $1 AND $2::timestamptz IS NOT NULL AND (c.sid IS NULL OR m.index >= c.next_index)""",
        "The message has no place in its conversation; restore the conversation's row from a backup.",
    ),
    Invariant(
        2,
        "a pair is in at most one conversation that is not closed",
        """
        WITH held AS (
            SELECT p.sid, p.address, p.proxy_address, p.conversation_sid,
                count(*) OVER (PARTITION BY p.address, p.proxy_address) AS holders
            FROM participant p
            JOIN conversation c ON c.account_sid = p.account_sid AND c.sid = p.conversation_sid
            WHERE p.account_sid = $1 AND $2::timestamptz IS NOT NULL AND p.removed_at IS NULL
                AND c.removed_at IS NULL AND c.state <> 'closed'
                AND p.address IS NOT NULL AND p.proxy_address IS NOT NULL
        )
        SELECT h.sid, h.conversation_sid, h.address, h.proxy_address, 'held twice or not locked' AS why FROM held h
        LEFT JOIN open_pair o ON o.account_sid = $1 AND o.address = h.address AND o.proxy_address = h.proxy_address
        WHERE h.holders > 1 OR o.conversation_sid IS DISTINCT FROM h.conversation_sid
        UNION ALL
        SELECT o.conversation_sid, o.conversation_sid, o.address, o.proxy_address, 'locked by nobody' FROM open_pair o
        WHERE o.account_sid = $1 AND NOT EXISTS (
            SELECT 1 FROM held h WHERE h.conversation_sid = o.conversation_sid AND h.address = o.address
                AND h.proxy_address = o.proxy_address)
            AND NOT EXISTS (
                SELECT 1 FROM participant p
                JOIN conversation c ON c.account_sid = p.account_sid AND c.sid = p.conversation_sid
                WHERE p.account_sid = o.account_sid AND p.conversation_sid = o.conversation_sid
                    AND p.projected_address IS NOT NULL AND p.removed_at IS NULL AND c.removed_at IS NULL
                    AND c.state <> 'closed')""",
        "Close the conversation that is not in use; its pair is released with it.",
    ),
    Invariant(
        3,
        "message indexes have no gaps",
        """
        SELECT c.sid, c.next_index, count(m.sid) AS messages, min(m.index) AS first, max(m.index) AS last
        FROM conversation c
        LEFT JOIN message m ON m.account_sid = c.account_sid AND m.conversation_sid = c.sid
        WHERE c.account_sid = $1 AND $2::timestamptz IS NOT NULL AND c.removed_at IS NULL
        GROUP BY c.sid, c.next_index
        HAVING c.next_index <> count(m.sid) OR coalesce(max(m.index), -1) <> c.next_index - 1""",
        "Messages of the conversation were lost or written by hand; restore them from a backup.",
    ),
    Invariant(
        3,
        "the summary of a message agrees with its receipts",
        """
        SELECT m.sid, m.conversation_sid, m.delivery FROM message m
        JOIN LATERAL (
            SELECT count(*) AS receipts, count(*) FILTER (WHERE status IN ('delivered', 'read')) AS delivered,
                count(*) FILTER (WHERE status IN ('sent', 'delivered', 'read', 'undelivered')) AS sent
            FROM receipt r WHERE r.account_sid = m.account_sid AND r.message_sid = m.sid
        ) r ON r.receipts > 0
        WHERE m.account_sid = $1 AND $2::timestamptz IS NOT NULL AND m.removed_at IS NULL AND (
            m.delivery IS NULL OR (r.delivered > 0) <> (m.delivery ->> 'delivered' <> 'none')
            OR (r.sent > 0) <> (m.delivery ->> 'sent' <> 'none'))""",
        "A receipt was changed by hand; change it back, or the message's delivery with it.",
    ),
    Invariant(
        11,
        "what a receipt calls sent has a message of its channel",
        """
        SELECT r.sid, r.message_sid, r.status FROM receipt r
        WHERE r.account_sid = $1 AND $2::timestamptz IS NOT NULL AND r.channel_message_sid IS NULL
            AND r.status IN ('sent', 'delivered', 'read')""",
        "The channel's record of the message is missing; look for it in the message log.",
    ),
)

# Agents need these to work in Flex (conversations.md §7.2); somebody who edits the role locks them out of parts of it.
AGENT_PERMISSIONS: Final = ", ".join(f"'{name}'" for name in FLEX_ROLES["agent", "conversation"])

CHECKS: Final = (
    Check(
        "the agent role is as it was made",
        f"""
        SELECT r.sid, r.chat_service_sid,
            array_to_string(ARRAY(SELECT unnest(made.permissions) EXCEPT SELECT unnest(r.permissions)), ' ') AS missing,
            array_to_string(ARRAY(SELECT unnest(r.permissions) EXCEPT SELECT unnest(made.permissions)), ' ') AS added
        FROM chat_role r CROSS JOIN (SELECT ARRAY[{AGENT_PERMISSIONS}]::text[] AS permissions) made
        WHERE r.account_sid = $1 AND r.friendly_name = 'agent' AND r.type = 'conversation'
            AND NOT (r.permissions @> made.permissions AND r.permissions <@ made.permissions)""",  # noqa: S608
        "Give the role its permissions back: POST /v1/Services/{IS}/Roles/{RL}, Permission once for each.",
    ),
)
