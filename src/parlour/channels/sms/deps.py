"""What the carrier kind needs from the program."""

from dataclasses import dataclass

from parlour.channels.sms.carrier import Carrier
from parlour.channels.sms.connections import Connections
from parlour.channels.sms.store.connections import Connection
from parlour.conversations.files import MediaStore
from parlour.kit.outgoing import Outgoing
from parlour.kit.secrets_box import SecretsBox
from parlour.store.database import Database


@dataclass(frozen=True)
class Needs:
    """The program's parts that webhooks and jobs of this kind work with.

    :ivar base_url: address under which carriers reach this server; signatures are checked against it.
    """

    database: Database
    box: SecretsBox
    outgoing: Outgoing
    media: MediaStore
    connections: Connections
    base_url: str

    def token_of(self, connection: Connection) -> str:
        """Return a connection's auth token in clear."""
        return self.box.open(connection.auth_token)

    def carrier(self, connection: Connection) -> Carrier:
        """Return the API of a connection."""
        return Carrier(
            self.outgoing,
            base_url=connection.base_url,
            account_sid=connection.upstream_account_sid,
            auth_token=self.token_of(connection),
        )

    def status_url(self, connection: Connection, token: str) -> str:
        """Return the address for a send's status callbacks."""
        return f"{self.base_url}/carrier/{connection.sid}/status?r={token}"

    def inbound_url(self, connection: Connection) -> str:
        """Return the address that the carrier's numbers must have as their `SmsUrl`."""
        return f"{self.base_url}/carrier/{connection.sid}/inbound"
