"""Files of a flow's messages: fetched outside any transaction, posted in the next (DESIGN 2.3, studio.md §2.3.2)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urljoin

from parlour.conversations.files import MediaStore
from parlour.conversations.inbound import MediaItem
from parlour.kit.errors import ContractError
from parlour.kit.outgoing import AnswerTooLarge, Outgoing, OutgoingAnswer, OutgoingError
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.studio import executions
from parlour.studio.context import not_sent
from parlour.studio.driving import FETCH_JOB
from parlour.studio.execution import NotSent, SendMessage
from parlour.studio.outside import is_media_url

TIMEOUT: Final = 10.0
"""Seconds in all, redirects included, as for other requests of flows (studio.md §5.4)."""
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a file; the limits of the conversation's address may be narrower (conversations.md §5.2, §5.3)."""
MAX_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
BAD_URL: Final = 21620
NOT_FETCHED: Final = 63019
TOO_LARGE: Final = 50512


class Fetcher:
    """Fetches the files that flows send into conversations; one for the process."""

    def __init__(self, outgoing: Outgoing, files: MediaStore) -> None:
        self._outgoing = outgoing
        self._files = files

    def reactions(self) -> Reactions:
        """Return the job that fetches them."""
        reactions = Reactions("studio.files")

        @reactions.job(FETCH_JOB)
        async def fetch(run: JobRun, payload: dict[str, Any]) -> None:
            await self.run(run, str(payload["sid"]), str(payload["step_sid"]))

        return reactions

    async def run(self, run: JobRun, sid: str, step_sid: str) -> None:
        """Fetch the file that a message waits for, if it still does, and send the message.

        After a crash it is fetched again; what was stored before belongs to nobody and is swept.
        """
        command = await run.read(lambda reader: executions.pending_message(reader, sid, step_sid))
        if command is None:
            return
        file = await self._fetch(command)
        kept = await run.finish(lambda uow: executions.fetched(uow, sid, step_sid, file))
        if not kept and isinstance(file, MediaItem):
            await self._files.delete(file.key)

    async def _fetch(self, command: SendMessage) -> MediaItem | NotSent:
        if not is_media_url(command.media_url):
            return not_sent(command, BAD_URL, f"'{command.media_url[:200]}' is not an http or https URL")
        try:
            async with asyncio.timeout(TIMEOUT):
                url, answer = await self._get(command.media_url)
        except TimeoutError:
            return not_sent(command, NOT_FETCHED, f"the file of media_url did not come within {TIMEOUT:.0f} seconds")
        except AnswerTooLarge as error:
            return not_sent(command, TOO_LARGE, f"the file of media_url is too large: {error}")
        except (OutgoingError, ValueError) as error:
            return not_sent(command, NOT_FETCHED, f"the file of media_url cannot be fetched: {error}")
        if answer.status != 200:
            return not_sent(command, NOT_FETCHED, f"the address of media_url answered with status {answer.status}")
        kind = answer.headers.get("content-type", "")
        try:
            stored = await self._files.put(_one(answer.body), content_type=kind, maximum=LARGEST)
        except ContractError as error:
            return not_sent(command, error.code, error.message)
        return MediaItem(stored.key, stored.size, stored.sha256, stored.content_type, answer.filename(url))

    async def _get(self, url: str) -> tuple[str, OutgoingAnswer]:
        """Give the answer, and the address at which it was found. The guard looks at each."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._outgoing.request(
                "GET",
                url,
                headers={"User-Agent": "Parlour", "Accept": "*/*"},
                timeout=TIMEOUT,
                max_bytes=LARGEST,
            )
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or not location:
                return url, answer
            url = urljoin(url, location)
        raise OutgoingError(f"more than {MAX_REDIRECTS} redirects", sent=True)


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body
