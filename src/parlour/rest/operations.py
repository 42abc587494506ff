"""Operations: what a product serves, who may call it, and what a handler is given."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from parlour.kit.errors import ContractError
from parlour.kit.wire import decode_json
from parlour.rest.errors import forbidden, invalid_parameter, needs_main_key
from parlour.rest.forms import Form, NoForm
from parlour.rest.rights import Right
from parlour.store.database import Database
from parlour.store.unit import Reader, UnitOfWork

T = TypeVar("T")

OWNER: Final = frozenset({"account", "main_key"})
ACCOUNT: Final = OWNER | {"api_key"}
TOKEN: Final = frozenset({"token"})
PUBLIC: Final = frozenset({"public"})
BODY_LIMIT: Final = 2 * 1024 * 1024  # bytes of a form or JSON body


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    :ivar kind: ``account`` (SID and auth token), ``main_key``, ``api_key`` (a standard one), ``token`` (access token)
        or ``public``.
    :ivar key_sid: of an API key; None otherwise.
    :ivar identity: of an access token; None otherwise.
    :ivar grants: of an access token.
    """

    kind: str
    account_sid: str
    identity: str | None = None
    grants: Mapping[str, Any] = field(default_factory=dict)
    key_sid: str | None = None


class Authenticator(Protocol):
    """Knows callers by their credentials; implemented by the floor of accounts."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return who calls.

        :raises ContractError: 401/20003, no or wrong credentials.
        """
        ...


class Answer(msgspec.Struct, frozen=True):
    """Status, body (None: empty; bytes: as they are; else JSON) and further headers.

    :ivar after: done once the answer has been sent, for what must not be seen before it.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    media_type: str = "application/json"
    after: Callable[[], Awaitable[None]] | None = None


class Urls(msgspec.Struct, frozen=True):
    """Makes absolute URLs that repeat the form in which the request named its product (DESIGN 2.11)."""

    prefix: Callable[[str], str]

    def of(self, product: str, path: str) -> str:
        """Return the URL of a path of a product, such as ``("conversations", "/v1/Conversations/CH…")``."""
        return self.prefix(product) + path


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is asked for.

    :ivar size: records at most.
    :ivar token: opaque position, None at the first page.
    :ivar number: the client's own count.
    """

    size: int
    token: str | None
    number: int


