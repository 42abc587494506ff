"""Operations of events (taskrouter.md §7.3)."""

from datetime import datetime
from typing import Any, Final

from parlour.kit.wire import iso
from parlour.rest.errors import not_found
from parlour.rest.forms import Form
from parlour.rest.operations import Answer, Call, Operations, Urls
from parlour.store.unit import Reader
from parlour.taskrouter import event_store
from parlour.taskrouter.event_parameters import Told
from parlour.taskrouter.event_store import Wanted
from parlour.taskrouter.interval import interval
from parlour.taskrouter.paging import answer, page_of, sid_filter
from parlour.taskrouter.routes import WORKSPACE, under
from parlour.taskrouter.schemas import PRODUCT

operations = Operations(PRODUCT)
EVENTS: Final = f"{WORKSPACE}/Events"


class ListEvents(Form):
    end_date: datetime | None = None
    event_type: str | None = None
    minutes: int | None = None
    reservation_sid: str | None = None
    start_date: datetime | None = None
    task_queue_sid: str | None = None
    task_sid: str | None = None
    worker_sid: str | None = None
    workflow_sid: str | None = None
    task_channel: str | None = None
    sid: str | None = None


def render(urls: Urls, account_sid: str, event: Told) -> dict[str, Any]:
    """An event; what no client did was done by the workspace itself."""
    workspace = urls.of(PRODUCT, f"/v1/Workspaces/{event.workspace_sid}")
    data = {**event.data, "workspace_sid": event.workspace_sid, "workspace_name": event.workspace_name}
    return {
        "account_sid": account_sid,
        "sid": event.sid,
        "workspace_sid": event.workspace_sid,
        "event_type": event.event_type,
        "description": event.description,
        "event_data": data,
        "event_date": iso(event.at),
        "event_date_ms": event.milliseconds,
        "actor_sid": event.workspace_sid,
        "actor_type": "workspace",
        "actor_url": workspace,
        "resource_sid": event.resource_sid,
        "resource_type": event.resource_type,
        "resource_url": workspace + event.path,
        "source": "twilio",
        "source_ip_address": None,
        "url": f"{workspace}/Events/{event.sid}",
    }


@operations.get(EVENTS, form=ListEvents)
async def list_events(call: Call, form: ListEvents) -> Answer:
    """List events, the newest first, by default those of the last 15 minutes."""
    page = page_of(call)
    asked = interval(call.database.clock.now(), minutes=form.minutes, start=form.start_date, end=form.end_date)
    wanted = Wanted(
        event_type=form.event_type or None,
        since=asked.start,
        until=asked.end,
        task_sid=sid_filter("TaskSid", form.task_sid, "WT"),
        reservation_sid=sid_filter("ReservationSid", form.reservation_sid, "WR"),
        worker_sid=sid_filter("WorkerSid", form.worker_sid, "WK"),
        task_queue_sid=sid_filter("TaskQueueSid", form.task_queue_sid, "WQ"),
        workflow_sid=sid_filter("WorkflowSid", form.workflow_sid, "WW"),
        task_channel=form.task_channel or None,
        sid=sid_filter("Sid", form.sid, "EV"),
    )

    async def read(reader: Reader) -> list[Told]:
        sid = await under(call, reader)
        return await event_store.events(reader, sid, wanted, after=page.token, limit=page.size + 1)

    return answer(call, "events", await call.read(read), page, lambda each: render(call.urls, call.account_sid, each))


@operations.get(f"{EVENTS}/{{Sid}}")
async def fetch_event(call: Call, _form: Form) -> Answer:
    """Answer with an event."""

    async def read(reader: Reader) -> Told:
        found = await event_store.event(reader, await under(call, reader), call.path["Sid"])
        if found is None:
            raise not_found(call.path["Sid"])
        return found

    return Answer(200, render(call.urls, call.account_sid, await call.read(read)))
