"""The answer of a number's webhook: texts to send back (channels.md §1.7)."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

XML_TYPES = ("text/xml", "application/xml", "text/html")
REPLIES_MAX = 10


class TwimlError(ValueError):
    """An answer that cannot be obeyed; `code` is the contract's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Reply:
    """One text to send back."""

    body: str
    media_urls: tuple[str, ...] = ()
    to: str = ""
    sender: str = ""
    status_callback: str = ""


def replies(content_type: str, body: str) -> list[Reply]:
    """Read the answer.

    Errors: TwimlError 12100 (parse), 12102 (root), 12300 (type), 14109 (over ten), 14110 (verb).
    """
    if not body.strip():
        return []
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind == "text/plain":
        return [Reply(body)]
    if kind not in XML_TYPES:
        raise TwimlError(12300, f"content type {kind!r}")
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        raise TwimlError(12100, "document types are refused")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  entities are refused above
    except ElementTree.ParseError as error:
        raise TwimlError(12100, str(error)) from error
    if root.tag != "Response":
        raise TwimlError(12102, f"root is {root.tag}")
    found = [_reply(verb) for verb in root]
    if len(found) > REPLIES_MAX:
        raise TwimlError(14109, f"{len(found)} replies")
    return found


def _reply(verb: ElementTree.Element) -> Reply:
    if verb.tag != "Message":
        raise TwimlError(14110, f"verb {verb.tag}")
    bodies = [part.text or "" for part in verb.findall("Body")]
    text = "".join(bodies) if bodies else (verb.text or "").strip()
    return Reply(
        body=text,
        media_urls=tuple((part.text or "").strip() for part in verb.findall("Media")),
        to=verb.get("to", ""),
        sender=verb.get("from", ""),
        status_callback=verb.get("statusCallback", ""),
    )
