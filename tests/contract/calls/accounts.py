"""Good calls of accounts and keys (channels.md §1.1)."""

from collections.abc import Callable
from typing import Any

from tests.contract.good_calls import good
from tests.contract.world import World

BASE = "/2010-04-01/Accounts/{AccountSid}"


@good("GET", "api", f"{BASE}.json")
def fetch_account(world: World) -> Callable[[], Any]:
    return lambda: world.client.api.accounts(world.account_sid).fetch()


@good("POST", "api", f"{BASE}/Keys.json")
def create_key(world: World) -> Callable[[], Any]:
    return lambda: world.client.new_keys.create(friendly_name=world.unique("laptop"))


@good("GET", "api", f"{BASE}/Keys.json")
def list_keys(world: World) -> Callable[[], Any]:
    made(world)
    return lambda: world.client.keys.list(limit=1)


@good("GET", "api", f"{BASE}/Keys/{{Sid}}.json")
def fetch_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.keys(sid).fetch()


@good("POST", "api", f"{BASE}/Keys/{{Sid}}.json")
def update_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.keys(sid).update(friendly_name=world.unique("desk"))


@good("DELETE", "api", f"{BASE}/Keys/{{Sid}}.json")
def delete_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.keys(sid).delete()


@good("POST", "api", f"{BASE}/SigningKeys.json")
def create_signing_key(world: World) -> Callable[[], Any]:
    return lambda: world.client.new_signing_keys.create(friendly_name=world.unique("laptop"))


@good("GET", "api", f"{BASE}/SigningKeys.json")
def list_signing_keys(world: World) -> Callable[[], Any]:
    made(world)
    return lambda: world.client.signing_keys.list(limit=1)


@good("GET", "api", f"{BASE}/SigningKeys/{{Sid}}.json")
def fetch_signing_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.signing_keys(sid).fetch()


@good("POST", "api", f"{BASE}/SigningKeys/{{Sid}}.json")
def update_signing_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.signing_keys(sid).update(friendly_name=world.unique("desk"))


@good("DELETE", "api", f"{BASE}/SigningKeys/{{Sid}}.json")
def delete_signing_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.signing_keys(sid).delete()


@good("POST", "iam", "/v1/Keys")
def create_iam_key(world: World) -> Callable[[], Any]:
    return lambda: world.client.iam.v1.new_api_key.create(
        account_sid=world.account_sid, friendly_name=world.unique("laptop")
    )


@good("GET", "iam", "/v1/Keys")
def list_iam_keys(world: World) -> Callable[[], Any]:
    made(world)
    return lambda: world.client.iam.v1.get_api_keys.list(account_sid=world.account_sid, limit=1)


@good("GET", "iam", "/v1/Keys/{Sid}")
def fetch_iam_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.iam.v1.api_key(sid).fetch()


@good("POST", "iam", "/v1/Keys/{Sid}")
def update_iam_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.iam.v1.api_key(sid).update(friendly_name=world.unique("desk"))


@good("DELETE", "iam", "/v1/Keys/{Sid}")
def delete_iam_key(world: World) -> Callable[[], Any]:
    sid = made(world)
    return lambda: world.client.iam.v1.api_key(sid).delete()


def made(world: World) -> str:
    """Return a new key."""
    return str(world.client.new_keys.create(friendly_name="laptop").sid)
