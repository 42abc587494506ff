"""A webhook as a request: the address, the parameters, the signature (conversations.md §6.4, §6.8)."""

import hashlib
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from yarl import URL

from parlour.webhooks.signing import signature
from parlour.webhooks.store import FORM, JSON

FORM_TYPE: Final = "application/x-www-form-urlencoded; charset=UTF-8"
JSON_TYPE: Final = "application/json"
DIGEST: Final = "bodySHA256"
TOKEN_HEADER: Final = "I-Twilio-Idempotency-Token"  # noqa: S105 - the name of a header


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent.

    :ivar url: as it is called and signed: without fragment, user and password.
    :ivar body: None for a GET.
    :ivar basic: user and password that stood in the URL.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    basic: tuple[str, str] | None


def encode(pairs: Sequence[tuple[str, str]]) -> str:
    """Return parameters in the form in which they are sent, kept and sent again."""
    return urlencode(pairs, errors="surrogatepass")


def make(*, method: str, url: str, parameters: str, auth_token: str, token: str, content: str = FORM) -> Request:
    """Return the request that brings parameters to a URL.

    :param method: `get` or `post`; JSON is always posted.
    :param parameters: made by `encode`; the body of a POST byte by byte, the end of the query of a GET. Or JSON text.
    :param content: `FORM` or `JSON`.
    :param auth_token: the account's, the key of the signature.
    :param token: the idempotency token, the same at every try.
    """
    address, basic = _address(url)
    headers = {TOKEN_HEADER: token, "User-Agent": "Parlour", "Accept": "*/*"}
    if content == JSON:
        body = parameters.encode()
        address += f"{'&' if '?' in address else '?'}{DIGEST}={hashlib.sha256(body).hexdigest()}"
        headers["Content-Type"] = JSON_TYPE
        headers["X-Twilio-Signature"] = signature(auth_token, address)
        return Request(method="POST", url=address, headers=headers, body=body, basic=basic)
    if method == "get":
        address += ("&" if "?" in address else "?") + parameters
        headers["X-Twilio-Signature"] = signature(auth_token, address)
        return Request(method="GET", url=address, headers=headers, body=None, basic=basic)
    pairs = parse_qsl(parameters, keep_blank_values=True, errors="surrogatepass")
    headers["Content-Type"] = FORM_TYPE
    headers["X-Twilio-Signature"] = signature(auth_token, address, pairs)
    return Request(method="POST", url=address, headers=headers, body=parameters.encode(), basic=basic)


def shown(url: str) -> str:
    """Return a URL for the log: without fragment, user and password."""
    return _address(url)[0]


def _address(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return the URL as receivers see it, and the credentials that stood in it."""
    plain = url if url.isascii() else str(URL(url))
    parts = urlsplit(plain)
    whole = URL(plain, encoded=True)
    basic = (whole.user or "", whole.password or "") if "@" in parts.netloc else None
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")), basic
