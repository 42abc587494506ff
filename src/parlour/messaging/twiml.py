"""The answer of a number's webhook: texts to send back, or where to ask on (channels.md §1.7)."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

XML_TYPES: Final = ("text/xml", "application/xml", "text/html")
TEXT_TYPE: Final = "text/plain"
ANSWER_MAX: Final = 64 * 1024  # bytes (11750)
REPLIES_MAX: Final = 10  # to one inbound text (14109)
BODY_MAX: Final = 1600  # characters
MEDIA_MAX: Final = 10


class TwimlError(Exception):
    """An answer that cannot be obeyed; `code` is the contract's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Reply:
    """One text to send back; an empty `to` or `sender` is that of the inbound text, turned round."""

    body: str
    media_urls: tuple[str, ...] = ()
    to: str = ""
    sender: str = ""
    status_callback: str | None = None


@dataclass(frozen=True)
class Redirect:
    """The address that is asked next; what stands behind it in the answer is never reached."""

    url: str
    method: str


@dataclass(frozen=True)
class Answer:
    """What an answer orders: texts, then perhaps the address that is asked next."""

    replies: tuple[Reply, ...] = ()
    redirect: Redirect | None = None


def read(content_type: str, body: bytes, *, base_url: str) -> Answer:
    """Read an answer.

    :param base_url: where it came from, for addresses that are relative.
    :raises TwimlError: 11750 too large, 12100 no XML, 12102 root, 12300 type, 14101-14105 attributes, 14109 over ten
        replies, 14110 verb.
    """
    if len(body) > ANSWER_MAX:
        raise TwimlError(11750, f"the answer is larger than {ANSWER_MAX} bytes")
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return Answer()
    kind = content_type.partition(";")[0].strip().lower()
    if kind == TEXT_TYPE:
        return Answer((_sized(Reply(text)),))
    if kind not in XML_TYPES:
        raise TwimlError(12300, f"the content type {kind[:100]!r} is not XML")
    root = _root(text)
    replies: list[Reply] = []
    for verb in root:
        if verb.tag == "Redirect":
            return Answer(_counted(replies), _redirect(verb, base_url))
        if verb.tag != "Message":
            raise TwimlError(14110, f"<{str(verb.tag)[:50]}> is no verb of a message's answer")
        replies.append(_reply(verb, base_url))
    return Answer(_counted(replies))


def _root(text: str) -> ElementTree.Element:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise TwimlError(12100, "document types are refused")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - entities are refused above
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"the answer is not well formed: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12102, f"the root is <{str(root.tag)[:50]}>, not <Response>")
    return root


def _counted(replies: list[Reply]) -> tuple[Reply, ...]:
    if len(replies) > REPLIES_MAX:
        raise TwimlError(14109, f"{len(replies)} replies to one message, at most {REPLIES_MAX}")
    return tuple(replies)


def _redirect(verb: ElementTree.Element, base_url: str) -> Redirect:
    url = urljoin(base_url, (verb.text or "").strip())
    method = verb.get("method", "POST").upper()
    if method not in ("GET", "POST"):
        raise TwimlError(14104, f"method={method[:20]!r} of <Redirect> is neither GET nor POST")
    if not _is_url(url):
        raise TwimlError(11100, f"<Redirect> leads to {url[:200]!r}, which is no address")
    return Redirect(url, method)


def _reply(verb: ElementTree.Element, base_url: str) -> Reply:
    bodies = [part.text or "" for part in verb.findall("Body")]
    media = tuple(urljoin(base_url, (part.text or "").strip()) for part in verb.findall("Media"))
    # `action` is the older word for the address that hears of the text's status.
    callback = verb.get("statusCallback") or verb.get("action")
    callback = urljoin(base_url, callback) if callback else None
    if callback is not None and not _is_url(callback):
        raise TwimlError(14105, f"statusCallback={callback[:200]!r} is no address")
    if any(not _is_url(url) for url in media) or len(media) > MEDIA_MAX:
        raise TwimlError(14103, f"<Media> must be addresses, at most {MEDIA_MAX}")
    return _sized(
        Reply(
            body="".join(bodies) if bodies else (verb.text or "").strip(),
            media_urls=media,
            to=verb.get("to", ""),
            sender=verb.get("from", ""),
            status_callback=callback,
        )
    )


def _sized(reply: Reply) -> Reply:
    if len(reply.body) > BODY_MAX:
        raise TwimlError(14103, f"a reply has {len(reply.body)} characters, at most {BODY_MAX}")
    if not reply.body and not reply.media_urls:
        raise TwimlError(14103, "a reply has neither text nor media")
    return reply


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
