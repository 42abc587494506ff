"""Good calls of Flex users, and of the check of a token by functions (flex.md §3.5)."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from tests.contract.calls.desktop import exchange, token
from tests.contract.good_calls import good
from tests.contract.inprocess import JSON, raw
from tests.contract.world import World

PATH = "/v2/Instances/{InstanceSid}/Users/{FlexUserSid}"


def known(world: World) -> Any:
    """Return the context of a user who signed in."""
    exchange(world)()
    reply = world.transport.reply
    assert reply is not None
    user_sid = reply.body["token_info"]["flex_user_sid"]
    instance = world.client.flex_api.v1.configuration().fetch().flex_instance_sid
    return world.client.flex_api.v2.flex_user(instance, user_sid)


@good("GET", "flex-api", PATH)
def fetch_user(world: World) -> Callable[[], Any]:
    return known(world).fetch  # type: ignore[no-any-return]


@good("POST", "flex-api", PATH)
def update_user(world: World) -> Callable[[], Any]:
    context = known(world)
    return lambda: [
        context.update(email=f"{world.unique('dora')}@example.com", locale=locale) for locale in ("en-US", "de-DE")
    ]


@good("POST", "iam", "/v1/Accounts/{AccountSid}/Tokens/validate")
def validate_token(world: World) -> Callable[[], Any]:
    plain = raw(world.credentials, "POST", "iam", f"/v1/Accounts/{world.account_sid}/Tokens/validate")
    request = dataclasses.replace(plain, body=json.dumps({"token": token(world)}).encode())
    return lambda: world.transport.carry(request.with_header("Content-Type", JSON))
