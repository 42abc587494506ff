"""Operations of accounts in the 2010 API (channels.md §1.1)."""

from typing import Any

from parlour.accounts import store
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.wire import rfc2822
from parlour.rest.errors import not_found
from parlour.rest.forms import Form
from parlour.rest.operations import OWNER, Answer, Call, Operations

BASE = "/2010-04-01/Accounts/{AccountSid}"


def make_operations(box: SecretsBox) -> Operations:
    """Return the operations of accounts, which need the key file."""
    operations = Operations("api")

    @operations.get(f"{BASE}.json", callers=OWNER)
    async def fetch_account(call: Call, _form: Form) -> Answer:
        account = await call.read(store.fetch_account)
        if account is None:
            raise not_found(call.account_sid)
        return Answer(200, _account(account, box.open(account.auth_token)))

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
