"""Media: upload, fetch, links, and what is refused (conversations.md §5)."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, inbound, media, media_sweep, messages, participants
from parlour.conversations.files import FolderStore, Stored
from parlour.conversations.inbound import Inbound, MediaItem
from parlour.conversations.store import media as media_store
from parlour.kit.errors import ContractError
from parlour.messaging import media as log_media
from parlour.messaging import numbers
from parlour.store.unit import UnitOfWork
from tests.conftest import LiveServer
from tests.conversations.calls import refusal

PNG = b"\x89PNG\r\n\x1a\n" + os.urandom(300_000)
KEYS = {
    "sid", "account_sid", "service_sid", "channel_sid", "message_sid", "date_created", "date_upload_updated",
    "date_updated", "size", "content_type", "filename", "file_name", "author", "category", "is_multipart_upstream",
    "url", "links",
}  # fmt: skip


class Desk:
    """Uploads to a server and fetches from it."""

    def __init__(self, server: LiveServer) -> None:
        self.auth = (server.credentials.account_sid, server.credentials.auth_token)
        self.twilio = server.client()
        service = self.twilio.conversations.v1.configuration().fetch().default_chat_service_sid
        self.base = f"{server.url}/mcs/v1/Services/{service}"

    def upload(self, data: bytes, content_type: str = "image/png", **query: str) -> requests.Response:
        """Upload bytes as they are."""
        return requests.post(
            f"{self.base}/Media", params=query, data=data, auth=self.auth, headers={"Content-Type": content_type},
            timeout=30,
        )  # fmt: skip

    def get(self, path: str) -> requests.Response:
        """Fetch below the service with credentials."""
        return requests.get(f"{self.base}{path}", auth=self.auth, timeout=30)


@pytest.fixture(scope="module")
def desk(server: LiveServer) -> Desk:
    """A desk at the server."""
    return Desk(server)


def test_a_picture_comes_back_with_the_same_sha256_by_every_road(desk: Desk) -> None:
    answer = desk.upload(PNG, Filename="cat.png", Category="media")
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    assert made.keys() == KEYS
    assert (made["size"], made["content_type"], made["filename"]) == (len(PNG), "image/png", "cat.png")
    assert (made["author"], made["message_sid"]) == ("sender", None)
    digest = hashlib.sha256(PNG).hexdigest()
    content = desk.get(f"/Media/{made['sid']}/Content")
    assert hashlib.sha256(content.content).hexdigest() == digest
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Content-Disposition"] == "inline; filename*=UTF-8''cat.png"
    link = desk.get(f"/Media/{made['sid']}").json()["links"]["content_direct_temporary"]
    fetched = requests.get(link, timeout=30)
    assert hashlib.sha256(fetched.content).hexdigest() == digest
    assert fetched.headers["Content-Type"] == "image/png"
    assert requests.head(link, timeout=30).headers["Content-Length"] == str(len(PNG))


def test_a_message_takes_several_media_and_each_only_once(desk: Desk) -> None:
    sids = [desk.upload(PNG, Filename=f"{n}.png").json()["sid"] for n in range(2)]
    made = desk.twilio.conversations.v1.conversations.create()
    url = f"https://conversations.twilio.com/v1/Conversations/{made.sid}/Messages"
    body = desk.twilio.request("POST", url, data={"MediaSid": sids, "Body": "two"})
    assert body.status_code == 201
    message = desk.twilio.conversations.v1.conversations(made.sid).messages.list()[0]
    assert [item["sid"] for item in message.media] == sids
    assert [item.keys() for item in message.media] == [{"sid", "size", "content_type", "filename"}] * 2
    shown = desk.get(f"/Media/{sids[0]}").json()
    assert (shown["message_sid"], shown["channel_sid"]) == (message.sid, made.sid)
    again = desk.twilio.conversations.v1.conversations(made.sid).messages
    assert refusal(again.create, media_sid=sids[0]).code == 50508
    context = desk.twilio.conversations.v1.conversations(made.sid).messages(message.sid)
    assert refusal(context.update, body="x").code == 50509
    assert context.delete()
    assert desk.get(f"/Media/{sids[0]}").status_code == 404


def test_a_media_set_answers_records(desk: Desk) -> None:
    sid = desk.upload(b"hello", "text/plain").json()["sid"]
    url = f"{desk.base}/MediaSet"
    answer = requests.post(url, json={"command": "get", "list": [{"media_sid": sid}]}, auth=desk.auth, timeout=30)
    assert answer.json()[0]["code"] == 200
    assert answer.json()[0]["media_record"]["sid"] == sid
    assert requests.post(url, json={"command": "drop"}, auth=desk.auth, timeout=30).status_code == 400


def test_a_form_upload_takes_the_first_file(desk: Desk) -> None:
    answer = requests.post(
        f"{desk.base}/Media",
        files=[("note", (None, "text")), ("file", ("ü.png", PNG, "image/png")), ("more", ("b.png", b"x", "image/png"))],
        auth=desk.auth,
        timeout=30,
    )
    assert answer.status_code == 201
    assert (answer.json()["size"], answer.json()["content_type"]) == (len(PNG), "image/png")
    assert answer.json()["is_multipart_upstream"] is True
    content = desk.get(f"/Media/{answer.json()['sid']}/Content").content
    assert content == PNG


def test_a_file_that_is_not_what_it_says_is_refused(desk: Desk) -> None:
    assert desk.upload(b"<html>", "image/png").json()["code"] == 50511
    assert desk.upload(b"GIF89a....", "image/png").json()["code"] == 50511
    assert desk.upload(PNG, "application/octet-stream").json()["content_type"] == "image/png"


def test_a_page_is_never_shown_by_a_browser(desk: Desk) -> None:
    sid = desk.upload(b"<script>alert(1)</script>", "text/html", Filename="x.html").json()["sid"]
    answer = desk.get(f"/Media/{sid}/Content")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_changed_link_and_an_unknown_file_are_refused(desk: Desk) -> None:
    made = desk.upload(PNG).json()
    link = made["links"]["content_direct_temporary"]
    assert requests.get(link.replace("/ME", "/ME1", 1)[:-1], timeout=30).status_code in (403, 404)
    parts = link.split("/")
    parts[-3] = str(int(parts[-3]) + 1)
    assert requests.get("/".join(parts), timeout=30).status_code == 403
    assert desk.get("/Media/ME" + "0" * 32).status_code == 404
    assert requests.get(made["url"], timeout=30).status_code == 401


def test_a_temporary_link_dies_after_300_seconds_and_an_upload_after_five_minutes(frozen_server: LiveServer) -> None:
    desk = Desk(frozen_server)
    kept, lost = desk.upload(PNG).json(), desk.upload(PNG).json()
    twilio: Client = desk.twilio
    conversation = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    conversation.messages.create(media_sid=kept["sid"])
    frozen_server.advance(299)
    assert requests.get(kept["links"]["content_direct_temporary"], timeout=30).status_code == 200
    frozen_server.advance(2)
    assert requests.get(kept["links"]["content_direct_temporary"], timeout=30).status_code == 403
    assert desk.get(f"/Media/{kept['sid']}").status_code == 200
    assert desk.get(f"/Media/{lost['sid']}").status_code == 404
    assert refusal(conversation.messages.create, media_sid=lost["sid"]).code == 50507


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """Return bytes as a stream."""
    for part in parts:
        yield part


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Any) -> None:
    store = FolderStore(tmp_path / "media")
    with pytest.raises(ContractError) as caught:
        await store.put(chunks(b"x" * 60, b"x" * 60), content_type="text/plain", maximum=100)
    assert caught.value.code == 50512
    assert [path for path in await asyncio.to_thread(lambda: list(tmp_path.rglob("*"))) if path.is_file()] == [
        tmp_path / "media" / "links.key"
    ]


async def test_pictures_of_an_inbound_message_are_in_the_conversation(program: Program, account: Credentials) -> None:
    stored = Stored(key="0" * 32, size=3, sha256="0" * 64, content_type="image/png")

    async def work(uow: Any) -> tuple[str, str]:
        made = await conversations.create(uow)
        await numbers.create(uow, phone_number="+15559990000")
        await participants.add(uow, made.sid, address="+15550002222", proxy_address="+15559990000")
        item = MediaItem(stored.key, stored.size, stored.sha256, stored.content_type, "a.png")
        received = await inbound.receive(uow, Inbound("+15550002222", "+15559990000", None, [item]))
        return made.sid, received.message_sid or ""

    sid, message_sid = await program.database.step(account.account_sid, work)
    row = await program.database.read(account.account_sid, lambda reader: messages.fetch(reader, sid, message_sid))
    assert row.media is not None
    assert [item["filename"] for item in row.media] == ["a.png"]
    media_sid = row.media[0]["sid"]
    shown = await program.database.read(account.account_sid, lambda reader: media_store.fetch(reader, media_sid))
    assert shown is not None
    assert (shown.message_sid, shown.channel_sid) == (message_sid, sid)
    assert timedelta(minutes=5) == media.UNATTACHED_LIFETIME


async def test_files_that_nobody_has_are_swept_and_others_stay(
    program: Program, account: Credentials, tmp_path: Path
) -> None:
    async def bytes_of(data: bytes) -> AsyncIterator[bytes]:
        yield data

    store = FolderStore(tmp_path / "media")
    kept, lost, logged = [await store.put(bytes_of(PNG), content_type="image/png") for _ in range(3)]
    (tmp_path / "media" / lost.key[:2] / f"{'f' * 32}.partial").write_bytes(b"half")

    async def record(uow: UnitOfWork) -> None:
        service_sid = (await conversations.create(uow)).chat_service_sid
        await media.record(uow, kept, service_sid=service_sid)
        log_media.record(uow, "MM" + "1" * 32, key=logged.key, content_type="image/png", size=logged.size)

    await program.database.step(account.account_sid, record)
    now = datetime.now(UTC)
    assert await media_sweep.sweep(program.database, store, now - timedelta(hours=1)) == 0, "too young"
    assert await media_sweep.sweep(program.database, store, now + timedelta(seconds=1)) == 2
    for known in (kept, logged):
        assert b"".join([block async for block in store.open(known.key)]) == PNG
    with pytest.raises(FileNotFoundError):
        _ = [block async for block in store.open(lost.key)]
