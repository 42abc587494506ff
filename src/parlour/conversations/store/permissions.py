"""What roles allow, looked up for one caller."""

from collections.abc import Sequence
from typing import Final

from parlour.store.unit import Reader

PERMISSIONS: Final = """
SELECT r.permissions FROM chat_role r
WHERE r.account_sid = $1 AND r.chat_service_sid = $2
    AND (r.sid = ANY($3) OR (r.type = 'service' AND r.friendly_name = ANY($4)))"""


async def permissions(
    reader: Reader, chat_service_sid: str, role_sids: Sequence[str], service_roles: Sequence[str]
) -> frozenset[str]:
    """Return all that the roles with these SIDs, and the service roles with these names, allow."""
    rows = await reader.fetch(PERMISSIONS, reader.account_sid, chat_service_sid, list(role_sids), list(service_roles))
    return frozenset(permission for row in rows for permission in row["permissions"])
