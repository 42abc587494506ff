"""Which host names are the vendor's, and the lines that lead them here."""

from collections.abc import Iterable
from typing import Final

DOMAINS: Final = ("twilio.com", "twiliocdn.com")
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

_BESIDE_REST: Final = (  # what clients open besides the products that have operations
    "event-bridge.twilio.com",
    "event-bridge.us1.twilio.com",
    "mcs.us1.twilio.com",
    "media.twiliocdn.com",
    "tsock.twilio.com",
    "tsock.us1.twilio.com",
)


def is_vendors(host: str) -> bool:
    """Say whether a host name is one of the vendor's domains or below one."""
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in DOMAINS)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by name or address."""
    return host.lower() in LOOPBACK or host.startswith("127.")


def lines(address: str, products: Iterable[str]) -> list[str]:
    """Return the lines of a hosts file that lead the vendor's names to an address.

    :param products: the products that the server has operations for.
    """
    names = sorted({*(f"{product}.twilio.com" for product in products), *_BESIDE_REST})
    return [f"{address} {name}" for name in names]
