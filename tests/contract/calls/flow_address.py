"""Good calls of a flow's own address, which no SDK calls: carriers do (studio.md §5.7)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from tests.contract.calls.studio import flow
from tests.contract.good_calls import good
from tests.contract.inprocess import FORM, Request
from tests.contract.world import World

ADDRESS = "/v1/Accounts/{AccountSid}/Flows/{FlowSid}"
HOST = "webhooks.twilio.com"


def text(world: World) -> dict[str, str]:
    """Return what a carrier tells of a text."""
    return {
        "MessageSid": world.unique("SM"),
        "From": world.phone(),
        "To": world.phone(),
        "Body": world.pick("hi", "ho"),
    }


def caller(world: World, method: str) -> Callable[[], Any]:
    """Return the call that tells a text to a new flow, signed by the account for all that it then carries."""
    path = f"/v1/Accounts/{world.account_sid}/Flows/{flow(world).fetch().sid}"
    told, token, url = text(world), world.credentials.auth_token, f"https://{HOST}{path}"

    def tell() -> None:
        carried = {**told, **world.transport.extra}
        if method == "GET":
            request = Request(method, HOST, path, query=tuple(told.items()))
            made = RequestValidator(token).compute_signature(f"{url}?{urlencode(carried)}", {})
        else:
            request = Request(method, HOST, path, form=tuple(told.items())).with_header("Content-Type", FORM)
            made = RequestValidator(token).compute_signature(url, carried)
        world.transport.carry(request.with_header("X-Twilio-Signature", made))

    return tell


@good("POST", "webhooks", ADDRESS)
def post_text(world: World) -> Callable[[], Any]:
    return caller(world, "POST")


@good("GET", "webhooks", ADDRESS)
def get_text(world: World) -> Callable[[], Any]:
    return caller(world, "GET")
