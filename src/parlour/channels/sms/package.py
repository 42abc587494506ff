"""The HTTP carrier kind."""

from typing import Final

from parlour.channels import contract
from parlour.channels.contract import Parts
from parlour.channels.sms.connections import Connections
from parlour.channels.sms.deps import Needs
from parlour.channels.sms.events import make_reactions
from parlour.channels.sms.kinds import CHANNELS
from parlour.channels.sms.routes import carrier_routes
from parlour.package import Invariant, Package

INVARIANTS: Final = [
    Invariant(
        1,
        "an inbound text that was answered 2xx is taken",
        """SELECT connection_sid, provider_sid, received_at FROM carrier_event
           WHERE account_sid = $1 AND done_at IS NULL AND received_at < $2::timestamptz - interval '1 hour'""",
        "look at the dead jobs of its lane with `parlour jobs list`, then `parlour jobs retry`",
    ),
    Invariant(
        1,
        "an inbound text that was taken is in its conversation",
        """SELECT e.connection_sid, e.provider_sid FROM carrier_event AS e
           JOIN conversation AS c
               ON c.account_sid = e.account_sid AND c.sid = e.conversation_sid AND c.removed_at IS NULL
           WHERE e.account_sid = $1 AND e.done_at <= $2 AND NOT EXISTS (
               SELECT 1 FROM message AS m WHERE m.account_sid = e.account_sid AND m.sid = e.message_sid)""",
        "the message's row was deleted by hand; restore it from a backup",
    ),
    Invariant(
        11,
        "no text stays in sending",
        """SELECT sid, state, date_updated FROM carrier_send
           WHERE account_sid = $1 AND state IN ('queued', 'sending')
               AND date_updated < $2::timestamptz - interval '1 hour'""",
        "look at the dead jobs of its lane with `parlour jobs list`, then `parlour jobs retry`",
    ),
    Invariant(
        11,
        "a text on its way has a job that settles it",
        """SELECT s.sid, s.state, s.proxy_address, s.address FROM carrier_send AS s
           WHERE s.account_sid = $1 AND $2::timestamptz IS NOT NULL AND s.state IN ('queued', 'sending')
               AND NOT EXISTS (
                   SELECT 1 FROM job AS j WHERE j.account_sid = s.account_sid
                       AND j.lane = 'sms-out:' || s.proxy_address || ':' || s.address)""",
        "its job was deleted by hand; look for the text at the carrier and report this",
    ),
    Invariant(
        11,
        "a text that is called sent has the carrier's SID",
        """SELECT sid, state, address FROM carrier_send
           WHERE account_sid = $1 AND $2::timestamptz IS NOT NULL AND state = 'sent' AND provider_sid IS NULL""",
        "the row was changed by hand; look for the text at the carrier",
    ),
]


def package(parts: Parts) -> Package:
    """Return what the kind offers."""
    for channel in CHANNELS:
        contract.register(channel)
    needs = Needs(parts.database, parts.box, parts.outgoing, parts.media, Connections(parts.database), parts.base_url)
    return Package(
        name="sms",
        migrations="parlour.channels.sms",
        reactions=[make_reactions(needs)],
        invariants=INVARIANTS,
        routes=carrier_routes(needs),
    )
