"""The page of flows under `/flows`, and its read API under `/flows/api` (docs/flows-page.md)."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from parlour.accounts import grants
from parlour.kit.errors import ContractError
from parlour.rest.errors import forbidden
from parlour.rest.operations import Authenticator
from parlour.rest.recorder import note_refusal
from parlour.store.database import Database
from parlour.store.unit import Reader
from parlour.studio import viewing

STATIC: Final = Path(__file__).with_name("static")
FILES: Final = {"flows.js": "text/javascript", "flows.css": "text/css", "icon.svg": "image/svg+xml"}
POLICY: Final = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def routes(database: Database, authenticator: Authenticator) -> list[BaseRoute]:
    """Return the routes of the page.

    :param authenticator: the API takes what every operation takes; an access token must be a supervisor's or admin's.
    """
    page = _Pages(database, authenticator)
    return [
        Route("/flows", page.page, methods=["GET"]),
        Route("/flows/static/{name}", page.file, methods=["GET"]),
        Route("/flows/api/flows", page.flows, methods=["GET"]),
        Route("/flows/api/flows/{flow}", page.flow, methods=["GET"]),
        Route("/flows/api/flows/{flow}/executions/{execution}", page.execution, methods=["GET"]),
        Route("/flows/api/flows/{flow}/executions/{execution}/steps/{step}", page.step, methods=["GET"]),
        Route("/flows/api/linked/{sid}", page.linked, methods=["GET"]),
    ]


class _Pages:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    async def page(self, _request: Request) -> Response:
        path = STATIC / "index.html"
        if not path.is_file():
            return _refusal(503, "The page is not built: run `npm run build` in web/pages")
        return FileResponse(path, media_type="text/html", headers=HEADERS)

    async def file(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = STATIC / name
        if name not in FILES or not path.is_file():
            return _refusal(404, f"{name} was not found")
        return FileResponse(path, media_type=FILES[name], headers=HEADERS)

    async def flows(self, request: Request) -> Response:
        return await self._read(request, viewing.list_flows)

    async def flow(self, request: Request) -> Response:
        return await self._read(request, lambda reader: viewing.flow(reader, request.path_params["flow"]))

    async def execution(self, request: Request) -> Response:
        path = request.path_params
        return await self._read(request, lambda reader: viewing.execution(reader, path["flow"], path["execution"]))

    async def step(self, request: Request) -> Response:
        path = request.path_params
        return await self._read(
            request, lambda reader: viewing.step(reader, path["flow"], path["execution"], path["step"])
        )

    async def linked(self, request: Request) -> Response:
        return await self._read(request, lambda reader: viewing.linked(reader, request.path_params["sid"]))

    async def _read(self, request: Request, work: Callable[[Reader], Awaitable[dict[str, Any]]]) -> Response:
        try:
            caller = await self._authenticator.authenticate(request.headers)
            if caller.kind == "token" and not grants.leads(caller):
                raise forbidden("Flows are shown to supervisors and admins")
            shown = await self._database.read(caller.account_sid, work)
        except ContractError as error:
            note_refusal(error)
            return _refusal(error.status, error.message, error.code)
        return JSONResponse(shown, headers=NO_STORE)


def _refusal(status: int, message: str, code: int | None = None) -> Response:
    return JSONResponse({"status": status, "message": message, "code": code}, status, NO_STORE)
