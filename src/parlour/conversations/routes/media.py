"""Operations of media, product `mcs` (conversations.md §5.1)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from parlour.conversations import attachments, media, media_access, mediatypes, multipart, permissions, services
from parlour.conversations.files import LINK_LIFETIME, MEDIA_MAX, MediaStore, link_is_valid, link_path
from parlour.conversations.schemas import UploadMedia
from parlour.conversations.store.media import Media
from parlour.kit.wire import iso
from parlour.rest.errors import forbidden, invalid_parameter
from parlour.rest.forms import read_form
from parlour.rest.operations import ACCOUNT, PUBLIC, TOKEN, Answer, Call, Operations, Urls
from parlour.store.unit import Reader, UnitOfWork

BASE: Final = "/v1/Services/{ServiceSid}/Media"
SET_MAX: Final = 100  # records in one MediaSet


class MediaRenderer:
    """Renders media rows with a fresh temporary URL each time."""

    def __init__(self, store: MediaStore, urls: Urls, reader: Reader) -> None:
        self._store = store
        self._urls = urls
        self._expires = reader.now + timedelta(seconds=LINK_LIFETIME)

    def __call__(self, row: Media) -> dict[str, Any]:
        """Render a media row."""
        url = self._urls.of("mcs", f"/v1/Services/{row.service_sid}/Media/{row.sid}")
        temporary = link_path(
            self._store.secret,
            account_sid=row.account_sid,
            media_sid=row.sid,
            expires=self._expires,
            filename=row.filename,
        )
        return {
            "sid": row.sid,
            "account_sid": row.account_sid,
            "service_sid": row.service_sid,
            "channel_sid": row.channel_sid,
            "message_sid": row.message_sid,
            "date_created": iso(row.date_created),
            "date_upload_updated": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "size": row.size,
            "content_type": row.content_type,
            "filename": row.filename,
            "file_name": row.filename,
            "author": row.author,
            "category": row.category,
            "is_multipart_upstream": row.is_multipart_upstream,
            "url": url,
            "links": {"content": f"{url}/Content", "content_direct_temporary": self._urls.of("mcs", temporary)},
        }


def content(store: MediaStore, row: Media) -> Answer:
    """Answer with the bytes of a file, so that no browser runs what is in it."""
    disposition = "inline" if mediatypes.may_show_inline(row.content_type) else "attachment"
    if row.filename:
        disposition += f"; filename*=UTF-8''{quote(row.filename, safe='')}"
    headers = {
        "Content-Disposition": disposition,
        "Content-Length": str(row.size),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=300",
        "ETag": f'"{row.sha256}"',
    }
    return Answer(200, store.open(row.key), headers, media_type=row.content_type)


async def _limited(chunks: AsyncIterator[bytes], declared: str | None) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        yield chunk
    if declared is not None and declared.isdigit() and int(declared) != size:
        raise invalid_parameter("Content-Size", f"{declared} was announced, {size} bytes arrived")


async def _upload(store: MediaStore, call: Call) -> Media:
    form = read_form(UploadMedia, call.query)
    media_access.check_service(call.caller, call.path["ServiceSid"])
    service_sid = (await call.read(lambda reader: services.fetch(reader, call.path["ServiceSid"]))).sid
    limit = None
    if call.caller.kind in TOKEN:
        limit = await call.read(lambda reader: attachments.check_upload(reader, service_sid))
    content_type = call.headers.get("content-type", "application/octet-stream")
    parted = mediatypes.essence(content_type) == "multipart/form-data"
    chunks, filename = _limited(call.stream, call.headers.get("content-size")), form.filename
    if parted:
        part = await multipart.first_file(call.stream, content_type)
        chunks, content_type, filename = part.chunks, part.content_type, filename or part.filename
    stored = await store.put(chunks, content_type=content_type, maximum=min(MEDIA_MAX, limit or MEDIA_MAX))

    async def work(uow: UnitOfWork) -> Media:
        return await media.record(
            uow,
            stored,
            service_sid=service_sid,
            filename=filename,
            author=call.caller.identity or media.REST_AUTHOR,
            category=form.category,
            is_multipart_upstream=parted,
        )

    try:
        return await call.step(work)
    except BaseException:
        await store.delete(stored.key)
        raise


def make_operations(store: MediaStore) -> Operations:
    """Return the operations of media, which need the files of `store`."""
    operations = Operations("mcs")

    @operations.post(BASE, body="raw", callers=ACCOUNT | TOKEN, rights=[permissions.UPLOAD_MEDIA])
    async def upload_media(call: Call, _form: object) -> Answer:
        row = await _upload(store, call)
        return Answer(201, await _rendered(call, row))

    @operations.get(f"{BASE}/{{Sid}}", callers=ACCOUNT | TOKEN, rights=[permissions.READ_MEDIA])
    async def fetch_media(call: Call, _form: object) -> Answer:
        return Answer(200, await _rendered(call, await _row(call)))

    @operations.get(f"{BASE}/{{Sid}}/Content", callers=ACCOUNT | TOKEN, rights=[permissions.READ_MEDIA])
    async def fetch_content(call: Call, _form: object) -> Answer:
        return content(store, await _row(call))

    @operations.post(
        "/v1/Services/{ServiceSid}/MediaSet", body="json", callers=ACCOUNT | TOKEN, rights=[permissions.READ_MEDIA]
    )
    async def fetch_media_set(call: Call, _form: object) -> Answer:
        sids = _wanted(call.json())

        async def work(reader: Reader) -> list[dict[str, Any]]:
            render = MediaRenderer(store, call.urls, reader)
            rows = [await _readable(reader, call, sid) for sid in sids]
            return [{"code": 200, "media_record": render(row)} for row in rows]

        return Answer(200, await call.read(work))

    @operations.get("/v1/Temporary/{LinkAccountSid}/{Sid}/{Expires}/{Signature}/{Filename}", callers=PUBLIC)
    async def fetch_temporary(call: Call, _form: object) -> Answer:
        account_sid, sid = call.path["LinkAccountSid"], call.path["Sid"]
        valid = link_is_valid(
            store.secret,
            account_sid=account_sid,
            media_sid=sid,
            expires=call.path["Expires"],
            signature=call.path["Signature"],
            now=call.database.clock.now(),
        )
        if not valid:
            raise forbidden("This link has expired or was not made here")
        return content(store, await call.database.read(account_sid, lambda reader: media.fetch(reader, sid)))

    async def _row(call: Call) -> Media:
        return await call.read(lambda reader: _readable(reader, call, call.path["Sid"]))

    async def _rendered(call: Call, row: Media) -> dict[str, Any]:
        async def work(reader: Reader) -> dict[str, Any]:
            return MediaRenderer(store, call.urls, reader)(row)

        return await call.read(work)

    return operations


async def _readable(reader: Reader, call: Call, sid: str) -> Media:
    """Return a media row of the service in the path. Errors: 404/20404, 403/50430 it is not for this user."""
    row = await media.fetch(reader, sid, service_sid=call.path["ServiceSid"])
    await media_access.check(reader, call.caller, row)
    return row


def _wanted(body: object) -> list[str]:
    """Return the SIDs which a MediaSet request names. Error: 20001."""
    if not isinstance(body, dict) or body.get("command") != "get" or not isinstance(body.get("list"), list):
        raise invalid_parameter("command", 'the body must be {"command":"get","list":[{"media_sid":"ME…"}]}')
    sids = [entry.get("media_sid") for entry in body["list"] if isinstance(entry, dict)]
    if len(sids) != len(body["list"]) or not all(isinstance(sid, str) for sid in sids) or len(sids) > SET_MAX:
        raise invalid_parameter("list", f"up to {SET_MAX} objects with media_sid")
    return [sid for sid in sids if isinstance(sid, str)]
