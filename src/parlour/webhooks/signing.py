"""`X-Twilio-Signature`: made for our webhooks, and checked on those of carriers (conversations.md §6.8)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable


def signature(auth_token: str, url: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    """Return the signature of a request to `url`.

    :param url: the whole address as it is called, with its query.
    :param pairs: the form of a POST, nothing of a GET; a name that comes twice is written once for each of its
        values, in their order.
    """
    values: dict[str, set[str]] = {}
    for name, value in pairs:
        values.setdefault(name, set()).add(value)
    text = url + "".join(f"{name}{value}" for name in sorted(values) for value in sorted(values[name]))
    digest = hmac.new(auth_token.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_valid(given: str, auth_token: str, url: str, pairs: Iterable[tuple[str, str]]) -> bool:
    """Say whether a signature is the one expected."""
    return hmac.compare_digest(signature(auth_token, url, pairs).encode(), given.encode("utf-8", "replace"))
