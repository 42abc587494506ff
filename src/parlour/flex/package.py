"""The floor of Flex."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from parlour.accounts.access_tokens import AccessTokens
from parlour.flex import (
    absent,
    automation,
    automation_routes,
    boot,
    configuration_routes,
    desktop_page,
    events,
    orchestration,
    own_orchestration,
    people,
    people_routes,
    routes,
)
from parlour.flex.hooks import routes as hook_routes
from parlour.flex.hooks import service as hooks
from parlour.flex.plugin_service import routes as plugin_service
from parlour.flex.plugin_service import runtime
from parlour.flex.sign_in import routes as sign_in
from parlour.flex.sign_in.passwords import Passwords
from parlour.flex.sign_in.sessions import Sessions
from parlour.flex.signing import Signer
from parlour.flex.users import routes as users
from parlour.flex.web_chats import routes as web_chats
from parlour.kit.outgoing import Outgoing
from parlour.kit.rates import Rates
from parlour.kit.secrets_box import SecretsBox
from parlour.package import Invariant, Package
from parlour.rest.operations import Operations
from parlour.store.database import Database
from parlour.webhooks.delivery import Deliverer

ORPHANS: Final = """
SELECT c.sid AS channel_sid, c.conversation_sid, v.state
FROM interaction_channel AS c
JOIN conversation AS v ON v.account_sid = c.account_sid AND v.sid = c.conversation_sid
WHERE c.account_sid = $1 AND v.state <> 'closed' AND v.removed_at IS NULL AND NOT c.parked
  AND NOT EXISTS (
    SELECT 1 FROM interaction_channel AS o
    WHERE o.account_sid = c.account_sid AND o.conversation_sid = c.conversation_sid AND o.sid > c.sid
  )
  AND NOT EXISTS (
    SELECT 1 FROM interaction_invite AS i
    JOIN task AS t ON t.account_sid = i.account_sid AND t.sid = i.task_sid
    WHERE i.account_sid = c.account_sid AND i.channel_sid = c.sid
      AND t.assignment_status IN ('pending', 'reserved', 'assigned', 'wrapping')
  )
  AND $2::timestamptz IS NOT NULL"""

AGENTS_WITHOUT_RESERVATION: Final = """
SELECT p.sid AS participant_sid, p.identity, p.channel_sid, p.reservation_sid
FROM interaction_participant AS p
JOIN interaction_channel AS c ON c.account_sid = p.account_sid AND c.sid = p.channel_sid
LEFT JOIN reservation AS r ON r.account_sid = p.account_sid AND r.sid = p.reservation_sid
WHERE p.account_sid = $1 AND p.type = 'agent' AND p.left_at IS NULL AND p.reservation_sid IS NOT NULL
  AND coalesce(r.reservation_status, 'gone') NOT IN ('accepted', 'wrapping')
  AND $2::timestamptz IS NOT NULL
UNION ALL
SELECT NULL, r.worker_sid, i.channel_sid, r.sid
FROM reservation AS r
JOIN interaction_invite AS i ON i.account_sid = r.account_sid AND i.task_sid = r.task_sid
JOIN interaction_channel AS c ON c.account_sid = i.account_sid AND c.sid = i.channel_sid
WHERE r.account_sid = $1 AND r.reservation_status IN ('accepted', 'wrapping')
  AND c.status NOT IN ('inactive', 'pause')
  AND NOT EXISTS (
    SELECT 1 FROM interaction_participant AS p
    JOIN participant AS m ON m.account_sid = p.account_sid AND m.sid = p.conversation_participant_sid
    WHERE p.account_sid = r.account_sid AND p.reservation_sid = r.sid AND (m.removed_at IS NULL OR p.away)
  )
UNION ALL
SELECT p.sid, p.identity, p.channel_sid, p.reservation_sid
FROM interaction_participant AS p
JOIN participant AS m ON m.account_sid = p.account_sid AND m.sid = p.conversation_participant_sid
WHERE p.account_sid = $1 AND p.type = 'agent' AND (p.left_at IS NOT NULL OR p.away) AND m.removed_at IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM interaction_participant AS o
    WHERE o.account_sid = p.account_sid AND o.channel_sid = p.channel_sid AND o.identity = p.identity
      AND o.type = 'agent' AND o.left_at IS NULL AND NOT o.away
  )"""


INVARIANTS: Final = [
    Invariant(
        4,
        "a conversation under an interaction has a live task, a pending invite or a parked mark",
        ORPHANS,
        "send it to agents again: POST /v1/Interactions/{KD}/Channels/{UO}/Invites, or close the channel",
    ),
    Invariant(
        6,
        "an agent is in a conversation exactly while they hold its reservation",
        AGENTS_WITHOUT_RESERVATION,
        "complete the reservation, or remove the participant from the conversation",
    ),
]


@dataclass(frozen=True)
class Choices:
    """What the operator chose for this floor.

    :ivar base_url: the server's address, where sign-in may lead back to.
    :ivar token_life: seconds of a sign-in token.
    :ivar webchats_per_second: how many chats a second may be opened at one address, in one process.
    :ivar desktop: folder of the built desktop.
    :ivar desktop_connects: origins beside this server's that the desktop's page may call.
    """

    base_url: str
    token_life: int
    webchats_per_second: int
    desktop: Path
    desktop_connects: Sequence[str] = ()


def package(
    database: Database,
    box: SecretsBox,
    tokens: AccessTokens,
    outgoing: Outgoing,
    deliverer: Deliverer,
    choices: Choices,
) -> Package:
    """Return what the floor offers.

    :param deliverer: tells interaction webhooks.
    :param outgoing: fetches the bundles of plugins.
    """
    return Package(
        name="flex",
        migrations="parlour.flex",
        operations=[
            routes.operations,
            people_routes.operations,
            hook_routes.operations,
            own_orchestration.operations,
            automation_routes.operations,
            configuration_routes.operations,
            *boot.operations,
            plugin_service.operations,
            runtime.make_operations(database, box, outgoing),
            *_of_people(database, box, tokens, choices),
            users.operations,
            absent.operations,
        ],
        routes=desktop_page.routes(database, choices.desktop, choices.desktop_connects),
        reactions=[
            events.reactions,
            orchestration.reactions,
            people.reactions,
            automation.reactions,
            hooks.make_reactions(deliverer),
        ],
        invariants=INVARIANTS,
    )


def _of_people(database: Database, box: SecretsBox, tokens: AccessTokens, choices: Choices) -> list[Operations]:
    """Return the operations by which agents and web chats get their tokens."""
    signer = Signer(database, box, tokens)
    authorization = sign_in.make_authorization(Passwords(), choices.base_url)
    sign_in.add_tokens(authorization, Sessions(database, signer, choices.token_life))
    chats = web_chats.make_operations(database, tokens, signer, Rates(choices.webchats_per_second))
    return [authorization, *sign_in.make_token_info(tokens), *chats]
