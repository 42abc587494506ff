"""The public API over aiohttp, for robots: many calls at once on kept connections."""

from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from parlour.sdk.connection import Connection

TIMEOUT: Final = 15.0  # seconds
CONNECTIONS: Final = 32


class Refused(Exception):
    """The server answered with an error.

    :ivar status: the HTTP status; from 500 on trying again may help.
    """

    def __init__(self, method: str, path: str, status: int, code: object, message: object) -> None:
        super().__init__(f"{method} {path}: {status}/{code} {message}")
        self.status = status


class Calls:
    """Calls of one account; use it as ``async with``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auth=aiohttp.BasicAuth(self._connection.user, self._connection.password),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **parameters: str | int) -> Any:
        """Return the answer to a GET of a product's path, such as ``/taskrouter/v1/Workspaces``.

        :raises Refused: the server answered with an error.
        :raises aiohttp.ClientError: there was no answer.
        """
        return await self._ask("GET", self._connection.url + path, params=_texts(parameters))

    async def follow(self, url: str) -> Any:
        """Return the answer to a GET of a URL that an answer named."""
        return await self._ask("GET", url)

    async def post(self, path: str, *, webhooks: bool = False, **parameters: str | int) -> Any:
        """Return the answer to a POST of a form.

        :param webhooks: have webhooks hear of it, as of a person's act.
        """
        headers = {"X-Twilio-Webhook-Enabled": "true"} if webhooks else {}
        return await self._ask("POST", self._connection.url + path, data=_texts(parameters), headers=headers)

    async def _ask(self, method: str, url: str, **options: Any) -> Any:
        if self._session is None:
            raise RuntimeError("use Calls as `async with`")
        async with self._session.request(method, url, **options) as answer:
            body = await answer.json(content_type=None)
            if answer.status >= 400:
                held = body if isinstance(body, dict) else {}
                raise Refused(method, answer.url.path, answer.status, held.get("code"), held.get("message"))
            return body


def _texts(parameters: dict[str, str | int]) -> dict[str, str]:
    return {name: str(value) for name, value in parameters.items()}
