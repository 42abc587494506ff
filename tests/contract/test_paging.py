"""Every list walks its pages: one row a page shows what one large page shows, in its order (conversations.md §1.5)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from parlour.rest.operations import Operation
from tests.contract.good_calls import builder_of
from tests.contract.inprocess import Reply, Request
from tests.contract.published import documents, find, schema_name
from tests.contract.test_bad_input import NAMES, OPERATIONS, hold
from tests.contract.world import Stage, World

PAGES_AT_MOST: Final = 1000


def list_key(operation: Operation) -> str | None:
    """Return the key of the rows of a list, None where the operation is no list."""
    published = find(operation.product, operation.method, operation.path)
    if published is None or "PageSize" not in published.parameters:
        return None
    schema = published.answers[200]
    assert schema is not None
    properties: Mapping[str, Any] = documents()[published.document].resolve(schema)["properties"]
    found = [key for key, value in properties.items() if value.get("type") == "array" and schema_name(value["items"])]
    return found[0] if found else None


LISTS = [(operation, name) for operation, name in zip(OPERATIONS, NAMES, strict=True) if list_key(operation)]


@pytest.mark.parametrize("operation", [operation for operation, _ in LISTS], ids=[name for _, name in LISTS])
async def test_one_row_a_page_shows_what_one_large_page_shows(operation: Operation, stage: Stage, own: World) -> None:
    builder = builder_of(operation.product, operation.method, operation.path)
    if builder is None:
        pytest.fail(f"no good call in tests/contract/calls for {operation.method} {operation.product} {operation.path}")
    request = await hold(own, builder)
    await stage.advance(1)
    key = list_key(operation) or ""
    published = find(operation.product, operation.method, operation.path)
    assert published is not None
    largest = int(published.parameters["PageSize"].schema.get("maximum", 1000))
    whole = await walk(stage, request, key, largest)
    assert await walk(stage, request, key, 1) == whole
    first = await stage.send(sized(request, largest + 1))
    assert size_of(first) == largest, "a page larger than allowed is cut"
    wrong = await stage.send(sized(request, 0))
    assert (wrong.status, "PageSize" in str(wrong.body)) == (400, True)
    nonsense = await stage.send(sized(request, 1).with_form("PageToken", "no-such-place"))
    assert nonsense.status in (200, 400), "a page token of one's own is an error or a place, never a fault"


async def walk(stage: Stage, request: Request, key: str, size: int) -> list[Any]:
    """Return the rows of all pages, by the URLs that the answers name."""
    rows: list[Any] = []
    following: Request | None = sized(request, size)
    for number in range(PAGES_AT_MOST):
        assert following is not None
        reply = await stage.send(following)
        assert reply.status == 200, reply.content[:500]
        meta = reply.body.get("meta", reply.body)
        assert (meta["page"], meta["page_size"]) == (number, size)
        assert len(reply.body[key]) <= size
        rows += [name_of(row) for row in reply.body[key]]
        url = meta.get("next_page_url") or meta.get("next_page_uri")
        if not url:
            return rows
        parts = urlsplit(url)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        following = replace(request, path=parts.path, query=query)
    raise AssertionError(f"more than {PAGES_AT_MOST} pages")


def sized(request: Request, size: int) -> Request:
    """Return the request with another size of its pages."""
    return request.with_form("PageSize", str(size))


def size_of(reply: Reply) -> int:
    """Return the size that an answer says."""
    return int(reply.body.get("meta", reply.body)["page_size"])


def name_of(row: Mapping[str, Any]) -> object:
    """Return what tells a row from others."""
    return row.get("sid") or row.get("conversation_sid") or row
