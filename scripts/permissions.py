"""Write docs/permissions.md: who may call which operation, and which role allows what (conversations.md §7).

usage: python scripts/permissions.py [--check]
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from parlour.app import compose
from parlour.conversations import roles
from parlour.rest.operations import PUBLIC, Operation
from parlour.rest.rights import Right, Standing
from parlour.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "permissions.md"
HEAD = """# Who may do what

Made by `python scripts/permissions.py` from the code that asks for these rights; the tests read this page and try
every cell of it. Choices where the contract is silent: [decisions/permissions.md](decisions/permissions.md).

A caller who may not is answered: no or wrong credentials, or a standard key where it may not, 401/20003; a token that
is no good 401 with [the code of what is wrong with it](keys-and-tokens.md), 20104 where it has expired; another kind
of credentials than the operation takes 403/20403; roles that do not allow it 403/50107; one who does not take part
403/50430; what is of another account or another service 404/20404. Sync says 403/54007 for what may not be read.

"""
STANDINGS = {
    Standing.ACCOUNT: "has a token of the account",
    Standing.SERVICE: "has a token for the service",
    Standing.SEES: "made the conversation, may join it, leads the service, or takes part",
    Standing.READS: "leads the service, or takes part",
    Standing.TAKES_PART: "takes part",
}
ROLES = """## What access tokens may do

A token stands for its identity, a user of the service in its chat grant. *Who* is asked first, whatever the roles say;
then one of the permissions must be in the user's service role or in the participant's conversation role. *own*: enough
for what is one's own (a message one wrote, oneself as a user or participant). To lead a service is to have signed in
to the agent desktop as supervisor or admin; the service roles of those names count for them beside their own.

The other columns are the roles that are there from the start: what each allows by itself.

"""
NOT_ASKED = """
`editNotificationLevel` is taken in roles and asked for nowhere: a notification level is one's own view.

"""
FOOT = """## Operations that access tokens may call

| Operation | What it does |
|---|---|
"""


def page() -> str:
    """Return the page as the program is now."""
    with tempfile.TemporaryDirectory() as folder:
        program = compose(Settings(data=Path(folder)), "postgresql://nowhere/none")
    operations = sorted(program.router.operations, key=lambda o: (o.product, o.path, o.method))
    return HEAD + _credentials(operations) + ROLES + _rights(operations) + NOT_ASKED + FOOT + _for_tokens(operations)


def _credentials(operations: Iterable[Operation]) -> str:
    kinds = ("account", "main_key", "api_key", "token")
    rows = ["## Which credentials\n", "| Operation | Auth token | Main key | Standard key | Access token |"]
    rows += ["|---|---|---|---|---|"]
    for operation in operations:
        if operation.callers == PUBLIC:
            cells = ["open"] * len(kinds)
        else:
            cells = ["yes" if kind in operation.callers else "no" for kind in kinds]
        rows.append(_row(_name(operation), *cells))
    return "\n".join(rows) + "\n\n"


def _rights(operations: Iterable[Operation]) -> str:
    rights = list(dict.fromkeys(right for operation in operations for right in operation.rights))
    rights.sort(key=lambda right: (right.standing, not right.permissions, right.does))
    names = [f"{kind}: {name}" for name, kind in roles.PROVISIONED]
    rows = [_row("What", "Who", "Permission", *names), _row(*["---"] * (3 + len(names)))]
    for right in rights:
        needed = [f"`{one}`" for one in right.permissions] + [f"own: `{one}`" for one in right.own]
        if right.maker_needs_none:
            needed.append("none for who made it")
        cells = [_cell(right, kind, granted) for (_, kind), granted in roles.PROVISIONED.items()]
        rows.append(_row(right.does, STANDINGS[right.standing], ", ".join(needed) or "none", *cells))
    return "\n".join(rows) + "\n"


def _cell(right: Right, kind: str, granted: Sequence[str]) -> str:
    if right.permissions and kind == "conversation" and right.standing <= Standing.SERVICE:
        return "no"  # it is about no conversation, so that no role in one is asked
    if right.allowed(granted):
        return "yes"
    return "own" if right.allowed(granted, own=True) else "no"


def _for_tokens(operations: Iterable[Operation]) -> str:
    rows = [
        _row(_name(operation), "; ".join(right.does for right in operation.rights))
        for operation in operations
        if operation.rights
    ]
    return "\n".join(rows) + "\n"


def _name(operation: Operation) -> str:
    return f"`{operation.method} {operation.product} {operation.path}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where the committed page differs")
    if not parser.parse_args().check:
        PAGE.write_text(page())
        return 0
    same = PAGE.exists() and PAGE.read_text() == page()
    print(f"{PAGE.name} is {'as the program is' if same else 'out of date: run scripts/permissions.py'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
