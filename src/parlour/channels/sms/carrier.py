"""The carrier's REST API as we call it (channels.md §1.9)."""

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from parlour.kit.outgoing import Outgoing, OutgoingAnswer, OutgoingError
from parlour.kit.wire import decode_json

SEND_TIMEOUT: Final = 15.0  # seconds
LIST_TIMEOUT: Final = 10.0  # seconds
ANSWER_MAX: Final = 4 * 1024 * 1024  # bytes
LISTED: Final = 50  # messages looked at when a carrier is asked
BUSY_CODE: Final = 20429
UNKNOWN_ERROR: Final = 30008


@dataclass(frozen=True)
class Accepted:
    """The carrier took the message under its own SID."""

    provider_sid: str


@dataclass(frozen=True)
class Refused:
    """The carrier will never take it."""

    code: int
    reason: str


@dataclass(frozen=True)
class Busy:
    """The carrier did not take it now and has not seen it, so it may be sent again."""

    code: int
    reason: str


@dataclass(frozen=True)
class NoAnswer:
    """Nobody knows whether the carrier took it."""

    reason: str


Outcome = Accepted | Refused | Busy | NoAnswer


@dataclass(frozen=True)
class Listed:
    """A message as the carrier's list shows it."""

    provider_sid: str
    body: str
    num_media: int
    created: datetime | None


class CannotAsk(Exception):
    """The carrier gave no list."""


class Carrier:
    """One connection's API. The operator named it, so that the guard does not look at it."""

    def __init__(self, outgoing: Outgoing, *, base_url: str, account_sid: str, auth_token: str) -> None:
        self._outgoing = outgoing
        self._messages = f"{base_url}/2010-04-01/Accounts/{account_sid}/Messages.json"
        credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}

    async def send(
        self,
        *,
        to: str,
        sender: str,
        body: str,
        media_urls: Sequence[str],
        status_callback: str,
        others: Sequence[str] = (),
    ) -> Outcome:
        """Hand a message over.

        :param others: who else is in the group to which it is sent.
        """
        form = [("To", to), ("From", sender), ("StatusCallback", status_callback)]
        if body:
            form.append(("Body", body))
        form += [("MediaUrl", url) for url in media_urls]
        form += [("OtherRecipients", other) for other in others]
        try:
            answer = await self._outgoing.request(
                "POST",
                self._messages,
                trusted=True,
                headers=self._headers,
                form=form,
                timeout=SEND_TIMEOUT,
                max_bytes=ANSWER_MAX,
            )
        except OutgoingError as error:
            return NoAnswer(str(error)) if error.sent else Busy(30410, str(error))
        return _outcome(answer)

    async def newest(self, *, to: str, sender: str) -> list[Listed]:
        """Return the newest messages of a pair, newest first.

        :raises CannotAsk: no list came.
        """
        url = f"{self._messages}?To={quote(to, safe='')}&From={quote(sender, safe='')}&PageSize={LISTED}"
        try:
            answer = await self._outgoing.request(
                "GET", url, trusted=True, headers=self._headers, timeout=LIST_TIMEOUT, max_bytes=ANSWER_MAX
            )
        except OutgoingError as error:
            raise CannotAsk(str(error)) from error
        listed = _json(answer).get("messages")
        if answer.status != 200 or not isinstance(listed, list):
            raise CannotAsk(f"the carrier's list answered {answer.status}")
        return [_listed(one) for one in listed if isinstance(one, dict) and one.get("sid")]


def _outcome(answer: OutgoingAnswer) -> Outcome:
    body = _json(answer)
    message = str(body.get("message") or f"the carrier answered {answer.status}")[:500]
    code = body.get("code")
    number = code if isinstance(code, int) else UNKNOWN_ERROR
    if 200 <= answer.status < 300:
        sid = body.get("sid")
        return Accepted(sid) if isinstance(sid, str) and sid else NoAnswer("the carrier's answer has no SID")
    if answer.status == 429 or number == BUSY_CODE:
        return Busy(BUSY_CODE, message)
    if 400 <= answer.status < 500:
        return Refused(number, message)
    return NoAnswer(message)


def _json(answer: OutgoingAnswer) -> dict[str, Any]:
    try:
        body = decode_json(answer.body)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _listed(one: dict[str, Any]) -> Listed:
    media = str(one.get("num_media") or "0")
    created = None
    with suppress(ValueError):
        created = parsedate_to_datetime(str(one.get("date_created"))).astimezone(UTC)
    return Listed(str(one["sid"]), str(one.get("body") or ""), int(media) if media.isdigit() else 0, created)
