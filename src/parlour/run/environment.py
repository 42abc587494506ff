"""What a program finds in its environment, so that it comes here by itself."""

import os
import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from parlour.run.hosts import DOMAINS, LOOPBACK

PRELOADS: Final = Path(__file__).with_name("preload")

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY")
_ALL_CERTIFICATES: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")  # they replace what is known
_MORE_CERTIFICATES: Final = "NODE_EXTRA_CA_CERTS"  # it adds to what is known
_WHERE_SET: Final = ("TWILIO_CA_BUNDLE",)  # the vendor's own, which replaces all others in its Node package
_ACCOUNT: Final = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")


def child_environment(
    given: Mapping[str, str],
    *,
    proxy_port: int,
    tls_port: int,
    authority: str,
    bundles: Path,
    credentials: tuple[str, str] | None,
) -> dict[str, str]:
    """Return the environment of a program.

    :param given: our own environment.
    :param authority: certificate (PEM) that signs the vendor's names here.
    :param bundles: private folder for files of certificates, which the program reads while it runs.
    :param credentials: account SID and auth token, for a program that has none.
    """
    made = dict(given)
    proxy = f"http://127.0.0.1:{proxy_port}"
    for name in _PROXIES:
        made[name] = made[name.lower()] = proxy
    made["NO_PROXY"] = made["no_proxy"] = _no_proxy(given.get("no_proxy") or given.get("NO_PROXY") or "")
    for name in ("ALL_PROXY", "all_proxy"):
        made.pop(name, None)  # it would be another way for the schemes that we serve
    made |= _certificates(given, authority, bundles)
    made |= {
        "NODE_OPTIONS": f'{given.get("NODE_OPTIONS", "")} --require "{_quoted(PRELOADS / "node.cjs")}"'.strip(),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PRELOADS), given.get("PYTHONPATH")])),
        "PARLOUR_RUN_HOST": "127.0.0.1",
        "PARLOUR_RUN_TLS_PORT": str(tls_port),
        "PARLOUR_RUN_PLAIN_PORT": str(proxy_port),
    }
    if credentials is not None and not any(given.get(name) for name in _ACCOUNT):
        made |= dict(zip(_ACCOUNT, credentials, strict=True))
    return made


def _no_proxy(before: str) -> str:
    """Return the hosts to reach without us: what was there, but for the vendor's, and this machine."""
    entries = [entry.strip() for entry in before.split(",") if entry.strip()]
    kept = [entry for entry in entries if not _covers_vendor(entry)]
    return ",".join(dict.fromkeys([*kept, *LOOPBACK]))


def _covers_vendor(entry: str) -> bool:
    name = entry.lower().removeprefix("*").lstrip(".").partition(":")[0]
    if entry == "*":
        return True
    return any(
        name == domain or name.endswith(f".{domain}") or (name and domain.endswith(f".{name}")) for domain in DOMAINS
    )


def _certificates(given: Mapping[str, str], authority: str, bundles: Path) -> dict[str, str]:
    made = {}
    for name in (*_ALL_CERTIFICATES, *(name for name in _WHERE_SET if given.get(name))):
        known = _text(given.get(name)) or system_certificates()
        made[name] = str(_bundle(bundles / f"{name.lower()}.pem", known, authority))
    more = _text(given.get(_MORE_CERTIFICATES))
    made[_MORE_CERTIFICATES] = str(_bundle(bundles / "node.pem", more, authority))
    return made


def _bundle(path: Path, known: str, authority: str) -> Path:
    path.write_text(f"{known.rstrip()}\n{authority}" if known else authority)
    return path


def _text(file: str | None) -> str:
    """Return a file of certificates that was set before us; nothing where it cannot be read."""
    if not file:
        return ""
    try:
        return Path(file).read_text(errors="replace")
    except OSError:  # a folder of certificates, or a file that is gone
        return ""


def system_certificates() -> str:
    """Return the certificates that this machine trusts, else those of certifi, else none."""
    paths = ssl.get_default_verify_paths()
    for file in (paths.cafile, paths.openssl_cafile):
        if text := _text(file):
            return text
    loaded = ssl.create_default_context().get_ca_certs(binary_form=True)
    if loaded:
        return "".join(ssl.DER_cert_to_PEM_cert(each) for each in loaded)
    if find_spec("certifi") is None:
        return ""
    import certifi

    return Path(certifi.where()).read_text()


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
