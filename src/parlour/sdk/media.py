"""Media through the official client, whose package has no operations for it (conversations.md §5.1)."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from twilio.rest import Client

HOST = "https://mcs.us1.twilio.com"


class MediaRefused(Exception):
    """The media service said no; the message has its answer."""


@dataclass(frozen=True)
class Media:
    """A stored file.

    :ivar size: bytes.
    :ivar url: temporary address of the content, or None.
    """

    sid: str
    content_type: str
    filename: str | None
    size: int
    url: str | None


def upload(client: Client, service_sid: str, content: bytes, *, content_type: str, filename: str) -> Media:
    """Upload a file for a message of a conversation of ``service_sid``.

    :raises MediaRefused: the service does not take it.
    """
    url = f"{HOST}/v1/Services/{service_sid}/Media?Category=media&Filename={quote(filename)}"
    return _send(client, "POST", url, data=content, headers={"Content-Type": content_type})


def fetch(client: Client, service_sid: str, media_sid: str) -> Media:
    """Return a file's description with a fresh temporary address.

    :raises MediaRefused: there is no such file.
    """
    return _send(client, "GET", f"{HOST}/v1/Services/{service_sid}/Media/{media_sid}")


def _send(client: Client, method: str, url: str, **options: Any) -> Media:
    answer = client.request(method, url, **options)
    try:
        body = json.loads(answer.text)
    except ValueError as error:
        raise MediaRefused(f"{answer.status_code}: {answer.text[:200]}") from error
    if answer.status_code >= 400:
        raise MediaRefused(f"{answer.status_code}: {body.get('message', answer.text[:200])}")
    links = body.get("links") or {}
    return Media(
        body["sid"],
        body["content_type"],
        body.get("filename"),
        int(body["size"]),
        links.get("content_direct_temporary") or body.get("url"),
    )
