"""Good calls of media, which no server-side SDK makes (conversations.md §5.1)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from tests.contract.calls.basics import service
from tests.contract.good_calls import good
from tests.contract.inprocess import JSON, Request, raw
from tests.contract.world import World

BASE = "/v1/Services/{ServiceSid}"
PICTURE = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


def uploading(world: World, service_sid: str | None = None) -> Request:
    """Return the request that uploads a picture."""
    request = raw(world.credentials, "POST", "mcs", f"/v1/Services/{service_sid or service(world)}/Media")
    return replace(request.with_header("Content-Type", "image/gif"), body=PICTURE)


def picture(world: World, service_sid: str | None = None) -> Any:
    """Upload a picture and return its record."""
    world.transport.carry(uploading(world, service_sid))
    assert world.transport.reply is not None
    return world.transport.reply.body


@good("POST", "mcs", f"{BASE}/Media")
def upload(world: World) -> Callable[[], Any]:
    request = uploading(world)
    return lambda: world.transport.carry(request)


@good("GET", "mcs", f"{BASE}/Media/{{Sid}}")
def fetch(world: World) -> Callable[[], Any]:
    path = urlsplit(picture(world)["url"]).path
    return lambda: world.raw("GET", "mcs", path)


@good("GET", "mcs", f"{BASE}/Media/{{Sid}}/Content")
def fetch_content(world: World) -> Callable[[], Any]:
    path = urlsplit(picture(world)["links"]["content"]).path
    return lambda: world.raw("GET", "mcs", path)


@good("POST", "mcs", f"{BASE}/MediaSet")
def fetch_set(world: World) -> Callable[[], Any]:
    sid = picture(world)["sid"]
    request = raw(world.credentials, "POST", "mcs", f"/v1/Services/{service(world)}/MediaSet")
    body = json.dumps({"command": "get", "list": [{"media_sid": sid}]}).encode()
    return lambda: world.transport.carry(replace(request.with_header("Content-Type", JSON), body=body))


@good("GET", "mcs", "/v1/Temporary/{LinkAccountSid}/{Sid}/{Expires}/{Signature}/{Filename}")
def follow_link(world: World) -> Callable[[], Any]:
    link = urlsplit(picture(world)["links"]["content_direct_temporary"])
    return lambda: world.transport.carry(Request("GET", "mcs.twilio.com", link.path))
