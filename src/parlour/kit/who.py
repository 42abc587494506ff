"""What a log line is about: the request and the account, wherever in the program it is written."""

from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Final

about: Final[ContextVar[tuple[str, str]]] = ContextVar("about", default=("", ""))  # request id, account SID


def say_about(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the request id and the account to a log event that does not name them itself (a structlog processor)."""
    request_id, account_sid = about.get()
    if request_id:
        event.setdefault("request_id", request_id)
    if account_sid:
        event.setdefault("account_sid", account_sid)
    return event
