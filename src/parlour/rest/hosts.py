"""Which product a request is for, and how URLs in its answer are spelled (DESIGN 2.11)."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from parlour.rest.operations import Urls

SHIM = "_tw"
TLS_PORT = ":443"


@dataclass(frozen=True)
class Addressing:
    """Settings of addressing.

    :param product_domains: suffixes under which the first host label is a product.
    :param trusted_proxies: networks whose ``X-Forwarded-*`` headers count.
    """

    product_domains: Sequence[str] = ("twilio.com",)
    trusted_proxies: Sequence[str] = ()

    def trusts(self, peer: str) -> bool:
        """Say whether the peer's ``X-Forwarded-*`` headers count."""
        if not self.trusted_proxies:
            return False
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in ipaddress.ip_network(network, strict=False) for network in self.trusted_proxies)


class Target(msgspec.Struct, frozen=True):
    """A product, the path within it, and the URLs of its answer.

    :ivar shimmed: a page's shim brought the request here.
    """

    product: str
    path: str
    urls: Urls
    shimmed: bool = False


def resolve(
    addressing: Addressing,
    products: frozenset[str],
    *,
    path: str,
    scheme: str,
    peer: str,
    headers: Mapping[str, str],
) -> Target | None:
    """Return what a request is for: the page shim, a product in the path, or a product in the host, in this order."""
    found = candidates(addressing, products, path=path, scheme=scheme, peer=peer, headers=headers)
    return found[0] if found else None


def candidates(
    addressing: Addressing,
    products: frozenset[str],
    *,
    path: str,
    scheme: str,
    peer: str,
    headers: Mapping[str, str],
) -> list[Target]:
    """Return what a request may be for, the likeliest first: a host's own path may begin with a product's name."""
    host = headers.get("host", "")
    if addressing.trusts(peer):
        host = headers.get("x-forwarded-host", host)
        scheme = headers.get("x-forwarded-proto", scheme)
    if host.endswith(TLS_PORT):  # `parlour run` says in this way that the program asked by TLS
        host, scheme = host.removesuffix(TLS_PORT), "https"
    root = f"{scheme}://{host}"
    first, _, rest = path.lstrip("/").partition("/")
    if first == SHIM:
        shim_host, _, inner = rest.partition("/")
        label, _, suffix = shim_host.partition(".")
        if label in products:
            urls = Urls(lambda product: f"{root}/{SHIM}/{product}.{suffix}")
            return [Target(label, f"/{inner}", urls, shimmed=True)]
        return []
    found = []
    if first in products:
        found.append(Target(first, f"/{rest}", Urls(lambda product: f"{root}/{product}")))
    label, _, suffix = host.partition(".")
    name, _, port = suffix.partition(":")
    if label in products and any(
        name == domain or name.endswith(f".{domain}") for domain in addressing.product_domains
    ):
        after = f".{suffix}" if port else f".{name}"
        found.append(Target(label, path, Urls(lambda product: f"{scheme}://{product}{after}")))
    return found


def path_urls(root: str) -> Urls:
    """Return URLs that name the product in the path below ``root`` (jobs and timers, from ``--public-url``)."""
    base = root.rstrip("/")
    return Urls(lambda product: f"{base}/{product}")
