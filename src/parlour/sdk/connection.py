"""Where a Parlour host is and who calls: from arguments, the environment, or the data folder of a demo."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT_URL: Final = "http://127.0.0.1:8580"
DEFAULT_DATA: Final = ".parlour"
ADDRESS: Final = "parlour.json"
DEMO_CREDENTIALS: Final = "credentials.json"


class NoCredentials(Exception):
    """Nobody said who calls; the message says how to."""


@dataclass(frozen=True)
class Connection:
    """A Parlour host and credentials for it.

    :ivar user: account SID or API key SID.
    :ivar password: auth token or API key secret.
    """

    url: str
    account_sid: str
    user: str
    password: str


def resolve(
    *,
    url: str | None = None,
    account_sid: str | None = None,
    auth_token: str | None = None,
    data: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Connection:
    """Return the connection: arguments first, then the environment, then what a server left in the data folder.

    The environment is PARLOUR_URL, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET
    with the account's SID.

    :param data: data folder of the server; default PARLOUR_DATA, else ``./.parlour``.
    :raises NoCredentials: none of them names an account and its token.
    """
    known = os.environ if environment is None else environment
    folder = data or Path(known.get("PARLOUR_DATA") or DEFAULT_DATA)
    host = url or known.get("PARLOUR_URL") or _read(folder / ADDRESS).get("url") or DEFAULT_URL
    demo = _read(folder / DEMO_CREDENTIALS)
    account = account_sid or known.get("TWILIO_ACCOUNT_SID") or demo.get("account_sid")
    token = auth_token or known.get("TWILIO_AUTH_TOKEN") or None
    if account is None:
        raise NoCredentials(_HOW)
    key, secret = known.get("TWILIO_API_KEY"), known.get("TWILIO_API_SECRET")
    if token is None and key and secret:
        return Connection(host.rstrip("/"), account, key, secret)
    if token is None and account == demo.get("account_sid"):
        token = demo.get("auth_token")
    if token is None:
        raise NoCredentials(_HOW)
    return Connection(host.rstrip("/"), account, account, token)


_HOW: Final = (
    "No credentials. Give --account-sid and --auth-token, or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; "
    "`parlour credentials` prints them. Beside a server of `parlour start --demo` nothing is needed: "
    "give its data folder with --data."
)


def _read(path: Path) -> dict[str, str]:
    try:
        held = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in held.items() if isinstance(value, str)} if isinstance(held, dict) else {}
