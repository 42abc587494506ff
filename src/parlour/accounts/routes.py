"""Operations of accounts and keys in the 2010 API (channels.md §1.1)."""

from typing import Annotated, Any

from parlour.accounts import service, store
from parlour.accounts.authenticator import AccountAuthenticator
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.wire import rfc2822
from parlour.rest.errors import not_found
from parlour.rest.forms import Form, Limit
from parlour.rest.operations import Answer, Call, Operations

BASE = "/2010-04-01/Accounts/{AccountSid}"


class CreateKey(Form):
    """Parameters of a new key."""

    friendly_name: Annotated[str, Limit(max=64)] = ""


def make_operations(box: SecretsBox, authenticator: AccountAuthenticator) -> Operations:
    """Return the operations of accounts, which need the key file."""
    operations = Operations("api")

    @operations.get(f"{BASE}.json")
    async def fetch_account(call: Call, _form: Form) -> Answer:
        account = await call.read(store.fetch_account)
        if account is None:
            raise not_found(call.account_sid)
        return Answer(200, _account(account, box.open(account.auth_token)))

    @operations.post(f"{BASE}/Keys.json", form=CreateKey)
    async def create_key(call: Call, form: CreateKey) -> Answer:
        key, secret = await call.step(lambda uow: service.create_key(uow, box, friendly_name=form.friendly_name))
        return Answer(201, {**_key(key), "secret": secret})

    @operations.get(f"{BASE}/Keys.json")
    async def list_keys(call: Call, _form: Form) -> Answer:
        page = call.page()
        rows = await call.read(lambda reader: store.list_keys(reader, page.token, page.size + 1))
        more = len(rows) > page.size
        return call.listing_2010(
            "keys", [_key(row) for row in rows[: page.size]], page, rows[page.size - 1].sid if more else None
        )

    @operations.get(f"{BASE}/Keys/{{Sid}}.json")
    async def fetch_key(call: Call, _form: Form) -> Answer:
        key = await call.read(lambda reader: store.fetch_key(reader, call.path["Sid"]))
        if key is None:
            raise not_found(call.path["Sid"])
        return Answer(200, _key(key))

    @operations.delete(f"{BASE}/Keys/{{Sid}}.json")
    async def delete_key(call: Call, _form: Form) -> Answer:
        if not await call.step(lambda uow: store.delete_key(uow, call.path["Sid"])):
            raise not_found(call.path["Sid"])
        authenticator.forget()
        return Answer(204)

    return operations


def _account(account: store.Account, auth_token: str) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{account.account_sid}"
    names = ("keys", "messages", "incoming_phone_numbers")
    paths = ("Keys", "Messages", "IncomingPhoneNumbers")
    return {
        "sid": account.account_sid,
        "friendly_name": account.friendly_name,
        "status": account.status,
        "type": "Full",
        "auth_token": auth_token,
        "owner_account_sid": account.account_sid,
        "date_created": rfc2822(account.date_created),
        "date_updated": rfc2822(account.date_updated),
        "subresource_uris": {name: f"{uri}/{path}.json" for name, path in zip(names, paths, strict=True)},
        "uri": f"{uri}.json",
    }


def _key(key: store.ApiKey) -> dict[str, Any]:
    return {
        "sid": key.sid,
        "friendly_name": key.friendly_name,
        "date_created": rfc2822(key.date_created),
        "date_updated": rfc2822(key.date_updated),
    }
