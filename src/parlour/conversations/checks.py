"""Checks of values that several resources share, with the contract's limits and codes (conversations.md §1.3, §11)."""

from datetime import datetime
from typing import Final

import msgspec

from parlour.conversations import errors
from parlour.kit.sids import is_sid
from parlour.kit.wire import decode_json, parse_iso
from parlour.store import refs
from parlour.store.unit import Reader

FRIENDLY_NAME_MAX: Final = 256  # characters
ROLE_NAME_MAX: Final = 64  # characters
UNIQUE_NAME_MAX: Final = 256  # characters
IDENTITY_MAX: Final = 256  # characters
AUTHOR_MAX: Final = 256  # characters
SUBJECT_MAX: Final = 256  # characters
ADDRESS_MAX: Final = 256  # characters
BODY_MAX: Final = 32 * 1024  # bytes of UTF-8
LONG_ATTRIBUTES_MAX: Final = 16 * 1024  # bytes: conversations, users
SHORT_ATTRIBUTES_MAX: Final = 4 * 1024  # bytes: messages, participants
RESERVED_IDENTITIES: Final = frozenset({"system"})


def attributes(text: str, *, maximum: int) -> str:
    """Return attributes as they were sent; an empty text counts as unset.

    Errors: 50303 longer than `maximum` bytes, 50304 not JSON.
    """
    if len(text.encode()) > maximum:
        raise errors.ATTRIBUTES_TOO_LONG.error(maximum=maximum)
    if not text.strip():
        return "{}"
    if text != "{}":
        try:
            decode_json(text)
        except msgspec.DecodeError as error:
            raise errors.ATTRIBUTES_INVALID.error() from error
    return text


def friendly_name(text: str | None) -> str | None:
    """Return a friendly name of at most 256 characters (50003)."""
    if text is not None and len(text) > FRIENDLY_NAME_MAX:
        raise errors.FRIENDLY_NAME_TOO_LONG.error(maximum=FRIENDLY_NAME_MAX)
    return text


def unique_name(text: str | None) -> str | None:
    """Return a unique name; an empty one counts as none. Errors: 50004 too long, 50390 looks like a SID."""
    if not text:
        return None
    if len(text) > UNIQUE_NAME_MAX:
        raise errors.UNIQUE_NAME_TOO_LONG.error(maximum=UNIQUE_NAME_MAX)
    if is_sid(text, "CH"):
        raise errors.UNIQUE_NAME_LIKE_SID.error()
    return text


def identity(text: str) -> str:
    """Return the identity of a user. Errors: 50204 empty, 50207 too long, 50206 looks like a SID, 50203 reserved."""
    if not text.strip():
        raise errors.IDENTITY_MISSING.error()
    if len(text) > IDENTITY_MAX:
        raise errors.IDENTITY_TOO_LONG.error(maximum=IDENTITY_MAX)
    if is_sid(text, "US"):
        raise errors.IDENTITY_LIKE_SID.error()
    if text in RESERVED_IDENTITIES:
        raise errors.IDENTITY_RESERVED.error(identity=text)
    return text


def author(text: str) -> str:
    """Return the author of a message, of at most 256 characters (50310)."""
    if len(text) > AUTHOR_MAX:
        raise errors.AUTHOR_TOO_LONG.error(maximum=AUTHOR_MAX)
    return text or "system"


def body(text: str | None) -> str | None:
    """Return the body of a message; an empty one counts as none. Error: 50504 over 32 KB."""
    if not text:
        return None
    if len(text.encode()) > BODY_MAX:
        raise errors.BODY_TOO_LONG.error(maximum=BODY_MAX)
    return text


def subject(text: str | None) -> str | None:
    """Return the subject of a message, of at most 256 characters (20001)."""
    if text is not None and len(text) > SUBJECT_MAX:
        raise errors.SUBJECT_TOO_LONG.error(maximum=SUBJECT_MAX)
    return text or None


def date(text: str | None, condition: errors.Condition) -> datetime | None:
    """Read a date which a client may set; `condition` is raised if it is none."""
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError as error:
        raise condition.error() from error


async def messaging_service(reader: Reader, sid: str, name: str) -> str:
    """Return the SID of a messaging service of the account, given as parameter `name`.

    Errors: 50340 empty, 50341 malformed, 50342 not of this account.
    """
    if not sid:
        raise errors.MESSAGING_SERVICE_MISSING.error(name=name)
    if not is_sid(sid, "MG"):
        raise errors.MESSAGING_SERVICE_INVALID.error(sid=sid[:64], name=name)
    if not await refs.check(reader, sid):
        raise errors.MESSAGING_SERVICE_FOREIGN.error(sid=sid, name=name)
    return sid
