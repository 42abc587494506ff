"""Ways out of the proxy: to the Parlour server, and to every other host as the program would have gone by itself."""

import asyncio
import base64
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from parlour.run.heads import HTTP_PORT, HTTPS_PORT, LONGEST_HEAD, BadHead
from parlour.run.hosts import is_loopback

PATIENCE: Final = 20  # seconds for a connection

Connection = tuple[StreamReader, StreamWriter]


class Unreachable(Exception):
    """No connection could be made; the message says to whom and why."""


class BadAddress(Exception):
    """The address of the server is not one; the message says what it must be."""


@dataclass(frozen=True)
class Server:
    """Where Parlour answers.

    :ivar tls: whether it is spoken to by TLS.
    """

    host: str
    port: int
    tls: bool

    @classmethod
    def at(cls, url: str) -> "Server":
        """Return the server of an address.

        :raises BadAddress: it is not ``http://host[:port]`` or ``https://host[:port]``.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadAddress(f"'{url}' is no address of a server: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise BadAddress(f"'{url}' is no address of a server: it must look like http://127.0.0.1:8580")
        tls = parts.scheme == "https"
        return cls(parts.hostname, port or (HTTPS_PORT if tls else HTTP_PORT), tls)

    async def connect(self) -> Connection:
        """Open a connection.

        :raises Unreachable: nobody answers.
        """
        return await _open(self.host, self.port, tls=self.tls)


class Outside:
    """The hosts that are not the vendor's.

    :param environment: the variables of whoever started us; their proxy is ours on the way out.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._proxies = {scheme: _proxy_of(environment, scheme) for scheme in ("http", "https")}
        direct = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
        self._direct = tuple(entry.strip().lower().removeprefix("*.").lstrip(".") for entry in direct.split(","))

    async def connect(self, host: str, port: int) -> Connection:
        """Open a connection to a host, through the proxy that was set before us.

        :raises Unreachable: nobody answers.
        """
        return await self._plain("https", host, port)

    async def connect_for(self, scheme: str, host: str, port: int) -> Connection:
        """Open a connection for one plain request; TLS, where its scheme asks for it, is made and checked here.

        :raises Unreachable: nobody answers, or not with a certificate for that name.
        """
        if scheme == "https":
            return await _open(host, port, tls=True)
        return await self._plain(scheme, host, port)

    async def _plain(self, scheme: str, host: str, port: int) -> Connection:
        proxy = self._proxy(scheme, host)
        return await (_open(host, port) if proxy is None else _through(proxy, host, port))

    def _proxy(self, scheme: str, host: str) -> str | None:
        name = host.lower()
        if is_loopback(name) or any(entry and _is_below(name, entry) for entry in self._direct):
            return None
        return self._proxies[scheme]


def _is_below(name: str, entry: str) -> bool:
    return entry in ("*", name) or name.endswith(f".{entry}")


def _proxy_of(environment: Mapping[str, str], scheme: str) -> str | None:
    found = environment.get(f"{scheme}_proxy") or environment.get(f"{scheme.upper()}_PROXY")
    return found if found and found.startswith("http://") else None


async def _through(proxy: str, host: str, port: int) -> Connection:
    parts = urlsplit(proxy)
    reader, writer = await _open(parts.hostname or "", parts.port or HTTP_PORT)
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    words = [f"CONNECT {name} HTTP/1.1", f"Host: {name}"]
    if parts.username is not None:
        known = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        words.append(f"Proxy-Authorization: Basic {base64.b64encode(known.encode()).decode()}")
    try:
        writer.write(("\r\n".join(words) + "\r\n\r\n").encode("latin-1"))
        async with asyncio.timeout(PATIENCE):
            answer = await reader.readuntil(b"\r\n\r\n")
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
        writer.transport.abort()
        raise Unreachable(f"the proxy {parts.hostname} gave no way to {name}: {error}") from error
    status = answer.split(b" ", 2)[1:2]
    if status != [b"200"]:
        writer.transport.abort()
        raise Unreachable(f"the proxy {parts.hostname} refused {name}: {answer.splitlines()[0].decode('latin-1')}")
    return reader, writer


async def _open(host: str, port: int, *, tls: bool = False) -> Connection:
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.open_connection(
                host, port, ssl=ssl.create_default_context() if tls else None, limit=LONGEST_HEAD
            )
    except TimeoutError as error:
        raise Unreachable(f"{host}:{port} does not answer in {PATIENCE} s") from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host}:{port} does not answer: {error}") from error


def wanted(target: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and own path of a target in absolute form.

    :raises BadHead: it is none.
    """
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError as error:
        raise BadHead(400, f"'{target[:200]}' is no address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadHead(400, f"'{target[:200]}' is no address that this proxy can reach")
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    return parts.scheme, parts.hostname, port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT), path
