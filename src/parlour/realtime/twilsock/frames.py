"""Frames: a magic line with the length of a JSON header, the header, a payload (realtime-protocol.md §3)."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from parlour.kit.wire import decode_json, encode_json

MAGIC: Final = b"TWILSOCK V3.0 "
LINE_END: Final = b"\r\n"
LARGEST: Final = 1024 * 1024  # bytes of a frame; clients look for line ends byte by byte (§14, 15)
_LONGEST_LINE: Final = 64  # bytes of the magic line
JSON: Final = "application/json"


class BadFrame(Exception):
    """The bytes are no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was read.

    :ivar header: its JSON object.
    :ivar payload: as many bytes as the header says; empty where it says nothing.
    """

    header: dict[str, Any]
    payload: bytes

    @property
    def method(self) -> str:
        """Return what the frame is, such as ``init``."""
        return str(self.header.get("method", ""))

    @property
    def id(self) -> str:
        """Return the identifier that an answer repeats."""
        return str(self.header.get("id", ""))


def parse(data: bytes) -> Frame:
    """Read a frame; what follows the payload does not count.

    :raises BadFrame: it is none, or it is over a mebibyte.
    """
    if len(data) > LARGEST:
        raise BadFrame(f"larger than {LARGEST} bytes")
    line_end = data.find(LINE_END, 0, _LONGEST_LINE)
    if not data.startswith(MAGIC) or line_end < 0:
        raise BadFrame("it does not begin with the magic line")
    length = data[len(MAGIC) : line_end]
    if not length.isdigit():
        raise BadFrame("the magic line has no length")
    start = line_end + len(LINE_END)
    end = start + int(length)
    header = _header(data[start:end], int(length))
    size = header.get("payload_size") or 0
    if type(size) is not int or size < 0:
        raise BadFrame("payload_size is not a size")
    begin = end + len(LINE_END)
    payload = data[begin : begin + size]
    if len(payload) < size:
        raise BadFrame("the payload is shorter than its header says")
    return Frame(header, payload)


def _header(data: bytes, length: int) -> dict[str, Any]:
    if len(data) < length:
        raise BadFrame("the header is shorter than the magic line says")
    try:
        header = decode_json(data)
    except msgspec.DecodeError as error:
        raise BadFrame("the header is not JSON") from error
    if not isinstance(header, dict):
        raise BadFrame("the header is not an object")
    return header


def build(header: dict[str, Any], payload: bytes = b"", payload_type: str = JSON) -> bytes:
    """Make a frame; lengths are in bytes, and the header always ends its line (§3)."""
    described = header | {"payload_size": len(payload)}
    if payload:
        described["payload_type"] = payload_type
    encoded = encode_json(described)
    return b"%s%d\r\n%s\r\n%s" % (MAGIC, len(encoded), encoded, payload)


def reply(frame_id: str, code: int = 200, status: str = "OK", **further: Any) -> dict[str, Any]:
    """Return the header of an answer to a frame."""
    return {"method": "reply", "id": frame_id, "status": {"code": code, "status": status}, **further}
