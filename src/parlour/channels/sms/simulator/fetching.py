"""How the carrier takes the files of a text from the sender's server (channels.md §1.9)."""

from __future__ import annotations

import re

import aiohttp

from .refusal import Refused

MEDIA_MAX_BYTES = 16 * 1024 * 1024
FILENAME = re.compile(r'filename="?([^";]+)"?')


async def fetch(session: aiohttp.ClientSession, url: str, seconds: float) -> tuple[str, str, bytes]:
    """Return content type, file name and bytes; HEAD and GET must agree; errors: Refused 21620."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with session.head(url, timeout=timeout, allow_redirects=True) as head:
            if head.status != 200:
                raise Refused(21620, 400, f"Invalid media URL(s): HEAD answered {head.status}")
            announced = head.content_type
        async with session.get(url, timeout=timeout) as response:
            if response.status != 200:
                raise Refused(21620, 400, f"Invalid media URL(s): GET answered {response.status}")
            if response.content_type != announced:
                raise Refused(21620, 400, "Invalid media URL(s): HEAD and GET differ in Content-Type")
            content = await response.content.read(MEDIA_MAX_BYTES + 1)
            while len(content) <= MEDIA_MAX_BYTES and (more := await response.content.read(65536)):
                content += more
            name = FILENAME.search(response.headers.get("Content-Disposition", ""))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Refused(21620, 400, f"Invalid media URL(s): {type(error).__name__}") from error
    if len(content) > MEDIA_MAX_BYTES:
        raise Refused(21620, 400, "Invalid media URL(s): the file is too large")
    return announced, name.group(1) if name else "", content
