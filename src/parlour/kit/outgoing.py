"""Outgoing HTTP: destinations are set by the operator (trusted) or by an account (guarded at connect time).

A check before the call alone loses to DNS rebinding, so addresses are looked at when the socket is about to be
opened (dependencies.md B.5). Redirects are followed by nobody; the proxy of the environment is not used.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

DEFAULT_TIMEOUT: Final = 15.0  # seconds in all
CONNECT_TIMEOUT: Final = 5.0  # seconds
FILENAME_MAX: Final = 256  # characters
DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024
NOT_PUBLIC: Final = (ipaddress.ip_network("100.64.0.0/10"), ipaddress.ip_network("64:ff9b::/96"))


class OutgoingError(Exception):
    """A call that brought no answer.

    :ivar sent: whether the other side may have seen the request.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class DestinationRefused(OutgoingError):
    """The guard does not let this account's URL reach that address."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} resolves to {address}, which is not on the public internet; "
            "the setting allowed_networks can allow it",
            sent=False,
        )


class AnswerTooLarge(OutgoingError):
    """The answer has more bytes than the caller takes."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the answer is larger than {max_bytes} bytes", sent=True)


@dataclass(frozen=True)
class OutgoingAnswer:
    """An answer: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def filename(self, url: str) -> str:
        """Return what a file fetched at ``url`` is called: as the answer says, else by its address and type."""
        _, found, rest = self.headers.get("content-disposition", "").partition("filename=")
        name = rest.partition(";")[0].strip().strip('"') if found else ""
        if not name:
            name = urlsplit(url).path.rpartition("/")[2] or "file"
            kind = self.headers.get("content-type", "").partition(";")[0].partition("/")[2]
            if "." not in name and kind.isalnum():
                name = f"{name}.{kind}"
        return name.rpartition("/")[2][:FILENAME_MAX]


class Guard:
    """Decides which addresses a URL set by an account may reach.

    :param allowed_networks: networks that are allowed beside the public internet.
    """

    def __init__(self, allowed_networks: Sequence[str] = ()) -> None:
        self._allowed = tuple(ipaddress.ip_network(network, strict=False) for network in allowed_networks)

    def allows(self, text: str) -> bool:
        """Say whether a socket to this address may be opened."""
        address = ipaddress.ip_address(text)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self._allowed):
            return True
        return address.is_global and not address.is_multicast and not any(address in n for n in NOT_PUBLIC)


class _GuardedResolver(AbstractResolver):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for result in found:
            if not self._guard.allows(result["host"]):
                raise DestinationRefused(host, result["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()


class Outgoing:
    """Calls other hosts; one for the process."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._guarded: aiohttp.ClientSession | None = None
        self._trusted: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        trusted: bool = False,
        headers: Mapping[str, str] | None = None,
        form: Sequence[tuple[str, str]] | None = None,
        body: bytes | None = None,
        basic: tuple[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        connect: float | None = None,
        read: float | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        exact: bool = False,
    ) -> OutgoingAnswer:
        """Call and read the whole answer.

        :param trusted: the operator named this destination; the guard does not look at it.
        :param form: pairs for a form body.
        :param basic: user and password.
        :param timeout: seconds in all.
        :param connect: seconds until the connection stands.
        :param read: seconds without a byte of the answer.
        :param max_bytes: a larger answer is an error.
        :param exact: send the URL as it is written, since it was signed so; it must be encoded already.
        :raises DestinationRefused: the guard said no.
        :raises OutgoingError: no answer; ``sent`` says whether the other side may have seen the request.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OutgoingError(f"'{url[:200]}' is not an http or https URL", sent=False)
        if not trusted:
            self._look_at_literal(parts.hostname)
        limits = aiohttp.ClientTimeout(total=timeout, connect=min(connect or CONNECT_TIMEOUT, timeout), sock_read=read)
        try:
            async with self._session(trusted).request(
                method,
                URL(url, encoded=True) if exact else url,
                headers=dict(headers or {}),
                data=aiohttp.FormData(list(form)) if form is not None else body,
                auth=aiohttp.BasicAuth(*basic) if basic is not None else None,
                timeout=limits,
                allow_redirects=False,
            ) as answer:
                return OutgoingAnswer(
                    answer.status,
                    {name.lower(): value for name, value in answer.headers.items()},
                    await _read(answer, max_bytes),
                )
        except DestinationRefused:
            raise
        except aiohttp.ClientConnectorError as error:
            raise OutgoingError(f"no connection to {parts.hostname}: {error}", sent=False) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise OutgoingError(f"no connection to {parts.hostname} in time", sent=False) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise OutgoingError(
                f"{parts.hostname} gave no answer: {str(error) or type(error).__name__}", sent=True
            ) from error

    async def close(self) -> None:
        """Close all connections."""
        for session in (self._guarded, self._trusted):
            if session is not None:
                await session.close()
        await asyncio.sleep(0)

    def _look_at_literal(self, host: str) -> None:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return
        if not self._guard.allows(host):
            raise DestinationRefused(host, host)

    def _session(self, trusted: bool) -> aiohttp.ClientSession:
        if trusted:
            self._trusted = self._trusted or _session(None)
            return self._trusted
        self._guarded = self._guarded or _session(_GuardedResolver(self._guard))
        return self._guarded


def _session(resolver: AbstractResolver | None) -> aiohttp.ClientSession:
    connector: Any = aiohttp.TCPConnector(limit=512, limit_per_host=64, resolver=resolver, keepalive_timeout=30)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


async def _read(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    parts = []
    size = 0
    async for part in answer.content.iter_chunked(65536):
        size += len(part)
        if size > max_bytes:
            raise AnswerTooLarge(max_bytes)
        parts.append(part)
    return b"".join(parts)
