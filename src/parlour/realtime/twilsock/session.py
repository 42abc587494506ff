"""Who is on a socket: the token, when it ends, and which notifications it takes (realtime-protocol.md §3.2, §4.4)."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from parlour.accounts import grants
from parlour.accounts.access_tokens import AccessToken
from parlour.kit.errors import ContractError
from parlour.rest.operations import Caller

WARNING: Final = timedelta(minutes=3)  # before the end of a token (§4.4)
CONVERSATIONS: Final = "ip_messaging"  # the product that needs a chat grant
OTHER_TOKEN: Final = 51215
LARGEST_CONTEXTS: Final = 50  # of one socket


def caller_of(token: AccessToken) -> Caller:
    """Return whose token it is, as operations know callers."""
    return Caller("token", token.account_sid, token.identity, token.grants)


@dataclass(frozen=True, slots=True)
class Context:
    """A registration for notifications."""

    id: str
    product: str
    type: str
    message_types: tuple[str, ...]

    @property
    def header(self) -> dict[str, Any]:
        """Return how the answer to ``init`` shows it."""
        return {
            "notification_ctx_id": self.id,
            "type": self.type,
            "product": self.product,
            "message_types": list(self.message_types),
        }


class Session:
    """An authenticated client.

    :ivar version: of the client's twilsock library, such as ``0.12.2``.
    """

    def __init__(self, token: AccessToken, version: str, contexts: list[Context], now: datetime) -> None:
        self.version = version
        self._warned = False
        self._contexts = {context.id: context for context in contexts}
        self._take(token, now)

    def context_of(self, message_type: str) -> str | None:
        """Return the registration for a kind of notification, None where the client did not ask for it."""
        return next((c.id for c in self._contexts.values() if message_type in c.message_types), None)

    def renew(self, token: AccessToken, now: datetime) -> None:
        """Go on with another token of the same client. Error: 401/51215, it is somebody else's (§4.4)."""
        new, old = caller_of(token), self.caller
        same = (new.account_sid, new.identity) == (old.account_sid, old.identity)
        if not same or new.grants.get("chat") != old.grants.get("chat"):
            raise ContractError(OTHER_TOKEN, 401, "The token is of another identity or service")
        self._take(token, now)

    def put(self, context: Context) -> None:
        """Add a registration or replace it. Error: 400/20001, too many."""
        if context.id not in self._contexts and len(self._contexts) >= LARGEST_CONTEXTS:
            raise ContractError(20001, 400, f"A socket has at most {LARGEST_CONTEXTS} notification contexts")
        self._contexts[context.id] = context

    def drop(self, context_id: str) -> None:
        """Forget a registration."""
        self._contexts.pop(context_id, None)

    def must_warn(self, now: datetime) -> bool:
        """Tell, once for each token, that it is about to expire."""
        due = not self._warned and now >= self._warn_at
        self._warned = self._warned or due
        return due

    def _take(self, token: AccessToken, now: datetime) -> None:
        self.caller = caller_of(token)
        self.expires = token.expires
        # A token of less than three minutes would be about to expire all its life, and renewed without end.
        self._warn_at = token.expires - min(WARNING, (token.expires - now) / 2)
        self._warned = False


def registrations(header: dict[str, Any], caller: Caller) -> list[Context]:
    """Read the registrations of ``init``. Errors: 403/20403 no grant for the product, 400/20001 not readable."""
    given = header.get("registrations")
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > LARGEST_CONTEXTS:
        raise ContractError(20001, 400, "registrations is not a list")
    contexts = [read_context(str(uuid.uuid4()), entry) for entry in given]
    if any(context.product == CONVERSATIONS for context in contexts):
        grants.chat_service(caller)
    return contexts


def read_context(context_id: str, entry: object) -> Context:
    """Read one registration, of ``init`` or of ``put_notification_ctx``. Error: 400/20001."""
    if not isinstance(entry, dict):
        raise ContractError(20001, 400, "A registration is an object")
    types = entry.get("message_types")
    if not isinstance(types, list) or not all(isinstance(kind, str) for kind in types):
        raise ContractError(20001, 400, "message_types is not a list of texts")
    product = entry.get("product", entry.get("product_id", ""))
    return Context(context_id, str(product), str(entry.get("type", "ers")), tuple(types))


def version_of(header: dict[str, Any]) -> str:
    """Return the version of the client's library."""
    metadata = header.get("metadata")
    return str(metadata.get("ver", "")) if isinstance(metadata, dict) else ""
