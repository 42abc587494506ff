"""Settings: from the command line, the environment and `parlour.toml`, in this order."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

DEFAULT_DATA: Final = Path(".parlour")
DEFAULT_PORT: Final = 8580
SHORTEST_TOKEN_LIFE: Final = 30  # seconds
LONGEST_KEPT: Final = 30 * 24 * 3600  # seconds; the event log goes no further back
LISTS: Final = ("product_domains", "trusted_proxies", "allowed_networks", "channels", "desktop_connects")
ORIGIN: Final = re.compile(r"(https?|wss?)://[A-Za-z0-9.*\[\]:-]+")
LONGEST_TOKEN_LIFE: Final = 24 * 3600  # seconds; the contract's own limit for access tokens


FROM_ZERO: Final = {
    "rate_limit": "calls a second",
    "interactions_per_second": "calls a second",
    "executions_per_second": "executions a second",
    "rest_executions_per_second": "executions a second",
    "ended_executions_kept": "seconds",
}


class SettingsError(Exception):
    """A setting cannot be understood; the message names it."""


class Settings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Everything an operator can set.

    :ivar data: folder of the database, media and keys.
    :ivar public_url: address under which others reach this server; default: host and port.
    :ivar database_url: a PostgreSQL of your own, 16 or newer; default: the embedded one.
    :ivar demo: simulator, handset, demo data and fault routes are on; data is kept.
    :ivar ephemeral: like demo, on a data folder that is deleted at the end.
    :ivar test_clock: the domain clock stands until it is told to move; needs demo or ephemeral.
    :ivar product_domains: host suffixes under which the first label names a product.
    :ivar trusted_proxies: networks whose X-Forwarded headers count.
    :ivar allowed_networks: networks that account-set URLs may reach beside the public internet.
    :ivar channels: modules of further channels, by their dotted names (docs/add-a-channel.md).
    :ivar pre_webhooks_for_rest: REST calls that ask for webhooks wait for pre-events too, as those of clients do.
    :ivar rate_limit: calls a second that an account may make to one endpoint of TaskRouter; 0: any number.
    :ivar interactions_per_second: the same for one endpoint of interactions; the desktop's own calls are not counted.
    :ivar finished_tasks_kept: seconds for which a finished task can still be read.
    :ivar token_life: seconds of a sign-in token; the desktop renews it in time.
    :ivar webchats_per_second: how many web chats a second may be opened at one address, by each server process.
    :ivar executions_per_second: how many executions a second messages may start in an account, by each server process;
        0: any number.
    :ivar rest_executions_per_second: the same for executions that REST starts.
    :ivar ended_executions_kept: seconds for which an ended execution can still be read; 0: until it is deleted.
    :ivar desktop: folder of the built desktop; default: ``desktop`` in the data folder.
    :ivar desktop_connects: origins beside this server's that the desktop's page may call, such as those of functions.
    :ivar simulator_url: a carrier simulator in another process, used by demo data (demo and ephemeral only).
    """

    data: Path = DEFAULT_DATA
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    public_url: str | None = None
    database_url: str | None = None
    demo: bool = False
    ephemeral: bool = False
    test_clock: bool = False
    account_sid: str | None = None
    auth_token: str | None = None
    product_domains: tuple[str, ...] = ("twilio.com",)
    trusted_proxies: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    pre_webhooks_for_rest: bool = False
    rate_limit: int = 100
    interactions_per_second: int = 20
    finished_tasks_kept: int = 600
    token_life: int = 3600
    webchats_per_second: int = 5
    executions_per_second: int = 100
    rest_executions_per_second: int = 20
    ended_executions_kept: int = 30 * 24 * 3600
    desktop: Path | None = None
    desktop_connects: tuple[str, ...] = ()
    simulator_url: str | None = None
    log_level: str = "info"

    @property
    def playground(self) -> bool:
        """Say whether the routes of demo and ephemeral mode are on."""
        return self.demo or self.ephemeral

    @property
    def desktop_folder(self) -> Path:
        """Return where the built desktop is, or will be."""
        return self.desktop or self.data / "desktop"

    @property
    def base_url(self) -> str:
        """Return the address under which others reach this server."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def load(given: Mapping[str, Any]) -> Settings:
    """Join the sources.

    :param given: what the command line said; None values were not said.
    :raises SettingsError: a value is of the wrong form, or two do not go together.
    """
    joined: dict[str, Any] = {}
    file = Path("parlour.toml")
    if file.exists():
        try:
            joined.update(tomllib.loads(file.read_text()))
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"parlour.toml: {error}") from error
    for field in Settings.__struct_fields__:
        value = os.environ.get(f"PARLOUR_{field.upper()}")
        if value:
            joined[field] = value.split(",") if field in LISTS else value
    joined.update({name: value for name, value in given.items() if value is not None})
    try:
        settings = msgspec.convert(joined, Settings, strict=False, dec_hook=_hook)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from error
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    """Refuse values that cannot be, or do not go together."""
    if settings.test_clock and not settings.playground:
        raise SettingsError("--test-clock needs --demo or --ephemeral: time must not stand still in production")
    for name, what in FROM_ZERO.items():
        if getattr(settings, name) < 0:
            raise SettingsError(f"{name}: 0 or more {what}")
    if not 0 < settings.finished_tasks_kept <= LONGEST_KEPT:
        raise SettingsError(f"finished_tasks_kept: 1 to {LONGEST_KEPT} seconds")
    if not SHORTEST_TOKEN_LIFE <= settings.token_life <= LONGEST_TOKEN_LIFE:
        raise SettingsError(f"token_life: {SHORTEST_TOKEN_LIFE} to {LONGEST_TOKEN_LIFE} seconds")
    for origin in settings.desktop_connects:
        if ORIGIN.fullmatch(origin) is None:
            raise SettingsError(f"desktop_connects: {origin!r} is no origin, such as https://functions.example.com")
    if settings.webchats_per_second < 1:
        raise SettingsError("webchats_per_second: at least 1")


def _hook(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise TypeError(f"no conversion to {kind}")
