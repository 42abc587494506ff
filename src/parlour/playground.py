"""Routes of demo and ephemeral mode only (ACCEPTANCE 10): the test clock and the failpoints."""

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from parlour.channels.sms.simulator import handset
from parlour.channels.sms.simulator.app import Carrier, create_app
from parlour.kit import failpoints
from parlour.kit.wire import iso_millis
from parlour.outbox.test_clock import TestClock

if TYPE_CHECKING:
    from parlour.app import Program


def playground_routes(program: "Program", test_clock: TestClock | None) -> list[BaseRoute]:
    """Return the routes; those of the clock only where it can be moved."""
    routes: list[BaseRoute] = [Route("/_fault/arm", _arm, methods=["POST"])]
    if test_clock is not None:
        routes += _clock_routes(program, test_clock)
    return routes


def playground_carrier_routes(carrier: Carrier) -> list[BaseRoute]:
    """Return the simulated carrier under /simulator and its handsets' page at /handset."""
    return [Mount("/simulator", create_app(carrier)), *handset.routes(carrier)]


async def _arm(request: Request) -> Response:
    """Have processes killed at a failpoint: ``{name, after, pids}``; without pids this one."""
    try:
        given = await request.json()
        failpoints.arm(str(given["name"]), after=int(given.get("after", 1)), pids=given.get("pids") or [os.getpid()])
    except (ValueError, KeyError, TypeError) as error:
        return JSONResponse({"message": f"{type(error).__name__}: {error}"}, status_code=400)
    return JSONResponse({"armed": given["name"], "pid": os.getpid()})


def _clock_routes(program: "Program", test_clock: TestClock) -> list[BaseRoute]:
    async def read(_request: Request) -> Response:
        return JSONResponse({"now": iso_millis(program.clock.now())})

    async def advance(request: Request) -> Response:
        try:
            seconds = float(request.query_params.get("seconds", ""))
        except ValueError:
            return JSONResponse({"message": "seconds must be a number, such as ?seconds=120"}, status_code=400)
        if seconds < 0:
            return JSONResponse({"message": "seconds must not be negative: time never goes back"}, status_code=400)
        return JSONResponse(await test_clock.advance(timedelta(seconds=seconds)))

    async def settle(_request: Request) -> Response:
        return JSONResponse(await test_clock.settle())

    return [
        Route("/_clock", read, methods=["GET"]),
        Route("/_clock/advance", advance, methods=["POST"]),
        Route("/_clock/settle", settle, methods=["POST"]),
    ]
