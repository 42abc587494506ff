"""Good calls of the files of texts, and of what a messaging service does with texts (channels.md §1.2, §1.8)."""

from collections.abc import Callable
from typing import Any

from parlour.messaging import log, media
from parlour.store.unit import UnitOfWork
from tests.contract.calls.messaging_services import service
from tests.contract.good_calls import good
from tests.contract.inprocess import raw
from tests.contract.world import World

MEDIA = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media"
INTEGRATION = "/v1/MessagingServices/{Sid}"


def files(world: World) -> Any:
    """Return the context of an inbound text with three pictures, which only the street can send."""

    async def work(uow: UnitOfWork) -> str:
        row, _ = await log.record_inbound(
            uow, from_address=world.phone(), to_address=world.phone(), body="Look", num_media=3
        )
        for _ in range(3):
            media.record(uow, row.sid, key="0123456789abcdef", content_type="image/png", size=5)
        return row.sid

    return world.client.messages(world.step(work)).media


@good("GET", "api", f"{MEDIA}.json")
def list_media(world: World) -> Callable[[], Any]:
    known = files(world)
    days = ("2020-01-01", "2021-01-01")
    known.list(date_created=world.pick(*days), limit=3)
    known.list(
        date_created_after=world.pick(*days), date_created_before=world.pick("2090-01-01", "2091-01-01"), limit=3
    )
    return lambda: known.list(limit=3, page_size=1)


@good("GET", "api", f"{MEDIA}/{{Sid}}.json")
def fetch_media(world: World) -> Callable[[], Any]:
    known = files(world)
    return known(known.list(limit=1)[0].sid).fetch  # type: ignore[no-any-return]


@good("DELETE", "api", f"{MEDIA}/{{Sid}}.json")
def delete_media(world: World) -> Callable[[], Any]:
    known = files(world)
    return known(known.list(limit=1)[0].sid).delete  # type: ignore[no-any-return]


@good("GET", "parlour", INTEGRATION)
def fetch_integration(world: World) -> Callable[[], Any]:
    request = raw(world.credentials, "GET", "parlour", f"/v1/MessagingServices/{service(world).fetch().sid}")
    return lambda: world.transport.carry(request)


@good("POST", "parlour", INTEGRATION)
def update_integration(world: World) -> Callable[[], Any]:
    path = f"/v1/MessagingServices/{service(world).fetch().sid}"
    request = raw(world.credentials, "POST", "parlour", path, Autocreate=world.pick("true", "false"))
    return lambda: world.transport.carry(request)
