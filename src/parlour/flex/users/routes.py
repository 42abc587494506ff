"""Operations of Flex users (flex.md §3.5)."""

from typing import Annotated, Any, Final

from parlour.flex.users import store
from parlour.flex.users.store import FlexUser
from parlour.kit.wire import iso
from parlour.rest.errors import not_found
from parlour.rest.forms import Form, Limit
from parlour.rest.operations import Answer, Call, Operations, Urls
from parlour.store.unit import Reader, UnitOfWork

PATH: Final = "/v2/Instances/{InstanceSid}/Users/{FlexUserSid}"

operations = Operations("flex-api")


class UpdateUser(Form):
    """What may be changed of a user."""

    email: Annotated[str, Limit(max=254)] | None = None
    locale: Annotated[str, Limit(max=35)] | None = None


@operations.get(PATH)
async def fetch_user(call: Call, _form: Form) -> Answer:
    """Read a Flex user."""
    return Answer(200, _shown(await call.read(lambda reader: _user(reader, call)), call.urls))


@operations.post(PATH, form=UpdateUser, refused={"UserSid": "there is no directory of users above Flex"})
async def update_user(call: Call, form: UpdateUser) -> Answer:
    """Change the email address or the locale of a Flex user."""

    async def work(uow: UnitOfWork) -> FlexUser:
        row = await _user(uow, call)
        if form.email is not None or form.locale is not None:
            await store.put_profile(
                uow,
                row.sid,
                email=row.email if form.email is None else form.email,
                locale=row.locale if form.locale is None else form.locale,
            )
        return await _user(uow, call)

    return Answer(200, _shown(await call.step(work), call.urls))


async def _user(reader: Reader, call: Call) -> FlexUser:
    row = await store.fetch(reader, call.path["InstanceSid"], call.path["FlexUserSid"])
    if row is None:
        raise not_found(f"{call.path['InstanceSid']}/{call.path['FlexUserSid']}")
    return row


def _shown(row: FlexUser, urls: Urls) -> dict[str, Any]:
    """A Flex user; there are no teams."""
    return {
        "account_sid": row.account_sid,
        "instance_sid": row.instance_sid,
        "flex_user_sid": row.sid,
        "user_sid": row.user_sid,
        "worker_sid": row.worker_sid,
        "workspace_sid": row.workspace_sid,
        "flex_team_sid": None,
        "username": row.identity,
        "email": row.email,
        "locale": row.locale,
        "roles": row.roles,
        "created_date": iso(row.date_created),
        "updated_date": iso(row.date_updated),
        "version": row.version,
        "url": urls.of("flex-api", f"/v2/Instances/{row.instance_sid}/Users/{row.sid}"),
    }
