"""Operations of API keys: of the 2010 API, there under two names, and of IAM.

All three show the same keys. They are for the account's own token and for main keys; a standard key may not manage
keys, and what the API makes are standard keys (docs/decisions/permissions.md).
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from parlour.accounts import service, store
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.wire import rfc2822
from parlour.rest.errors import not_found
from parlour.rest.forms import Form, Limit, ref
from parlour.rest.operations import OWNER, Answer, Call, Operations

BASE: Final = "/2010-04-01/Accounts/{AccountSid}"
NAMES: Final = {"Keys": "keys", "SigningKeys": "signing_keys"}  # of the 2010 API: path to the key of its list
IAM: Final = "/v1/Keys"
RESTRICTED: Final = "keys are standard here; restricted keys are not served"


class NameKey(Form):
    """Parameters of a key; the name is kept where none is given."""

    friendly_name: Annotated[str | None, Limit(max=64)] = None


class CreateIamKey(NameKey, kw_only=True):
    """Parameters of a key that IAM makes."""

    account_sid: Annotated[str, ref("AC")]


class ListIamKeys(Form):
    """Whose keys."""

    account_sid: Annotated[str, ref("AC")]


def make_operations(box: SecretsBox) -> Sequence[Operations]:
    """Return the operations of keys, which need the key file."""
    return [_of_2010(box), _of_iam(box)]


def _of_2010(box: SecretsBox) -> Operations:
    operations = Operations("api")
    for name, key in NAMES.items():
        _serve_2010(operations, box, f"{BASE}/{name}", key)
    return operations


def _serve_2010(operations: Operations, box: SecretsBox, path: str, key_of_list: str) -> None:
    @operations.post(f"{path}.json", form=NameKey, callers=OWNER)
    async def create_key(call: Call, form: NameKey) -> Answer:
        return await _created(call, box, form)

    @operations.get(f"{path}.json", callers=OWNER)
    async def list_keys(call: Call, _form: Form) -> Answer:
        page = call.page()
        rows = await call.read(lambda reader: store.list_keys(reader, page.token, page.size + 1))
        token = rows[page.size - 1].sid if len(rows) > page.size else None
        return call.listing_2010(key_of_list, [_key(row) for row in rows[: page.size]], page, token)

    @operations.get(f"{path}/{{Sid}}.json", callers=OWNER)
    async def fetch_key(call: Call, _form: Form) -> Answer:
        return Answer(200, _key(await _fetched(call)))

    @operations.post(f"{path}/{{Sid}}.json", form=NameKey, callers=OWNER)
    async def update_key(call: Call, form: NameKey) -> Answer:
        return Answer(200, _key(await _renamed(call, form)))

    @operations.delete(f"{path}/{{Sid}}.json", callers=OWNER)
    async def delete_key(call: Call, _form: Form) -> Answer:
        return await _deleted(call)


def _of_iam(box: SecretsBox) -> Operations:
    operations = Operations("iam")

    @operations.post(IAM, form=CreateIamKey, callers=OWNER, refused={"KeyType": RESTRICTED, "Policy": RESTRICTED})
    async def create_key(call: Call, form: CreateIamKey) -> Answer:
        made = await _created(call, box, form)
        return Answer(made.status, {**made.body, "policy": None})

    @operations.get(IAM, form=ListIamKeys, callers=OWNER)
    async def list_keys(call: Call, _form: ListIamKeys) -> Answer:
        page = call.page()
        rows = await call.read(lambda reader: store.list_keys(reader, page.token, page.size + 1))
        token = rows[page.size - 1].sid if len(rows) > page.size else None
        return call.listing("keys", [_key(row) for row in rows[: page.size]], page, next_token=token)

    @operations.get(f"{IAM}/{{Sid}}", callers=OWNER)
    async def fetch_key(call: Call, _form: Form) -> Answer:
        return Answer(200, {**_key(await _fetched(call)), "policy": None})

    @operations.post(f"{IAM}/{{Sid}}", form=NameKey, callers=OWNER, refused={"Policy": RESTRICTED})
    async def update_key(call: Call, form: NameKey) -> Answer:
        return Answer(200, {**_key(await _renamed(call, form)), "policy": None})

    @operations.delete(f"{IAM}/{{Sid}}", callers=OWNER)
    async def delete_key(call: Call, _form: Form) -> Answer:
        return await _deleted(call)

    return operations


async def _created(call: Call, box: SecretsBox, form: NameKey) -> Answer:
    key, secret = await call.step(lambda uow: service.create_key(uow, box, friendly_name=form.friendly_name or ""))
    return Answer(201, {**_key(key), "secret": secret})


async def _fetched(call: Call) -> store.ApiKey:
    key = await call.read(lambda reader: store.fetch_key(reader, call.path["Sid"]))
    if key is None:
        raise not_found(call.path["Sid"])
    return key


async def _renamed(call: Call, form: NameKey) -> store.ApiKey:
    name = form.friendly_name
    if name is None:
        return await _fetched(call)
    key = await call.step(lambda uow: store.rename_key(uow, call.path["Sid"], name))
    if key is None:
        raise not_found(call.path["Sid"])
    return key


async def _deleted(call: Call) -> Answer:
    if not await call.step(lambda uow: store.delete_key(uow, call.path["Sid"])):
        raise not_found(call.path["Sid"])
    return Answer(204)


def _key(key: store.ApiKey) -> dict[str, Any]:
    return {
        "sid": key.sid,
        "friendly_name": key.friendly_name,
        "date_created": rfc2822(key.date_created),
        "date_updated": rfc2822(key.date_updated),
    }
