"""Pages of TaskRouter lists: tokens of a SID, orderings, and filters that only Python can ask (§1.2)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from parlour.kit.errors import ContractError
from parlour.kit.sids import is_sid
from parlour.rest.errors import invalid_parameter
from parlour.rest.operations import Answer, Call, Page
from parlour.taskrouter.errors import precondition_failed
from parlour.taskrouter.ordering import Ordering

_CHUNK: Final = 500  # rows read at once behind a filter that Python asks


class HasSid(Protocol):
    """A row with a SID."""

    sid: str


Row = TypeVar("Row", bound=HasSid)


def page_of(call: Call) -> Page:
    """The page that is asked for; its token is the SID after which it begins.

    :raises ContractError: 400/40153 for ``Page`` without ``PageToken`` (§1.2); 400/20001 for a token of none.
    """
    page = call.page(default=50, maximum=1000)
    if page.token is None:
        if page.number > 0:
            raise ContractError(40153, 400, "Absolute paging is not supported; use PageToken")
        return page
    sid = page.token[2:]
    if page.token[:2] != "PA" or not is_sid(sid):
        raise invalid_parameter("PageToken", f"'{page.token[:64]}' is no token of this list")
    return Page(page.size, sid, page.number)


def answer(call: Call, key: str, rows: Sequence[Row], page: Page, render: Callable[[Row], dict[str, Any]]) -> Answer:
    """A list answer; ``rows`` has one more than the page when there is a next one."""
    shown = rows[: page.size]
    following = f"PA{shown[-1].sid}" if len(rows) > page.size and shown else None
    asked = Page(page.size, None if page.token is None else f"PA{page.token}", page.number)
    return call.listing(key, [render(each) for each in shown], asked, next_token=following)


async def filtered(
    fetch: Callable[[str | None, int], Awaitable[Sequence[Row]]], keep: Callable[[Row], bool], page: Page
) -> list[Row]:
    """The rows of a page behind a filter; ``fetch`` takes the SID to begin after and how many."""
    found: list[Row] = []
    after = page.token
    while True:
        rows = await fetch(after, _CHUNK)
        found += [each for each in rows if keep(each)]
        if len(found) > page.size or len(rows) < _CHUNK:
            return found[: page.size + 1]
        after = rows[-1].sid


def ordering(text: str | None, columns: dict[str, str], *, several: bool = False) -> Ordering:
    """Read ``Ordering``, such as ``DateCreated:asc`` or a comma list of such (§1.1).

    :param columns: wire name to column.
    :raises ContractError: 400/20001.
    """
    found: list[tuple[str, bool]] = []
    names: set[str] = set()
    for part in (text or "").split(",") if text else []:
        name, _, direction = part.strip().partition(":")
        if name not in columns or direction.lower() not in ("asc", "desc", "") or name in names:
            known = ", ".join(f"{each}:asc|desc" for each in columns)
            raise invalid_parameter("Ordering", f"'{part[:64]}' is not one of {known}")
        names.add(name)
        found.append((columns[name], direction.lower() == "desc"))
    if len(found) > 1 and not several:
        raise invalid_parameter("Ordering", "takes one order only")
    if {"DateCreated", "VirtualStartTime"} <= names:
        raise invalid_parameter("Ordering", "DateCreated and VirtualStartTime exclude each other")
    return Ordering(tuple(found))


def sid_filter(name: str, value: str | None, prefix: str) -> str | None:
    """A SID to filter history by: of the right form, while its row may be gone; None where nothing is given.

    :raises ContractError: 400/20001, it is no such SID.
    """
    if value and not is_sid(value, prefix):
        raise invalid_parameter(name, f"'{value[:64]}' is not a SID of {prefix}")
    return value or None


def etag(version: int) -> dict[str, str]:
    """The header that names the version of a row (§1.3)."""
    return {"ETag": f'"{version}"'}


def if_match(call: Call, sid: str) -> int | None:
    """The version that ``If-Match`` demands: quoted, unquoted or weak; None for ``*`` or without it (§1.3).

    :raises ContractError: 412, it can match nothing.
    """
    text = call.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if text in ("", "*"):
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise precondition_failed(sid, -1)
    return int(text)
