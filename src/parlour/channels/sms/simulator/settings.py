"""What the carrier is told: its settings and its orders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Phone:
    """A handset that the page opens with, and the number it texts to."""

    number: str
    to: str


@dataclass(frozen=True)
class Settings:
    """How the carrier is set up; what is not given is made at the first start and kept in the ledger."""

    ledger: Path | None = None
    seed: int | None = None
    account_sid: str | None = None
    auth_token: str | None = None
    public_url: str = ""
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True)
class Order:
    """One text to bring to a handset, already validated."""

    to: str
    sender: str
    body: str
    media: tuple[tuple[str, str, bytes], ...] = ()
    status_callback: str = ""
    direction: str = "outbound-api"
    others: tuple[str, ...] = ()
