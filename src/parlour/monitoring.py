"""What an operator's monitoring asks: /healthz, /readyz, /metrics (DESIGN §4)."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from parlour import __version__
from parlour.kit.errors import ContractError
from parlour.outbox.runner import Runner

if TYPE_CHECKING:
    from parlour.app import Program

BEAT: Final = 0.01  # seconds between two looks at the event loop
STALLS: Final = (0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
STALL: Final = 0.1  # seconds; DESIGN §4 allows none as long as this


class Metrics:
    """Counters and times. Labels are names of operations, never SIDs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "parlour_requests_total",
            "Answered requests",
            ["method", "operation", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram("parlour_request_seconds", "Time to the answer", ["operation"], registry=self.registry)
        self.stall = Gauge(
            "parlour_event_loop_longest_stall_seconds",
            "Longest stall of the event loop",
            registry=self.registry,
        )
        self.stalls = Counter(
            "parlour_event_loop_stalls_total", "Stalls of the event loop over 0.1 s", registry=self.registry
        )
        self.lags = Histogram(
            "parlour_event_loop_stall_seconds",
            "How late the event loop was, each time somebody looked",
            buckets=STALLS,
            registry=self.registry,
        )
        self.lag = Gauge("parlour_event_loop_lag_seconds", "Lag of the event loop now", registry=self.registry)
        self.jobs = Gauge("parlour_jobs", "Jobs by state", ["state"], registry=self.registry)
        self.longest_stall = 0.0
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def request(self, method: str, operation: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        found = self._children.get((method, operation, status))
        if found is None:
            found = self.requests.labels(method, operation, str(status)), self.seconds.labels(operation)
            self._children[method, operation, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self.lag.set(seconds)
        self.lags.observe(seconds)
        if seconds > STALL:
            self.stalls.inc()
        if seconds > self.longest_stall:
            self.longest_stall = seconds
            self.stall.set(seconds)


class LoopMonitor:
    """Notices when the event loop stands still."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def run(self) -> None:
        """Look for ever."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(BEAT)
            self._metrics.lagged(max(loop.time() - before - BEAT, 0.0))


def monitoring_routes(program: "Program", metrics: Metrics, runner: Runner) -> list[BaseRoute]:
    """Return the routes of an operator's monitoring."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def ready(_request: Request) -> Response:
        try:
            await program.database.system(lambda connection: connection.fetchval("SELECT 1"))
        except ContractError as error:
            return JSONResponse({"status": "waiting", "reason": error.message}, status_code=503)
        return JSONResponse({"status": "ready", "version": __version__})

    async def figures(_request: Request) -> Response:
        def count(connection: Any) -> Any:
            return connection.fetchrow(
                "SELECT count(*) FILTER (WHERE dead_at IS NULL AND due <= $1) AS waiting, "
                "count(*) FILTER (WHERE dead_at IS NULL AND due > $1) AS scheduled, "
                "count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead FROM job",
                program.clock.now(),
            )

        try:
            row = await program.database.system(count)
            metrics.jobs.labels("waiting").set(row["waiting"])
            metrics.jobs.labels("scheduled").set(row["scheduled"])
            metrics.jobs.labels("dead").set(row["dead"])
        except ContractError:
            metrics.jobs.clear()
        metrics.jobs.labels("running").set(runner.running)
        return PlainTextResponse(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    return [
        Route("/healthz", health),
        Route("/readyz", ready),
        Route("/metrics", figures),
    ]
