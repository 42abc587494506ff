"""Takes the files of an inbound message from the carrier (channels.md §1.9, §6)."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from parlour.channels.sms.deps import Needs
from parlour.channels.sms.store.connections import Connection
from parlour.conversations.inbound import MediaItem
from parlour.kit.errors import ContractError
from parlour.kit.outgoing import OutgoingAnswer, OutgoingError

FETCH_TIMEOUT: Final = 20.0  # seconds, for each file
REDIRECTS_MAX: Final = 5
MEDIA_MAX: Final = 10  # files of one message (conversations.md §5.2)
SIZE_MAX: Final = 5 * 1024 * 1024  # bytes of all files of one message


@dataclass(frozen=True)
class Unavailable:
    """A file that could not be had."""

    url: str
    reason: str
    passing: bool  # whether it may be had later


async def fetch_all(
    needs: Needs, connection: Connection, files: list[tuple[str, str]]
) -> list[MediaItem | Unavailable]:
    """Fetch the files (address and type) of a message, beside each other, in their order."""
    return list(await asyncio.gather(*(_fetch(needs, connection, url, kind) for url, kind in files[:MEDIA_MAX])))


async def _fetch(needs: Needs, connection: Connection, url: str, content_type: str) -> MediaItem | Unavailable:
    try:
        answer = await _get(needs, connection, url)
    except OutgoingError as error:
        return Unavailable(url, str(error), passing=True)
    if answer.status != 200:
        return Unavailable(url, f"the carrier answered {answer.status}", passing=answer.status >= 500)
    kind = answer.headers.get("content-type", content_type) or content_type
    try:
        stored = await needs.media.put(_one(answer.body), content_type=kind, maximum=SIZE_MAX)
    except ContractError as error:
        return Unavailable(url, error.message, passing=False)
    return MediaItem(stored.key, stored.size, stored.sha256, stored.content_type, answer.filename(url))


async def _get(needs: Needs, connection: Connection, url: str) -> OutgoingAnswer:
    """GET with our credentials for the carrier's own host, and without them wherever it sends us."""
    home = urlsplit(connection.base_url)
    credentials = f"{connection.upstream_account_sid}:{needs.token_of(connection)}".encode()
    basic = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
    for _ in range(REDIRECTS_MAX):
        at_home = (urlsplit(url).scheme, urlsplit(url).netloc) == (home.scheme, home.netloc)
        answer = await needs.outgoing.request(
            "GET",
            url,
            trusted=at_home,
            headers=basic if at_home else {},
            timeout=FETCH_TIMEOUT,
            max_bytes=SIZE_MAX,
        )
        if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
            return answer
        url = urljoin(url, answer.headers["location"])
    raise OutgoingError("too many redirects", sent=True)


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body
