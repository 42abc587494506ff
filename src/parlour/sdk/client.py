"""The HTTP client that sends the official package's requests to a Parlour host."""

from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

VENDOR_SUFFIX = ".twilio.com"


class ParlourHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Rewrites ``https://<product>.twilio.com/<path>`` to ``<host>/<product>/<path>``.

    :param host: base URL of the Parlour host, such as ``http://127.0.0.1:8580``.
    """

    def __init__(self, host: str, **options: Any) -> None:
        super().__init__(**options)
        self._host = host.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request of the official package to the Parlour host."""
        return super().request(method, self.rewrite(url), *args, **kwargs)

    def rewrite(self, url: str) -> str:
        """Return where a URL of the vendor's is served here; other URLs stay as they are."""
        parts = urlsplit(url)
        if not (parts.hostname or "").endswith(VENDOR_SUFFIX):
            return url
        product = (parts.hostname or "").split(".")[0]
        query = f"?{parts.query}" if parts.query else ""
        return f"{self._host}/{product}{parts.path}{query}"


def client(host: str, account_sid: str, auth_token: str, *, api_key: str | None = None, **options: Any) -> Client:
    """Return the official client, for a Parlour host.

    :param api_key: ``SK…`` whose secret is ``auth_token``; None uses the account's own token.
    """
    return Client(
        api_key or account_sid, auth_token, account_sid=account_sid, http_client=ParlourHttpClient(host, **options)
    )
