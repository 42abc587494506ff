"""Operations of the files of texts; the bytes are at the same address without `.json` (channels.md §1.2)."""

from datetime import datetime
from typing import Final

from parlour.messaging import dates, media, render
from parlour.messaging.media import Files
from parlour.messaging.store import media as store
from parlour.messaging.store.media import MessageMedia
from parlour.rest.forms import Form, param
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork

BASE: Final = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media"


class ListMedia(Form):
    """Filters."""

    date_created: str | None = None
    created_after: str | None = param("DateCreated>")
    created_before: str | None = param("DateCreated<")

    def span(self) -> tuple[datetime | None, datetime | None]:
        """Return the begin that is included and the end that is not."""
        begins, ends = [], []
        if self.date_created:
            begin, end = dates.span("DateCreated", self.date_created)
            begins.append(begin)
            ends.append(end)
        if self.created_after:
            begins.append(dates.span("DateCreated>", self.created_after)[0])
        if self.created_before:
            ends.append(dates.span("DateCreated<", self.created_before)[1])
        return max(begins, default=None), min(ends, default=None)


def make_operations(files: Files) -> Operations:
    """Return the operations, which need the files themselves."""
    operations = Operations("api")

    @operations.get(f"{BASE}.json", form=ListMedia)
    async def list_media(call: Call, form: ListMedia) -> Answer:
        """List the files of a text, in the order in which they came."""
        page = call.page()
        since, before = form.span()
        message_sid = call.path["MessageSid"]
        after = (page.token or "").removeprefix("PA")

        async def work(reader: Reader) -> list[MessageMedia]:
            await media.check_message(reader, message_sid)
            return await store.page(reader, message_sid, since=since, before=before, after=after, limit=page.size + 1)

        rows = await call.read(work)
        shown = rows[: page.size]
        more = f"PA{shown[-1].sid}" if len(rows) > page.size else None
        return call.listing_2010("media_list", [render.media(row) for row in shown], page, more)

    @operations.get(f"{BASE}/{{Sid}}.json")
    async def fetch_media(call: Call, _form: Form) -> Answer:
        """Fetch the row of a file, or the file itself."""
        row = await call.read(lambda reader: media.fetch(reader, call.path["MessageSid"], call.path["Sid"]))
        if call.own_path.endswith(".json"):
            return Answer(200, render.media(row))
        headers = {
            "Content-Length": str(row.size),
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return Answer(200, files.open(row.key), headers, media_type=row.content_type)

    @operations.delete(f"{BASE}/{{Sid}}.json")
    async def delete_media(call: Call, _form: Form) -> Answer:
        """Delete a file."""

        async def work(uow: UnitOfWork) -> None:
            await media.remove(uow, call.path["MessageSid"], call.path["Sid"])

        await call.step(work)
        return Answer(204)

    return operations
