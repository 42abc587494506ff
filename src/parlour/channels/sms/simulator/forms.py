"""The parameters of the carrier's webhooks (channels.md §1.3, §1.6)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import segments
from .ledger import Media, Message

if TYPE_CHECKING:
    from .carrier import Carrier

PLACES = ("City", "State", "Zip")


def inbound(carrier: Carrier, message: Message) -> dict[str, str]:
    """The webhook of a text that a handset wrote."""
    form = dict.fromkeys(("MessageSid", "SmsSid", "SmsMessageSid"), message.sid)
    form |= {
        "AccountSid": carrier.account_sid,
        "From": message.handset,
        "To": message.number,
        "Body": message.body,
        "NumSegments": str(segments.count(message.body)),
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    for end in ("From", "To"):
        form |= {f"{end}{place}": "" for place in PLACES}
        form[f"{end}Country"] = "US"
    files = carrier.ledger.media_of(message.sid)
    form["NumMedia"] = str(len(files))
    for position, media in enumerate(files):
        form[f"MediaUrl{position}"] = media_url(carrier, media)
        form[f"MediaContentType{position}"] = media.content_type
    return form


def status(carrier: Carrier, message: Message) -> dict[str, str]:
    """The webhook of a status that an outbound message reached."""
    form = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "AccountSid": carrier.account_sid,
        "From": message.sender,
        "To": message.recipient,
        "MessageStatus": message.status,
        "SmsStatus": message.status,
        "ApiVersion": "2010-04-01",
    }
    if message.error_code is not None:
        form["ErrorCode"] = str(message.error_code)
    if message.status in ("delivered", "undelivered"):
        form["RawDlrDoneDate"] = time.strftime("%y%m%d%H%M", time.gmtime(message.updated))
    return form


def media_url(carrier: Carrier, media: Media) -> str:
    """The carrier's address of a file (Basic authentication)."""
    base = f"{carrier.public_url}/2010-04-01/Accounts/{carrier.account_sid}"
    return f"{base}/Messages/{media.message_sid}/Media/{media.sid}"
