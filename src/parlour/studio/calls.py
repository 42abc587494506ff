"""HTTP of flows: prepared in a transaction, sent outside of any, applied in the next (DESIGN 2.3, studio.md §2.3.6)."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from parlour.accounts import store as account_store
from parlour.kit import failpoints
from parlour.kit.outgoing import Outgoing, OutgoingAnswer, OutgoingError
from parlour.kit.secrets_box import SecretsBox
from parlour.outbox.jobs import Dead, JobRun
from parlour.outbox.reactions import Reactions
from parlour.store.unit import Reader
from parlour.studio import executions
from parlour.studio.driving import CALL_JOB
from parlour.studio.execution import Answered, CallHttp, NotAnswered
from parlour.webhooks import request as webhook_request

TIMEOUT: Final = 10.0
"""Seconds in all, redirects included (studio.md §5.4)."""
LARGEST: Final = 64 * 1024
"""Bytes of an answer (studio.md §5.4)."""
MAX_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
TOKEN_HEADER: Final = webhook_request.TOKEN_HEADER
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Caller:
    """Sends the requests of flows; one for the process.

    :param base_url: this server's own address, and
    :param product_domains: the host suffixes of the contract's API: where `add_twilio_auth` may send credentials.
    """

    def __init__(self, outgoing: Outgoing, box: SecretsBox, *, base_url: str, product_domains: Sequence[str]) -> None:
        self._outgoing = outgoing
        self._box = box
        self._base_url = base_url
        self._product_domains = product_domains

    def reactions(self) -> Reactions:
        """Return the job that sends them."""
        reactions = Reactions("studio.calls")

        @reactions.job(CALL_JOB)
        async def call(run: JobRun, payload: dict[str, Any]) -> None:
            await self.run(run, str(payload["sid"]), str(payload["step_sid"]))

        return reactions

    async def run(self, run: JobRun, sid: str, step_sid: str) -> None:
        """Send the request that an execution waits for, if it still does, and take the answer into it.

        After a crash it is sent again, under the same idempotency token.
        """
        asked = await run.read(lambda reader: executions.pending_call(reader, sid, step_sid))
        if asked is None:
            return
        token = await run.read(self._auth_token) if asked.sign or asked.credentials else ""
        event = await self.answer(asked, run.account_sid, token, step_sid)
        failpoints.passing(failpoints.FLOW_ANSWERED)
        await run.finish(lambda uow: executions.answered(uow, sid, event))

    async def answer(self, asked: CallHttp, account_sid: str, auth_token: str, step_sid: str) -> Answered | NotAnswered:
        """Send a request; whatever goes wrong is an answer too."""
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._send(asked, account_sid, auth_token)
        except TimeoutError:
            return NotAnswered(step_sid, f"no answer within {TIMEOUT:.0f} seconds")
        except _NotOurs as error:
            return NotAnswered(step_sid, str(error), 81014)
        except (OutgoingError, ValueError) as error:
            return NotAnswered(step_sid, str(error))
        content_type = answer.headers.get("content-type", "")
        return Answered(
            step_sid,
            answer.status,
            content_type,
            _text(answer.body, content_type),
            {name: value for name, value in answer.headers.items() if name.startswith("x-twilio-")},
        )

    async def _send(self, asked: CallHttp, account_sid: str, auth_token: str) -> OutgoingAnswer:
        if asked.sign:
            made = webhook_request.make(
                method="post",
                url=asked.url,
                parameters=webhook_request.encode(asked.form or []),
                auth_token=auth_token,
                token=asked.token,
            )
            return await self._outgoing.request(
                made.method,
                made.url,
                headers=made.headers,
                body=made.body,
                basic=made.basic,
                timeout=TIMEOUT,
                max_bytes=LARGEST,
                exact=True,
            )
        return await self._follow(asked, account_sid, auth_token)

    async def _follow(self, asked: CallHttp, account_sid: str, auth_token: str) -> OutgoingAnswer:
        method, url = asked.method, asked.url
        body = _body(asked)
        headers = {TOKEN_HEADER: asked.token, "User-Agent": "Parlour", "Accept": "*/*"}
        basic = None
        if asked.credentials:
            url, basic = self._own(url), (account_sid, auth_token)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._outgoing.request(
                method,
                url,
                trusted=basic is not None,
                headers={**headers, "Content-Type": asked.content_type} if body is not None else headers,
                body=body,
                basic=basic,
                timeout=TIMEOUT,
                max_bytes=LARGEST,
            )
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or not location or not asked.follow:
                return answer
            url, basic = urljoin(_without_user(url), location), None
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, body = "GET", None
        raise OutgoingError(f"more than {MAX_REDIRECTS} redirects", sent=True)

    def _own(self, url: str) -> str:
        """Give the address here of a URL of the contract's API. Errors: `_NotOurs`, it is somebody else's."""
        parts = urlsplit(url)
        own = urlsplit(self._base_url)
        if (parts.scheme, parts.hostname, _port(url)) == (own.scheme, own.hostname, _port(self._base_url)):
            return _without_user(url)
        product, _, domain = (parts.hostname or "").partition(".")
        if domain in self._product_domains:
            return f"{self._base_url}/{product}" + urlunsplit(("", "", parts.path or "/", parts.query, ""))
        raise _NotOurs(f"add_twilio_auth is for hosts of the API; {parts.hostname} is none")

    async def _auth_token(self, reader: Reader) -> str:
        account = await account_store.fetch_account(reader)
        if account is None:
            raise Dead("the account is gone")
        return self._box.open(account.auth_token)


class _NotOurs(Exception):
    """Credentials were to be sent to a host that is not of the API."""


def _body(asked: CallHttp) -> bytes | None:
    if asked.form is not None:
        return urlencode(asked.form, errors="surrogatepass").encode()
    return asked.body.encode("utf-8", "replace") if asked.body else None


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or DEFAULT_PORTS.get(parts.scheme)


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _text(body: bytes, content_type: str) -> str:
    charset = content_type.partition("charset=")[2].partition(";")[0].strip().strip('"') or "utf-8"
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
