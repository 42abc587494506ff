"""Where media files lie, and the signed links under which they may be fetched without credentials."""

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from urllib.parse import quote

import msgspec

from parlour.conversations import errors, mediatypes

MEDIA_MAX: Final = 150 * 1024 * 1024  # bytes of one file (conversations.md §11)
LINK_LIFETIME: Final = 300  # seconds that a temporary URL lives (conversations.md §5.1)
_BLOCK: Final = 256 * 1024  # bytes
_KEY_BYTES: Final = 32


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was stored; `key` opens it, `content_type` is what its bytes allow."""

    key: str
    size: int
    sha256: str
    content_type: str


class MediaStore(Protocol):
    """Keeps the bytes of media; rows say whose they are."""

    async def put(self, chunks: AsyncIterator[bytes], *, content_type: str, maximum: int = MEDIA_MAX) -> Stored:
        """Store a file as it arrives. Errors: 50511 its bytes are of another type, 50512 over `maximum` bytes."""
        ...

    def open(self, key: str) -> AsyncIterator[bytes]:
        """Return the bytes of a file in blocks."""
        ...

    async def twin(self, key: str) -> str:
        """Return the key of a file with the same bytes, which lives on its own."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a file; one that is gone is no error."""
        ...

    async def sweep(self, before: datetime, known: Callable[[Sequence[str]], Awaitable[set[str]]]) -> int:
        """Delete files stored before an instant of real time whose keys are not known; return how many."""
        ...

    @property
    def secret(self) -> bytes:
        """Return the key under which links are signed."""
        ...


class FolderStore:
    """Media files in a folder of this machine, which all processes of a database share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secret = _key_file(folder / "links.key")

    @property
    def secret(self) -> bytes:
        """Return the key under which links are signed; it lies in a 0600 file of the folder."""
        return self._secret

    async def put(self, chunks: AsyncIterator[bytes], *, content_type: str, maximum: int = MEDIA_MAX) -> Stored:
        """Store a file as it arrives. Errors: 50511 its bytes are of another type, 50512 over `maximum` bytes."""
        key = secrets.token_hex(16)
        path = self._path(key)
        partial = path.with_suffix(".partial")
        file = await asyncio.to_thread(_create, partial)
        try:
            size, digest, head = await _receive(file, chunks, content_type, maximum)
            await asyncio.to_thread(_finish, file, partial, path)
        except BaseException:
            file.close()
            partial.unlink(missing_ok=True)
            raise
        return Stored(key=key, size=size, sha256=digest, content_type=_settled(content_type, head))

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """Return the bytes of a file in blocks. Raises FileNotFoundError."""
        file: BinaryIO = await asyncio.to_thread(self._path(key).open, "rb")
        try:
            while block := await asyncio.to_thread(file.read, _BLOCK):
                yield block
        finally:
            file.close()

    async def twin(self, key: str) -> str:
        """Return the key of a file with the same bytes, which lives on its own. Raises FileNotFoundError."""
        fresh = secrets.token_hex(16)
        await asyncio.to_thread(_link, self._path(key), self._path(fresh))
        return fresh

    async def delete(self, key: str) -> None:
        """Delete a file; one that is gone is no error."""
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def sweep(self, before: datetime, known: Callable[[Sequence[str]], Awaitable[set[str]]]) -> int:
        """Delete files stored before an instant of real time whose keys are not known; return how many.

        What was left half written by a crash is nobody's either.
        """
        deleted = 0
        for folder in await asyncio.to_thread(_folders, self._folder):
            old = await asyncio.to_thread(_older, folder, before)
            kept = await known([path.name for path in old if not path.suffix]) if old else set()
            for path in old:
                if path.suffix or path.name not in kept:
                    await asyncio.to_thread(path.unlink, missing_ok=True)
                    deleted += 1
        return deleted

    def _path(self, key: str) -> Path:
        if not key.isalnum():
            raise ValueError(f"{key!r} is not the key of a file")
        return self._folder / key[:2] / key


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def _older(folder: Path, before: datetime) -> list[Path]:
    return [path for path in folder.iterdir() if path.stat().st_mtime < before.timestamp()]


async def _receive(
    file: BinaryIO, chunks: AsyncIterator[bytes], content_type: str, maximum: int
) -> tuple[int, str, bytes]:
    size, digest, head, checked = 0, hashlib.sha256(), b"", False
    async for chunk in chunks:
        size += len(chunk)
        if size > maximum:
            raise errors.MEDIA_TOO_LARGE.error(maximum=maximum)
        head = (head + chunk)[: mediatypes.SNIFF_BYTES] if len(head) < mediatypes.SNIFF_BYTES else head
        if not checked and len(head) == mediatypes.SNIFF_BYTES:
            checked = _check(content_type, head)
        digest.update(chunk)
        await asyncio.to_thread(file.write, chunk)
    if not checked:
        _check(content_type, head)
    return size, digest.hexdigest(), head


def _check(content_type: str, head: bytes) -> bool:
    if not mediatypes.agrees(content_type, head):
        raise errors.MEDIA_TYPE_INVALID.error(content_type=mediatypes.essence(content_type)[:100])
    return True


def _settled(content_type: str, head: bytes) -> str:
    claim = content_type.strip()
    if mediatypes.essence(claim) in ("", "application/octet-stream"):
        return mediatypes.sniff(head) or "application/octet-stream"
    return claim


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.open("xb")


def _link(path: Path, other: Path) -> None:
    other.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.link(path, other)


def _finish(file: BinaryIO, partial: Path, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    partial.rename(path)


def _key_file(path: Path) -> bytes:
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first; its key counts
        finally:
            fresh.unlink()
    return path.read_bytes()


def _signature(secret: bytes, account_sid: str, media_sid: str, expires: int) -> str:
    digest = hmac.new(secret, f"{account_sid}/{media_sid}/{expires}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def link_path(secret: bytes, *, account_sid: str, media_sid: str, expires: datetime, filename: str | None) -> str:
    """Return the path, below the `mcs` product, under which a file may be fetched by anybody until `expires`."""
    stamp = int(expires.timestamp())
    signature = _signature(secret, account_sid, media_sid, stamp)
    name = quote(filename, safe="") if filename else "file"
    return f"/v1/Temporary/{account_sid}/{media_sid}/{stamp}/{signature}/{name}"


def link_is_valid(
    secret: bytes, *, account_sid: str, media_sid: str, expires: str, signature: str, now: datetime
) -> bool:
    """Tell whether a link was made by us and has not expired."""
    if not expires.isdigit() or int(expires) < now.timestamp():
        return False
    return hmac.compare_digest(_signature(secret, account_sid, media_sid, int(expires)), signature)
