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
    world.client.new_keys.create(friendly_name="laptop")
    return lambda: world.client.keys.list(limit=1)


@good("GET", "api", f"{BASE}/Keys/{{Sid}}.json")
def fetch_key(world: World) -> Callable[[], Any]:
    key = world.client.new_keys.create(friendly_name="laptop")
    return lambda: world.client.keys(key.sid).fetch()


@good("DELETE", "api", f"{BASE}/Keys/{{Sid}}.json")
def delete_key(world: World) -> Callable[[], Any]:
    key = world.client.new_keys.create(friendly_name="laptop")
    return lambda: world.client.keys(key.sid).delete()
