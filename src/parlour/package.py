"""What a floor offers to the program."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute

from parlour.outbox.process import Process
from parlour.outbox.reactions import Reactions
from parlour.rest.operations import Operations


@dataclass(frozen=True)
class Invariant:
    """An invariant of DESIGN §3 as one query that returns the rows that break it.

    :param sql: takes the account SID as $1 and the domain time as $2.
    :param remedy: what an operator does about a row.
    """

    number: int
    name: str
    sql: str
    remedy: str


@dataclass(frozen=True)
class Check:
    """Something else that `parlour doctor` looks at, such as an edited agent role: rows are worth a look.

    :param sql: takes the account SID as $1 and the domain time as $2.
    :param remedy: what an operator does about a row.
    """

    name: str
    sql: str
    remedy: str


@dataclass(frozen=True)
class Package:
    """A floor: its migrations (the dotted name of the package that has the folder), operations and reactions.

    :param routes: what is no operation of a product, such as pages and web sockets.
    :param companions: what runs beside the server from its first request to its last, then is cancelled.
    """

    name: str
    migrations: str | None = None
    operations: Sequence[Operations] = ()
    reactions: Sequence[Reactions] = ()
    invariants: Sequence[Invariant] = ()
    checks: Sequence[Check] = ()
    routes: Sequence[BaseRoute] = ()
    companions: Sequence[Callable[[Process], Coroutine[Any, Any, None]]] = ()
