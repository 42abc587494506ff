"""Passwords of desktop users: argon2id, made at random unless somebody chooses one (DESIGN 2.12)."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
GROUPS: Final = 4
GROUP_LENGTH: Final = 5  # 20 letters of 31: 99 bits
SHORTEST: Final = 12  # characters of a chosen password
LONGEST: Final = 256  # characters, so that hashing costs the same for everyone
AT_ONCE: Final = 2  # hashes computed beside each other; each takes 64 MB
PLACES: Final = 22  # people who may wait for their password to be compared, about two seconds


class Busy(Exception):
    """So many passwords are being compared that one more would wait too long."""


def new_password() -> str:
    """Return a random password that can be read over the phone."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))


class Passwords:
    """Hashes and compares passwords away from the event loop, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobody: str | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._places = PLACES

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place among those who wait for their password to be compared.

        :raises Busy: all places are taken.
        """
        if not self._places:
            raise Busy
        self._places -= 1
        try:
            yield
        finally:
            self._places += 1

    async def hashed(self, password: str) -> str:
        """Return the hash of a password, with its parameters and salt."""
        return await self._in_turn(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Say whether a password is the stored one.

        :param stored: None for somebody who does not exist: that takes as long, so that nobody learns it.
        """
        if self._nobody is None:
            self._nobody = await self.hashed(new_password())
        good = await self._in_turn(self._verify, stored or self._nobody, password[: LONGEST + 1])
        return good and stored is not None and len(password) <= LONGEST

    async def _in_turn(self, work: Callable[..., T], *arguments: str) -> T:
        async with self._slots:
            return await asyncio.to_thread(work, *arguments)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
