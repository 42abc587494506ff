"""Parlour's own operations: how the work of a worker, a queue or the account is orchestrated."""

from typing import Annotated, Any, Final

from parlour.flex import settings_store as sql
from parlour.flex.settings_store import Settings
from parlour.kit.sids import is_sid
from parlour.rest.errors import not_found
from parlour.rest.forms import Form, Limit, choice
from parlour.rest.operations import Answer, Call, Operations, Urls
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

LONGEST: Final = 86_400  # seconds
PATH: Final = "/v1/Flex/Orchestration"
OF: Final = ("AC", "WQ", "WK")

operations = Operations("parlour")


class UpdateSettings(Form):
    """What holds for a worker, a queue or the account; an empty value leaves it to the next wider one.

    WrapUpAfter and MaximumWrapUp are seconds.
    """

    auto_accept: bool | None = None
    wrap_up_after: Annotated[int, Limit(min=1, max=LONGEST)] | None = None
    maximum_wrap_up: Annotated[int, Limit(min=1, max=LONGEST)] | None = None
    close_at: Annotated[str, choice("wrapup", "completion")] | None = None
    on_task_end: Annotated[str, choice("wake", "close", "flag")] | None = None


@operations.post(f"{PATH}/{{Sid}}", form=UpdateSettings)
async def set_settings(call: Call, form: UpdateSettings) -> Answer:
    """Set how work is orchestrated; what is not given is set to nothing, so that one call says all."""

    async def work(uow: UnitOfWork) -> Settings:
        sid = await _subject(uow, call)
        row = Settings(
            account_sid=uow.account_sid,
            sid=sid,
            auto_accept=form.auto_accept,
            wrap_up_after=form.wrap_up_after,
            maximum_wrap_up=form.maximum_wrap_up,
            close_at=form.close_at,
            on_task_end=form.on_task_end,
        )
        await sql.write(uow, row)
        return row

    return Answer(200, _shown(await call.step(work), call.urls))


@operations.get(f"{PATH}/{{Sid}}")
async def fetch_settings(call: Call, _form: object) -> Answer:
    """Read what was set for a worker, a queue or the account itself."""

    async def read(reader: Reader) -> Settings:
        sid = await _subject(reader, call)
        return await sql.fetch(reader, sid) or Settings(account_sid=reader.account_sid, sid=sid)

    return Answer(200, _shown(await call.read(read), call.urls))


@operations.delete(f"{PATH}/{{Sid}}")
async def delete_settings(call: Call, _form: object) -> Answer:
    """Leave all of it to the next wider one."""

    async def work(uow: UnitOfWork) -> None:
        await sql.remove(uow, await _subject(uow, call))

    await call.step(work)
    return Answer(204, None)


@operations.get(PATH)
async def list_settings(call: Call, _form: object) -> Answer:
    """List whatever was set, for whom."""
    page = call.page()
    rows = await call.read(lambda reader: sql.page(reader, page.token or "", page.size + 1))
    shown = [_shown(row, call.urls) for row in rows[: page.size]]
    following = rows[page.size - 1].sid if len(rows) > page.size else None
    return call.listing("orchestration", shown, page, next_token=following)


async def _subject(reader: Reader, call: Call) -> str:
    sid = call.path["Sid"]
    known = sid == reader.account_sid or (is_sid(sid, *OF) and await refs.check(reader, sid))
    if not known or not is_sid(sid, *OF):
        raise not_found(sid)
    return sid


def _shown(row: Settings, urls: Urls) -> dict[str, Any]:
    return {
        "account_sid": row.account_sid,
        "sid": row.sid,
        "auto_accept": row.auto_accept,
        "wrap_up_after": row.wrap_up_after,
        "maximum_wrap_up": row.maximum_wrap_up,
        "close_at": row.close_at,
        "on_task_end": row.on_task_end,
        "url": urls.of("parlour", f"{PATH}/{row.sid}"),
    }
