"""A call through the event bridge, and what its handlers share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from parlour.kit.sids import is_sid
from parlour.realtime.event_bridge import store
from parlour.realtime.event_bridge.bearer import Bearer
from parlour.rest.errors import invalid_parameter
from parlour.rest.operations import Answer, Call, Page
from parlour.store import refs
from parlour.store.unit import UnitOfWork

T = TypeVar("T")

PAGE_SIZE: Final = 50
LARGEST_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """A list whose first page is answered.

    :ivar which: ``activities``, ``channels`` or ``reservations``.
    :ivar position: of the snapshot of reservations, else None.
    """

    which: str
    position: int | None


@dataclass(slots=True, kw_only=True)
class WorkerCall(Call):
    """One call of a bearer.

    :ivar params: the parameters as they came.
    :ivar holds: whether events wait for this call's answer.
    :ivar listed: the list that the answer begins, where sessions wait for it.
    """

    bearer: Bearer
    params: dict[str, Any] = field(default_factory=dict)
    holds: bool = False
    listed: Listed | None = None

    @property
    def workspace_sid(self) -> str:
        """Return the workspace of the path, which is the token's.

        :raises ContractError: 403/20403.
        """
        self.bearer.in_workspace(self.path["WorkspaceSid"])
        return self.path["WorkspaceSid"]

    @property
    def worker_sid(self) -> str:
        """Return the worker of the path, who is the bearer or one they look after.

        :raises ContractError: 403/20403.
        """
        self.bearer.as_worker(self.path["WorkerSid"])
        return self.path["WorkerSid"]

    async def step(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Do one unit of work, whose events for the bearer wait for the answer of this call (DESIGN 2.7)."""
        worker_sid = self.bearer.worker_sid

        async def marked(uow: UnitOfWork) -> T:
            if worker_sid is None:
                return await work(uow)
            before = await store.event_seq(uow, worker_sid)
            result = await work(uow)
            await store.caused_by_call(uow, worker_sid, before, self.request_id)
            return result

        self.holds = True
        return await self.database.step(self.account_sid, marked, request_id=self.request_id)

    def structure(self, kind: type[T]) -> T:
        """Return the parameters as a structure.

        :raises ContractError: 400/20001 says what is wrong.
        """
        try:
            return msgspec.convert(self.params, kind)
        except msgspec.ValidationError as error:
            raise invalid_parameter("params", str(error)) from error

    def bridge_page(self, after: str | None) -> Page:
        """The page that ``PageSize`` and the position ask for.

        :raises ContractError: 400/20001.
        """
        text = self.query.get("PageSize", [str(PAGE_SIZE)])[-1]
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LARGEST_PAGE:
            raise invalid_parameter("PageSize", f"'{text[:64]}' is not between 1 and {LARGEST_PAGE}")
        return Page(int(text), after, 0)

    async def after_sid(self, *prefixes: str, name: str = "AfterSid") -> str | None:
        """The SID after which the page begins; it must exist (agent-clients.md §1.4, 10).

        :raises ContractError: 400/20001.
        """
        sid = self.query.get(name, [""])[-1]
        if not sid:
            return None
        if not is_sid(sid, *prefixes) or not await self.read(lambda reader: refs.check(reader, sid)):
            raise invalid_parameter(name, f"'{sid[:64]}' was not found")
        return sid

    def answers(self, which: str, page: Page, position: int | None = None) -> None:
        """Note that the answer is a list that the bearer's sessions wait for, where it is its first page."""
        if page.token is None:
            self.listed = Listed(which, position)

    def contents(self, shown: Sequence[dict[str, Any]], size: int, *, next_token: bool = False) -> Answer:
        """Answer with a page; ``shown`` has one more than it when there is a next one (taskrouter.md §9.4).

        :param next_token: whether the next page is asked for by ``NextToken``, as that of an ordered list is.
        """
        page = list(shown[:size])
        following = page[-1]["sid"] if len(shown) > size and page else None
        meta = {"list_key": "contents", **({"next_token": following} if next_token else {})}
        return Answer(200, {"contents": page, "after_sid": None if next_token else following, "meta": meta})
