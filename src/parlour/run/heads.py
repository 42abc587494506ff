"""The first lines of a request: read, understood as far as a proxy must, and written again."""

from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

LONGEST_HEAD: Final = 128 * 1024  # bytes, access tokens in the query included
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80

_HOP: Final = ("proxy-connection", "proxy-authorization")  # words for the proxy, not for who is behind it


class BadHead(Exception):
    """What came is no request that can be passed on.

    :ivar status: what to answer.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Head:
    """A request line and its headers, in their order and spelling."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str | None:
        """Return the first value of a header; its name is in lower case."""
        return next((value for known, value in self.headers if known.lower() == name), None)

    @property
    def upgrades(self) -> bool:
        """Say whether the connection is to become another protocol, such as a web socket."""
        return "upgrade" in (self.header("connection") or "").lower() and self.header("upgrade") is not None

    def with_header(self, name: str, value: str) -> "Head":
        """Return the head with one header set, where it stood or at the end."""
        first = True
        headers = []
        for known, old in self.headers:
            if known.lower() != name.lower():
                headers.append((known, old))
            elif first:
                headers.append((known, value))
                first = False
        if first:
            headers.append((name, value))
        return replace(self, headers=tuple(headers))

    def for_origin(self, target: str) -> "Head":
        """Return the head as the server behind the proxy is asked: its own path, and nothing said to the proxy."""
        return replace(self, target=target, headers=tuple(h for h in self.headers if h[0].lower() not in _HOP))

    def encode(self) -> bytes:
        """Return the bytes."""
        lines = [f"{self.method} {self.target} {self.version}", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader: StreamReader) -> Head | None:
    """Read a head; None where the peer has nothing more to ask.

    :raises BadHead: it is too long, or no HTTP/1.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except IncompleteReadError as error:
        if error.partial.strip():
            raise BadHead(400, "the request ended in its head") from error
        return None
    except LimitOverrunError as error:
        raise BadHead(431, f"the head of the request is longer than {LONGEST_HEAD} bytes") from error
    first, *rest = raw.decode("latin-1").strip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadHead(400, "this is no HTTP/1 request")
    headers = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadHead(400, "a header of the request cannot be read")
        headers.append((name, value.strip()))
    return Head(words[0], words[1], words[2], tuple(headers))


def split_authority(authority: str, default_port: int) -> tuple[str, int]:
    """Return host and port of ``host:port``, ``host`` or ``[v6]:port``.

    :raises BadHead: it names no host, or no possible port.
    """
    try:
        parts = urlsplit(f"//{authority}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadHead(400, f"'{authority}' is no host and port") from error
    if not host:
        raise BadHead(400, "the request names no host")
    return host, default_port if port is None else port
