"""Operations of interaction webhooks (flex.md §1.7)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from parlour.flex import configuration
from parlour.flex.hooks import service, store
from parlour.flex.hooks.store import InteractionWebhook
from parlour.rest.errors import not_found
from parlour.rest.forms import Form, Limit, choice
from parlour.rest.operations import Answer, Call, Operations, Urls
from parlour.store.unit import Reader, UnitOfWork

BASE: Final = "/v1/Instances/{InstanceSid}/InteractionWebhooks"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

operations = Operations("flex-api")


class CreateWebhook(Form):
    """Parameters of a new webhook."""

    webhook_url: Annotated[str, Limit(max=2048)]
    webhook_events: list[str]
    webhook_method: Annotated[str, choice(*service.METHODS)] = "POST"
    type: Annotated[str, choice(*service.TYPES)] = "global"
    friendly_name: Annotated[str, Limit(max=256)] | None = None


class UpdateWebhook(Form):
    """Parameters of a webhook's update."""

    webhook_url: Annotated[str, Limit(max=2048)] | None = None
    webhook_events: list[str] = msgspec.field(default_factory=list)
    webhook_method: Annotated[str, choice(*service.METHODS)] | None = None
    type: Annotated[str, choice(*service.TYPES)] | None = None
    friendly_name: Annotated[str, Limit(max=256)] | None = None


class ListWebhooks(Form):
    """Filter of the list."""

    type: Annotated[str, choice(*service.TYPES)] | None = None


@operations.post(BASE, form=CreateWebhook)
async def create_webhook(call: Call, form: CreateWebhook) -> Answer:
    """Have a program told of interactions."""

    async def work(uow: UnitOfWork) -> InteractionWebhook:
        row = InteractionWebhook(
            account_sid=uow.account_sid,
            ttid=service.new_ttid(uow),
            instance_sid=await _instance(uow, call),
            friendly_name=form.friendly_name,
            type=form.type,
            url=service.check_url(form.webhook_url),
            method=form.webhook_method,
            events=service.check_events(form.webhook_events),
            date_created=_NEVER,
            date_updated=_NEVER,
        )
        await store.insert(uow, row)
        return row

    return Answer(201, render(await call.step(work), call.urls))


@operations.get(BASE, form=ListWebhooks)
async def list_webhooks(call: Call, form: ListWebhooks) -> Answer:
    """List the webhooks; the items stand under ``data``."""
    page = call.page()

    async def work(reader: Reader) -> list[InteractionWebhook]:
        await _instance(reader, call)
        return await store.page(reader, form.type, page.token or "", page.size + 1)

    rows = await call.read(work)
    shown = [render(row, call.urls) for row in rows[: page.size]]
    following = rows[page.size - 1].ttid if len(rows) > page.size else None
    return call.listing("data", shown, page, next_token=following)


@operations.get(f"{BASE}/{{Ttid}}")
async def fetch_webhook(call: Call, _form: object) -> Answer:
    """Read a webhook."""
    return Answer(200, render(await call.read(lambda reader: _webhook(reader, call)), call.urls))


@operations.post(f"{BASE}/{{Ttid}}", form=UpdateWebhook)
async def update_webhook(call: Call, form: UpdateWebhook) -> Answer:
    """Change what is given."""

    async def work(uow: UnitOfWork) -> InteractionWebhook:
        row = await _webhook(uow, call)
        changes: dict[str, Any] = {
            "friendly_name": form.friendly_name,
            "type": form.type,
            "url": None if form.webhook_url is None else service.check_url(form.webhook_url),
            "method": form.webhook_method,
            "events": service.check_events(form.webhook_events) if form.webhook_events else None,
        }
        changed = msgspec.structs.replace(row, **{name: value for name, value in changes.items() if value is not None})
        await store.update(uow, changed)
        return changed

    return Answer(200, render(await call.step(work), call.urls))


@operations.delete(f"{BASE}/{{Ttid}}")
async def delete_webhook(call: Call, _form: object) -> Answer:
    """Tell it nothing more."""

    async def work(uow: UnitOfWork) -> None:
        await _webhook(uow, call)
        await store.remove(uow, call.path["Ttid"])

    await call.step(work)
    return Answer(204, None)


async def _instance(reader: Reader, call: Call) -> str:
    sid = (await configuration.fetch(reader)).flex_instance_sid
    if call.path["InstanceSid"] != sid:
        raise not_found(call.path["InstanceSid"])
    return sid


async def _webhook(reader: Reader, call: Call) -> InteractionWebhook:
    await _instance(reader, call)
    found = await store.fetch(reader, call.path["Ttid"])
    if found is None:
        raise not_found(call.path["Ttid"])
    return found


def render(row: InteractionWebhook, urls: Urls) -> dict[str, Any]:
    """A webhook as the contract shows it."""
    return {
        "ttid": row.ttid,
        "account_sid": row.account_sid,
        "instance_sid": row.instance_sid,
        "webhook_url": row.url,
        "webhook_events": row.events,
        "webhook_method": row.method,
        "friendly_name": row.friendly_name,
        "type": row.type,
        "url": urls.of("flex-api", f"/v1/Instances/{row.instance_sid}/InteractionWebhooks/{row.ttid}"),
    }
