"""Serves the built desktop: one page under every path of its router, and files whose names carry their hash."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from parlour.flex.desktop_folder import DesktopFolder
from parlour.flex.store_system import system_instance
from parlour.kit.errors import ContractError
from parlour.store.database import Database

PAGE: Final = "/desktop/"
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FOREVER: Final = "public, max-age=31536000, immutable"
ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))  # the smaller first
# Flex UI compiles its templates in the page; pictures and files of conversations, and what agents look up, come from
# anywhere. Whatever it fetches or sends goes to this server, or where the operator lets plugins call.
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob: https:; media-src 'self' data: blob: https:; font-src 'self' data:; "
    "frame-src 'self' https: blob:; worker-src 'self' blob:; connect-src {connects}; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)
NOT_BUILT: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>Agent desktop · Parlour</title><body style='font:1rem/1.5 system-ui;max-width:36rem;margin:4rem auto;"
    "padding:0 1rem'><main><h1>The agent desktop is not built yet</h1><p>Run <code>parlour desktop build</code> on the "
    "server, or wait while <code>make demo</code> builds it; then load this page again.</p></main></html>"
)


def routes(database: Database, folder: Path, connects: Sequence[str] = ()) -> list[BaseRoute]:
    """Return the routes of the desktop.

    :param folder: where its build is, or will be: it is looked for at each request of the page.
    :param connects: origins beside this server's that the page may call, such as those of plugins' functions.
    """
    desktop = _Desktop(database, DesktopFolder(folder), connects)
    return [
        Route("/", desktop.to_page, methods=["GET"]),
        Route("/desktop", desktop.to_page, methods=["GET"]),
        Route("/desktop/config.json", desktop.config, methods=["GET"]),
        Route("/desktop/files/{name}", desktop.file, methods=["GET"]),
        Route("/desktop/NOTICES.txt", desktop.notices, methods=["GET"]),
        Route("/desktop/{path:path}", desktop.page, methods=["GET"]),
    ]


class _Desktop:
    def __init__(self, database: Database, folder: DesktopFolder, connects: Sequence[str]) -> None:
        self._database = database
        self._folder = folder
        self._policy = POLICY.format(connects=" ".join(("'self'", "data:", "blob:", *connects)))

    async def to_page(self, _request: Request) -> Response:
        return RedirectResponse(PAGE)

    async def page(self, request: Request) -> Response:
        page = self._folder.file("index.html")
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": self._policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        if page is None:
            return Response(NOT_BUILT, 503, {"Cache-Control": "no-store", "Retry-After": "30"}, "text/html")
        answer = FileResponse(page, media_type="text/html", headers=headers, stat_result=page.stat())
        if request.headers.get("if-none-match") == answer.headers["etag"]:
            return Response(status_code=304, headers={**headers, "ETag": answer.headers["etag"]})
        return answer

    async def config(self, _request: Request) -> Response:
        """Say which account the page is for: the server's first."""
        try:
            instance = await self._database.system(lambda one: system_instance(one, None))
        except ContractError as error:
            return _refusal(error.status, error.message)
        if instance is None:
            return _refusal(404, "This server has no account yet")
        shown = {"account_sid": instance.account_sid, "flex_instance_sid": instance.flex_instance_sid}
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    async def file(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        kind = TYPES.get(Path(name).suffix)
        path = None if kind is None else self._folder.file("files", name)
        if path is None or kind is None:
            return _refusal(404, f"{name} was not found")
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
        encoding, path = _packed(path, request.headers)
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        return FileResponse(path, media_type=kind, headers=headers)

    async def notices(self, _request: Request) -> Response:
        path = self._folder.file("NOTICES.txt")
        if path is None:
            return _refusal(404, "The desktop is not built")
        return FileResponse(path, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _packed(path: Path, headers: Mapping[str, str]) -> tuple[str | None, Path]:
    """Return the smallest form of a file that the browser takes."""
    taken = {part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")}
    for encoding, ending in ENCODINGS:
        packed = path.with_name(path.name + ending)
        if encoding in taken and packed.is_file():
            return encoding, packed
    return None, path


def _refusal(status: int, message: str) -> Response:
    body: dict[str, Any] = {"status": status, "message": message}
    return JSONResponse(body, status, {"Cache-Control": "no-store"})
