"""Telemetry of the agent desktop: taken, so that it is not sent again, and not kept (agent-clients.md §4, 5)."""

from typing import Final

from parlour.rest.operations import TOKEN, Answer, Call, Operations
from parlour.rest.rights import ANY_TOKEN

operations: Final = Operations("flex-sdk")


@operations.post("/v1/Telemetry/Events", body="json", callers=TOKEN, rights=[ANY_TOKEN])
async def take_telemetry(call: Call, _form: object) -> Answer:
    """Answer a report of the desktop about itself. Error: 400/20001, it is not JSON."""
    call.json()
    return Answer(200, {})
