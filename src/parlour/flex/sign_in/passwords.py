"""Passwords of desktop users: argon2id, made at random unless somebody chooses one (DESIGN 2.12)."""

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
GROUPS: Final = 4
GROUP_LENGTH: Final = 5  # 20 letters of 31: 99 bits
SHORTEST: Final = 12  # characters of a chosen password
LONGEST: Final = 256  # characters, so that hashing costs the same for everyone
AT_ONCE: Final = 2  # hashes computed beside each other; each takes 64 MB


def new_password() -> str:
    """Return a random password that can be read over the phone."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))


class Passwords:
    """Hashes and compares passwords away from the event loop, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobody: str | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hashed(self, password: str) -> str:
        """Return the hash of a password, with its parameters and salt."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Say whether a password is the stored one.

        :param stored: None for somebody who does not exist: that takes as long, so that nobody learns it.
        """
        if self._nobody is None:
            self._nobody = await self.hashed(new_password())
        async with self._slots:
            good = await asyncio.to_thread(self._verify, stored or self._nobody, password[: LONGEST + 1])
        return good and stored is not None and len(password) <= LONGEST

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
