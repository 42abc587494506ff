"""The page of the desktop and its files, as a browser's cache sees them."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette

from parlour.flex import desktop_page
from parlour.flex.desktop_folder import DesktopFolder
from parlour.kit.clock import SystemClock
from parlour.settings import SettingsError, load
from parlour.store.database import Database

SCRIPT = b"console.log('desktop');" * 100


def put(folder: Path, name: str, script: bytes = SCRIPT) -> None:
    """Make a build and adopt it."""
    made = folder / f".made-{name}"
    (made / "files").mkdir(parents=True)
    (made / "index.html").write_text(f"<title>{name}</title>")
    (made / "files" / f"main-{name}.js").write_bytes(script)
    (made / "files" / f"main-{name}.js.gz").write_bytes(gzip.compress(script, mtime=0))
    (made / "manifest.json").write_text(json.dumps({"flex_ui": "2.17.1", "files": {}}))
    DesktopFolder(folder).adopt(made, name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "desktop"


@dataclass
class Answer:
    """An answer as it came over the wire."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()


class Browser:
    """Asks the routes of the desktop."""

    def __init__(self, folder: Path, connects: Sequence[str] = ()) -> None:
        database = Database("postgresql://nowhere/none", clock=SystemClock())  # no path below reads it
        self._app = Starlette(routes=desktop_page.routes(database, folder, connects))

    async def get(self, path: str, **headers: str) -> Answer:
        """Ask for a path."""
        sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "method": "GET",
            "path": unquote(path),
            "headers": sent,
            "query_string": b"",
        }
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        given = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], given, b"".join(parts))


@pytest.fixture
def browser(folder: Path) -> Browser:
    folder.mkdir()
    return Browser(folder)


async def test_before_it_is_built_the_page_says_what_to_do(browser: Browser) -> None:
    answer = await browser.get("/desktop/")
    assert answer.status_code == 503
    assert "parlour desktop build" in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_the_servers_own_address_leads_to_the_desktop(browser: Browser) -> None:
    for path in ("/", "/desktop"):
        assert (await browser.get(path)).headers["location"] == "/desktop/"


@pytest.mark.parametrize("path", ["", "agent-desktop/WR123", "teams", "queues-stats"])
async def test_every_path_of_the_router_is_the_page_and_is_asked_for_each_time(
    browser: Browser, folder: Path, path: str
) -> None:
    put(folder, "one")
    answer = await browser.get(f"/desktop/{path}")
    assert (answer.status_code, answer.text) == (200, "<title>one</title>")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    again = await browser.get(f"/desktop/{path}", if_none_match=answer.headers["etag"])
    assert again.status_code == 304


async def test_a_file_is_kept_for_ever_and_comes_packed_to_who_takes_it(browser: Browser, folder: Path) -> None:
    put(folder, "one")
    packed = await browser.get("/desktop/files/main-one.js", accept_encoding="gzip, br")
    plain = await browser.get("/desktop/files/main-one.js", accept_encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.content) == plain.content == SCRIPT
    assert int(packed.headers["content-length"]) < len(SCRIPT)
    for answer in (packed, plain):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["files/main-two.js", "files/..%2fmanifest.json", "files/main-one.js.gz", "files/%2e%2e", "files/a.exe"]
)
async def test_nothing_else_is_served(browser: Browser, folder: Path, path: str) -> None:
    put(folder, "one")
    answer = await browser.get(f"/desktop/{path}")
    assert answer.status_code in (404, 200)
    assert b"flex_ui" not in answer.content
    if path.startswith("files/") and "%2" not in path:
        assert answer.status_code == 404


async def test_a_new_build_is_served_at_once_and_the_one_before_stays_for_open_pages(
    browser: Browser, folder: Path
) -> None:
    for name in ("one", "two"):
        put(folder, name)
    assert (await browser.get("/desktop/")).text == "<title>two</title>"
    assert (await browser.get("/desktop/files/main-one.js")).status_code == 200
    put(folder, "three")
    assert (await browser.get("/desktop/files/main-two.js")).status_code == 200
    assert (await browser.get("/desktop/files/main-one.js")).status_code == 404


async def test_the_page_calls_its_own_server_and_what_the_operator_names(folder: Path) -> None:
    put(folder, "one")
    for named, words in (
        ((), "connect-src 'self' data: blob:;"),
        (("https://functions.example.com",), "connect-src 'self' data: blob: https://functions.example.com;"),
    ):
        answer = await Browser(folder, named).get("/desktop/")
        assert words in answer.headers["content-security-policy"]


@pytest.mark.parametrize("named", ["functions.example.com", "https://a.example.com; script-src *", "https://a/path"])
def test_what_is_no_origin_is_refused_by_its_setting(named: str) -> None:
    with pytest.raises(SettingsError, match="desktop_connects"):
        load({"desktop_connects": [named]})
