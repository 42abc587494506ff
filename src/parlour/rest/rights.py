"""What the holder of an access token needs for what an operation does: one table of these says who may do what."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum


class Standing(IntEnum):
    """How near the holder of a token stands to what a call is about; each holds what those before it hold."""

    ACCOUNT = 0  # any token of the account
    SERVICE = 1  # the token is for the service
    SEES = 2  # knows that it is there: made it, or may join it
    READS = 3  # leads the service: sees all that is in it
    TAKES_PART = 4


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that operations do.

    :ivar does: what, in a few words; no two rights have the same.
    :ivar standing: the least that is needed, whatever roles say.
    :ivar permissions: one of these is needed; empty: no role is asked.
    :ivar own: these suffice as well where what it is about is the caller's own.
    :ivar maker_needs_none: whether no role is asked of who made what it is about.
    """

    does: str
    standing: Standing
    permissions: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    maker_needs_none: bool = False

    def sufficient(self, *, own: bool) -> tuple[str, ...]:
        """Return the permissions of which one is needed; empty: none."""
        return (*self.own, *self.permissions) if own else self.permissions

    def allowed(self, granted: Collection[str], *, own: bool = False, made: bool = False) -> bool:
        """Tell whether permissions suffice.

        :param own: what it is about is the caller's own, such as a message.
        :param made: the caller made what it is about, such as a conversation.
        """
        needed = self.sufficient(own=own)
        return not needed or (made and self.maker_needs_none) or any(one in granted for one in needed)


ANY_TOKEN = Right("with any access token of the account", Standing.ACCOUNT)
