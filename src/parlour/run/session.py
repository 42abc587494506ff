"""One program beside its proxy, from start to end."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from parlour.run.certificates import Contexts, Now, authority
from parlour.run.child import run_child
from parlour.run.environment import child_environment
from parlour.run.outside import Outside, Server
from parlour.run.proxy import HERE, Proxy


@dataclass(frozen=True)
class Plan:
    """How a program is to be run.

    :ivar authority_folder: where the authority is kept.
    :ivar entrance: host and port of the listener that speaks TLS in the vendor's names.
    :ivar credentials: account SID and auth token, for a program that has none.
    """

    server: Server
    command: Sequence[str]
    authority_folder: Path
    environment: Mapping[str, str]
    offline: bool = False
    entrance: tuple[str, int] = (HERE, 0)
    credentials: tuple[str, str] | None = None


async def run(plan: Plan, now: Now = lambda: datetime.now(UTC)) -> int:
    """Run a program to its end and return its exit code.

    :raises OSError: the authority cannot be kept, or the proxy cannot listen.
    :raises NotStarted: the program cannot be started.
    """
    signed_by = authority(plan.authority_folder, now())
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parlour-run-")))
        proxy = Proxy(
            plan.server,
            Contexts(signed_by, scratch, now),
            None if plan.offline else Outside(plan.environment),
            entrance=plan.entrance,
        )
        async with proxy.open() as listening:
            environment = child_environment(
                plan.environment,
                proxy_port=listening.proxy,
                tls_port=listening.tls,
                authority=signed_by.pem,
                bundles=scratch,
                credentials=plan.credentials,
            )
            return await run_child(plan.command, environment)
