"""Forms of values on the wire: dates, JSON, names."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import msgspec

_encoder: Final = msgspec.json.Encoder(order=None)
_decoder: Final = msgspec.json.Decoder()
_WORD: Final = re.compile(r"(?:^|_)([a-z0-9])")
_ISO_DATE: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def encode_json(value: object) -> bytes:
    """Encode ``value`` as JSON in UTF-8."""
    return _encoder.encode(value)


def json_text(value: object) -> str:
    """Encode ``value`` as JSON text."""
    return _encoder.encode(value).decode()


def decode_json(text: str | bytes) -> Any:
    """Decode JSON.

    :raises msgspec.DecodeError: the text is not JSON.
    """
    return _decoder.decode(text)


def iso(at: datetime) -> str:
    """Return ``YYYY-MM-DDTHH:MM:SSZ``, the form of every v1 and v2 answer (conversations.md §1.5)."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}T{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}Z"


def iso_or_none(at: datetime | None) -> str | None:
    """Return the wire form of a date that may be unset."""
    return None if at is None else iso(at)


def iso_millis(at: datetime) -> str:
    """Return an ISO date with milliseconds, the form of webhooks (conversations.md §1.5)."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def rfc2822(at: datetime) -> str:
    """Return the form of the 2010 API, such as ``Thu, 24 Aug 2023 05:01:45 +0000`` (channels.md §1.1)."""
    return format_datetime(at.astimezone(UTC).replace(microsecond=0))


def rfc2822_or_none(at: datetime | None) -> str | None:
    """Return the 2010 form of a date that may be unset."""
    return None if at is None else rfc2822(at)


def parse_iso(text: str) -> datetime:
    """Read an ISO 8601 date or time; one without a zone is UTC.

    :raises ValueError: the text is no date.
    """
    if _ISO_DATE.match(text):
        text += "T00:00:00"
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def pascal(name: str) -> str:
    """Return the PascalCase wire name of a snake_case field."""
    return _WORD.sub(lambda match: match.group(1).upper(), name)
