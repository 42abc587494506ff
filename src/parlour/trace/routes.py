"""The operation of traces. It is Parlour's own, so its product has a name of its own."""

from parlour.rest.forms import Form
from parlour.rest.operations import Answer, Call, Operations
from parlour.trace import render
from parlour.trace.story import tell

operations = Operations("parlour")


@operations.get("/v1/Trace/{Sid}")
async def fetch_trace(call: Call, _form: Form) -> Answer:
    """Tell what became of a SID. Error: 404/20404, nothing of the last 30 days names it."""
    sid = call.path["Sid"]
    story = await call.read(lambda reader: tell(reader, sid))
    return Answer(200, render.wire(call.account_sid, story, call.urls.of("parlour", f"/v1/Trace/{sid}")))
