"""Operations of Sync, product `cds` (realtime-protocol.md §8.1, §8.2)."""

from typing import Annotated, Any, Final

from parlour.conversations.store import changes
from parlour.realtime.sync import data, items, paging, render, subscriptions
from parlour.realtime.sync.access import RIGHTS
from parlour.realtime.sync.errors import readable
from parlour.realtime.sync.hub import Hub
from parlour.realtime.sync.items import Item, Key
from parlour.realtime.sync.objects import SyncObject, View
from parlour.realtime.sync.paging import Query
from parlour.rest.errors import invalid_parameter
from parlour.rest.forms import Form, choice, param
from parlour.rest.operations import TOKEN, Answer, Call, Operations
from parlour.store.unit import Reader

MAPS: Final = (RIGHTS[View.ROSTER], RIGHTS[View.CONVERSATIONS], RIGHTS[View.USER])
LARGEST_INDEX: Final = 2**31 - 1


class FetchMap(Form):
    """Parameters of a map."""

    include: str | None = None


class ListItems(Form):
    """Which items; a page token stands for all the others."""

    key: str | None = None
    index: int | None = None
    page_token: str | None = None
    from_: str | None = param("From")
    bounds: Annotated[str, choice("inclusive", "exclusive")] = "inclusive"
    order: Annotated[str, choice("asc", "desc")] = "asc"
    page_size: int = paging.USUAL
    hide_expired: bool = False


def make_operations(hub: Hub) -> Operations:
    """Return the operations of Sync, which deliver through ``hub``."""
    operations = Operations(render.PRODUCT)

    @operations.get("/v3/Documents/{Sid}", callers=TOKEN, rights=[RIGHTS[View.CONVERSATION]])
    async def fetch_document(call: Call, _form: object) -> Answer:
        async def work(reader: Reader) -> dict[str, Any]:
            shown = await readable(reader, "document", call.path["Sid"], call.caller)
            body = render.descriptor(call.urls, shown, call.account_sid)
            if shown.conversation is not None:
                last = await changes.last_message(reader, shown.owner_sid)
                body["data"] = data.conversation(shown.conversation, last)
            return body

        return Answer(200, await call.read(work))

    @operations.get("/v3/Lists/{Sid}", callers=TOKEN, rights=[RIGHTS[View.MESSAGES]])
    async def fetch_list(call: Call, _form: object) -> Answer:
        shown = await call.read(lambda reader: readable(reader, "list", call.path["Sid"], call.caller))
        return Answer(200, render.descriptor(call.urls, shown, call.account_sid))

    @operations.get("/v3/Maps/{Sid}", form=FetchMap, callers=TOKEN, rights=MAPS)
    async def fetch_map(call: Call, form: FetchMap) -> Answer:
        async def work(reader: Reader) -> dict[str, Any]:
            shown = await readable(reader, "map", call.path["Sid"], call.caller)
            body = render.descriptor(call.urls, shown, call.account_sid)
            if form.include == "items":
                first = await items.fetch(reader, shown, False, None, True, paging.LARGEST)
                body["items"] = [render.item(call.urls, shown, row) for row in first]
            return body

        return Answer(200, await call.read(work))

    @operations.get("/v3/Lists/{Sid}/Items", form=ListItems, callers=TOKEN, rights=[RIGHTS[View.MESSAGES]])
    async def list_list_items(call: Call, form: ListItems) -> Answer:
        return await _items(call, form, "list")

    @operations.get("/v3/Maps/{Sid}/Items", form=ListItems, callers=TOKEN, rights=MAPS)
    async def list_map_items(call: Call, form: ListItems) -> Answer:
        return await _items(call, form, "map")

    @operations.post("/v4/Subscriptions", body="json", callers=TOKEN, rights=list(RIGHTS.values()))
    async def subscribe(call: Call, _form: object) -> Answer:
        return await subscriptions.serve(call, hub)

    return operations


async def _items(call: Call, form: ListItems, object_type: str) -> Answer:
    wanted = _exact(form, object_type)
    query = Query(size=1, start=wanted) if wanted is not None else _query(form, object_type)

    async def work(reader: Reader) -> dict[str, Any]:
        shown = await readable(reader, object_type, call.path["Sid"], call.caller)

        async def fetch(descending: bool, start: Key | None, inclusive: bool, limit: int) -> list[Item]:
            return await items.fetch(reader, shown, descending, start, inclusive, limit)

        if wanted is not None:
            found = [row for row in await fetch(False, wanted, True, 1) if row.key == wanted]
            return _page(call, shown, found, None, None)
        return _page(call, shown, *await paging.page(query, fetch))

    return Answer(200, await call.read(work))


def _page(
    call: Call, shown: SyncObject, found: list[Item], previous_token: str | None, next_token: str | None
) -> dict[str, Any]:
    meta = {"previous_token": previous_token, "next_token": next_token, "encode_token": False, "direct_token": True}
    return {"items": [render.item(call.urls, shown, row) for row in found], "meta": meta}


def _exact(form: ListItems, object_type: str) -> Key | None:
    if object_type == "list":
        return None if form.index is None else _index("Index", form.index)
    return form.key


def _index(name: str, value: object) -> int:
    """Return the index of a list's item. Error: 400/20001."""
    try:
        index = int(str(value))
    except ValueError as error:
        raise invalid_parameter(name, "the index of a list is a number") from error
    if not 0 <= index < LARGEST_INDEX:
        raise invalid_parameter(name, "out of range")
    return index


def _query(form: ListItems, object_type: str) -> Query:
    if form.page_token:
        query = paging.from_token(form.page_token)
        if object_type == "list" and query.start is not None:
            _index("PageToken", query.start)
        return query
    if form.page_size < 1:
        raise invalid_parameter("PageSize", "at least 1")
    start: Key | None = form.from_
    if object_type == "list" and form.from_ is not None:
        start = _index("From", form.from_)
    return Query(
        size=min(form.page_size, paging.LARGEST),
        descending=form.order == "desc",
        start=start,
        inclusive=form.bounds == "inclusive",
    )
