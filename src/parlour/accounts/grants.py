"""What an access token opens (realtime-protocol.md §4.4)."""

from typing import Any, Final

from parlour.accounts.errors import invalid_grants
from parlour.rest.operations import Caller

LEADS: Final = frozenset({"supervisor", "admin"})


def chat_service_or_none(caller: Caller) -> str | None:
    """Return the SID of the Conversations service that a token is for."""
    sid = _grant(caller, "chat").get("service_sid")
    return sid if isinstance(sid, str) and sid else None


def chat_service(caller: Caller) -> str:
    """Return the SID of the Conversations service that a token is for. Error: 401/20106, it is for none."""
    sid = chat_service_or_none(caller)
    if sid is None:
        raise invalid_grants("it has no chat grant with a service_sid")
    return sid


def identity(caller: Caller) -> str:
    """Return whose token it is.

    :raises RuntimeError: it is no token, which an operation of tokens does not let in.
    """
    if caller.identity is None:
        raise RuntimeError("only an access token has an identity")
    return caller.identity


def flex_roles(caller: Caller) -> frozenset[str]:
    """Return the roles that sign-in to the agent desktop gave, none for another token."""
    roles = _grant(caller, "flex").get("roles")
    return frozenset(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else frozenset()


def leads(caller: Caller) -> bool:
    """Tell whether the caller is a supervisor or an administrator, who may read every conversation of the service."""
    return bool(flex_roles(caller) & LEADS)


def _grant(caller: Caller, name: str) -> dict[str, Any]:
    grant = caller.grants.get(name)
    return grant if isinstance(grant, dict) else {}
