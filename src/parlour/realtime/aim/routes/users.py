"""Operations of users and of content templates (realtime-protocol.md §7.6)."""

from parlour.content import store
from parlour.content.schemas import SENDABLE
from parlour.content.store import Content
from parlour.conversations import permissions, users
from parlour.conversations.store.users import User
from parlour.kit.wire import iso_millis, json_text
from parlour.realtime.aim import actor
from parlour.realtime.aim.bodies import UpdateUser, read
from parlour.realtime.aim.mutations import mutate
from parlour.realtime.aim.render import BASE, meta
from parlour.realtime.aim.routes.common import Body, acting, limits, operations, renderer
from parlour.rest.errors import missing_parameter
from parlour.rest.operations import TOKEN, Answer, Call
from parlour.store.unit import Reader, UnitOfWork

USER = f"{BASE}/Users/{{Identity}}"


@operations.get(USER, callers=TOKEN, rights=[permissions.READ_USER])
async def fetch_user(call: Call, _form: object) -> Answer:
    """Fetch a user of the service."""

    async def work(reader: Reader) -> User:
        who = await actor.find(reader, call.caller)
        return await users.fetch(reader, call.path["Identity"], chat_service_sid=who.chat_service_sid)

    return Answer(200, renderer(call).user(await call.read(work)))


@operations.post(USER, body="json", callers=TOKEN, rights=[permissions.EDIT_USER])
async def update_user(call: Call, _form: object) -> Answer:
    """Change the name or the attributes of a user."""
    wanted = read(call, UpdateUser)
    if wanted.friendly_name is None and wanted.attributes is None:
        raise missing_parameter("friendly_name or attributes")

    async def work(uow: UnitOfWork) -> Answer:
        who = await acting(uow, call)
        own = call.path["Identity"] == who.identity
        permissions.require(await who.permissions(uow), permissions.EDIT_USER, own=own)
        row = await users.update(
            uow,
            call.path["Identity"],
            chat_service_sid=who.chat_service_sid,
            friendly_name=wanted.friendly_name,
            attributes=wanted.attributes,
            origin=who.origin,
        )
        return Answer(200, renderer(call).user(row))

    return await mutate(call, work)


@operations.get(f"{BASE}/ContentTemplates", callers=TOKEN, rights=[permissions.READ_TEMPLATES])
async def list_content_templates(call: Call, _form: object) -> Answer:
    """List content templates with the types that a conversation can send."""
    token, size = limits(call)

    async def work(reader: Reader) -> list[Content]:
        await actor.find(reader, call.caller)
        return await store.page(reader, after=token, limit=size + 1)

    rows = await call.read(work)
    shown = [template for template in map(_template, rows[:size]) if template["variants"]]
    return Answer(200, {"templates": shown, "meta": meta(rows[size - 1].sid if len(rows) > size else None)})


def _template(row: Content) -> Body:
    return {
        "sid": row.sid,
        "friendly_name": row.friendly_name,
        "variables": json_text(row.variables),
        "variants": {name: value for name, value in row.types.items() if name in SENDABLE},
        "date_created": iso_millis(row.date_created),
        "date_updated": iso_millis(row.date_updated),
    }