class Whole(Protocol):
    """The steps of a call made one transaction."""

    async def step(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Do a unit of work as a part of it."""
        ...

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        """Read what it wrote so far."""
        ...


class Body(Protocol):
    """The bytes of a request as they arrive."""

    def __aiter__(self) -> Any: ...


@dataclass(slots=True)
class Call:
    """One call of an operation.

    :ivar query_string: the query as it was written, which a signature covers.
    :ivar socket: the web socket through which a tunnelled call came, None for one over HTTP.
    :ivar effect: the one transaction of all its steps, where it came with an idempotency key.
    """

    method: str
    product: str
    route: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    caller: Caller
    request_id: str
    urls: Urls
    own_path: str
    database: Database
    body: bytes = b""
    stream: Any = None
    socket: Any = None
    effect: "Whole | None" = None
    query_string: str = ""

    @property
    def account_sid(self) -> str:
        """Return the account that calls."""
        return self.caller.account_sid

    async def step(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Do one unit of work."""
        if self.effect is not None:
            return await self.effect.step(work)
        return await self.database.step(self.account_sid, work, request_id=self.request_id)

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        """Read outside any transaction."""
        if self.effect is not None:
            return await self.effect.read(work)
        return await self.database.read(self.account_sid, work)

    def json(self) -> Any:
        """Return the body as JSON.

        :raises ContractError: 400/20001, it is not.
        """
        try:
            return decode_json(self.body)
        except msgspec.DecodeError as error:
            raise ContractError(20001, 400, f"The body is not valid JSON: {error}") from error

    def page(self, *, default: int = 50, maximum: int = 1000) -> Page:
        """Read ``PageSize``, ``Page`` and ``PageToken``; a larger page than allowed is cut (conversations.md §1.5)."""
        size = self._number("PageSize", default)
        if size < 1:
            raise invalid_parameter("PageSize", "at least 1")
        token = self.query.get("PageToken", [""])[-1]
        return Page(min(size, maximum), token or None, max(self._number("Page", 0), 0))

    def listing(
        self,
        key: str,
        records: Sequence[object],
        page: Page,
        *,
        next_token: str | None = None,
        previous_token: str | None = None,
    ) -> Answer:
        """Answer with a list and the contract's ``meta`` block."""
        meta = {
            "page": page.number,
            "page_size": page.size,
            "first_page_url": self.page_url(page.size, 0, None),
            "previous_page_url": None
            if previous_token is None
            else self.page_url(page.size, max(page.number - 1, 0), previous_token),
            "url": self.page_url(page.size, page.number, page.token),
            "next_page_url": None if next_token is None else self.page_url(page.size, page.number + 1, next_token),
            "key": key,
        }
        return Answer(200, {key: list(records), "meta": meta})

    def listing_2010(self, key: str, records: Sequence[object], page: Page, next_token: str | None = None) -> Answer:
        """Answer with a list in the envelope of the 2010 API, whose URIs are relative (channels.md §1.1)."""

        def uri(number: int, token: str | None) -> str:
            return self.page_url(page.size, number, token).removeprefix(self.urls.of(self.product, ""))

        start = page.number * page.size
        return Answer(
            200,
            {
                key: list(records),
                "end": max(start + len(records) - 1, 0),
                "first_page_uri": uri(0, None),
                "next_page_uri": None if next_token is None else uri(page.number + 1, next_token),
                "page": page.number,
                "page_size": page.size,
                "previous_page_uri": None,
                "start": start,
                "uri": uri(page.number, page.token),
            },
        )

    def page_url(self, size: int, number: int, token: str | None) -> str:
        """Return the URL of a page: filters first, then ``PageSize``, ``Page`` and ``PageToken``."""
        pairs = [(n, v) for n, vs in self.query.items() if n not in ("PageSize", "Page", "PageToken") for v in vs]
        pairs += [("PageSize", str(size)), ("Page", str(number))]
        if token is not None:
            pairs.append(("PageToken", token))
        return f"{self.urls.of(self.product, self.own_path)}?{urlencode(pairs)}"

    def _number(self, name: str, default: int) -> int:
        text = self.query.get(name, [""])[-1]
        if not text:
            return default
        try:
            return int(text)
        except ValueError as error:
            raise invalid_parameter(name, f"'{text[:64]}' is not a whole number") from error


Handler = Callable[[Any, Any], Awaitable[Answer]]  # the call, which a floor may have extended, and the form
handler_type = TypeVar("handler_type", bound=Handler)


@dataclass(frozen=True)
class Operation:
    """One method on one path.

    :ivar refused: published parameters out of scope: name to the reason.
    :ivar ignored: published parameters that have no effect by the contract itself.
    :ivar stored_only: published parameters that are stored and shown but do nothing yet: name to the reason.
    :ivar rights: what it does for the holder of an access token, who needs what these say; empty where no token may.
    :ivar rate: calls a second that the contract allows to this one; None: as many as to others (rates.py).
    """

    method: str
    product: str
    path: str
    handler: Handler
    form: type[Form]
    callers: frozenset[str]
    refused: Mapping[str, str]
    ignored: frozenset[str]
    body: str
    stored_only: Mapping[str, str] = field(default_factory=dict)
    rights: tuple[Right, ...] = ()
    rate: int | None = None

    def admit(self, caller: Caller) -> None:
        """Refuse a kind of caller that may not call. Errors: 401/20003 a standard key, 403/20403 another kind."""
        if caller.kind in self.callers:
            return
        if caller.kind == "api_key" and self.callers >= OWNER:
            raise needs_main_key()
        raise forbidden(f"A caller with {caller.kind} credentials may not do this")


class Operations:
    """The operations of a floor under one product.

    :param product: the first host label, such as ``conversations`` or ``flex-api``.
    """

    def __init__(self, product: str) -> None:
        self.product = product
        self.all: list[Operation] = []
        self.absences: list[tuple[str, str]] = []

    def get(self, *paths: str, **options: Any) -> Callable[[handler_type], handler_type]:
        """Serve GET; the form is read from the query."""
        return self._serve("GET", paths, **options)

    def post(self, *paths: str, **options: Any) -> Callable[[handler_type], handler_type]:
        """Serve POST; the form is read from the body."""
        return self._serve("POST", paths, **options)

    def delete(self, *paths: str, **options: Any) -> Callable[[handler_type], handler_type]:
        """Serve DELETE."""
        return self._serve("DELETE", paths, **options)

    def absent(self, *prefixes: str, why: str) -> None:
        """Have the refusal of a published path that is not served say why; what is served below it stays served."""
        self.absences += [(prefix, why) for prefix in prefixes]

    def _serve(
        self,
        method: str,
        paths: tuple[str, ...],
        *,
        form: type[Form] = NoForm,
        callers: frozenset[str] = ACCOUNT,
        refused: Mapping[str, str] | None = None,
        ignored: Sequence[str] = (),
        body: str = "form",
        stored_only: Mapping[str, str] | None = None,
        rights: Sequence[Right] = (),
        rate: int | None = None,
    ) -> Callable[[handler_type], handler_type]:
        """Register a handler.

        :param callers: kinds of callers who may call.
        :param refused: published parameters out of scope: name to the reason.
        :param ignored: published parameters that have no effect by the contract itself.
        :param body: ``form``, ``json`` (read with ``call.json()``) or ``raw`` (read with ``call.stream``).
        :param stored_only: published parameters that are stored and shown but do nothing yet: name to the reason.
        :param rights: what it does for the holder of an access token; every operation that tokens may call has some.
        :param rate: calls a second that the contract allows to this one.
        :raises ValueError: tokens may call it and it has none, or the other way round.
        """
        if bool(rights) != (callers >= TOKEN):
            raise ValueError(f"{method} {', '.join(paths)}: rights are for operations that access tokens may call")

        def register(handler: handler_type) -> handler_type:
            for path in paths:
                self.all.append(
                    Operation(
                        method,
                        self.product,
                        path,
                        handler,
                        form,
                        callers,
                        dict(refused or {}),
                        frozenset(ignored),
                        body,
                        dict(stored_only or {}),
                        tuple(rights),
                        rate,
                    )
                )
            return handler

        return register
