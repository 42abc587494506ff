"""Loaded into Python by PYTHONPATH: the vendor's names lead to `parlour run` for clients that look at no proxy.

Stands alone, since the program's Python is not ours. Only the answer to "where is this host" changes; what checks a
certificate still checks it for the vendor's name. A `sitecustomize` that was there before runs as it would have.
"""

import os
import socket
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

_DOMAINS = ("twilio.com", "twiliocdn.com")
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - loaded into every Python: as little as can be


def _lead_here(host: str, tls_port: int, plain_port: int) -> None:
    original: Callable[..., object] = socket.getaddrinfo

    def getaddrinfo(name: object, service: object, *rest: object, **named: object) -> object:
        if not _is_vendors(name):
            return original(name, service, *rest, **named)
        return original(host, plain_port if str(service) in ("80", "http") else tls_port, *rest, **named)

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]


def _is_vendors(name: object) -> bool:
    text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
    if not isinstance(text, str):
        return False
    text = text.lower().rstrip(".")
    return any(text == domain or text.endswith("." + domain) for domain in _DOMAINS)


def _run_the_other() -> None:
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _HERE]  # noqa: PTH100
    found = PathFinder.find_spec("sitecustomize", sys.path)
    if found is not None and found.loader is not None:
        module = module_from_spec(found)
        sys.modules["sitecustomize"] = module
        found.loader.exec_module(module)


if os.environ.get("PARLOUR_RUN_HOST"):
    _lead_here(
        os.environ["PARLOUR_RUN_HOST"],
        int(os.environ["PARLOUR_RUN_TLS_PORT"]),
        int(os.environ["PARLOUR_RUN_PLAIN_PORT"]),
    )
_run_the_other()
