"""Push credentials: stored under the key file, shown without their secrets (conversations.md §9)."""

from parlour.conversations import reachability
from parlour.conversations.push import store
from parlour.conversations.push.schemas import UpdateCredential
from parlour.conversations.push.store import Credential
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.wire import decode_json, json_text
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Credential", "create", "fetch", "remove", "update"]

SECRETS = ("certificate", "private_key", "api_key", "secret")


async def create(uow: UnitOfWork, box: SecretsBox, form: UpdateCredential) -> Credential:
    """Create a credential of the form's type."""
    row = Credential(
        account_sid=uow.account_sid,
        sid=uow.new_sid("CR"),
        friendly_name=form.friendly_name,
        type=form.type or "",
        sandbox=bool(form.sandbox),
        secrets=_sealed(box, {}, form),
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert_credential(uow, row)
    return row


async def fetch(reader: Reader, sid: str) -> Credential:
    """Return a credential. Error: 404/20404."""
    row = await store.fetch_credential(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def update(uow: UnitOfWork, box: SecretsBox, sid: str, form: UpdateCredential) -> Credential:
    """Change what is given of a credential. Error: 404/20404."""
    row = await store.lock_credential(uow, sid)
    if row is None:
        raise not_found(sid)
    row.type = form.type or row.type
    row.friendly_name = row.friendly_name if form.friendly_name is None else form.friendly_name
    row.sandbox = row.sandbox if form.sandbox is None else form.sandbox
    row.secrets = _sealed(box, decode_json(box.open(row.secrets)), form)
    row.date_updated = uow.now
    await store.update_credential(uow, row)
    return row


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Delete a credential and the devices that registered with it. Error: 404/20404."""
    owners = sorted(await store.owners_by_credential(uow, sid))
    if not await store.delete_credential(uow, sid):
        raise not_found(sid)
    for chat_service_sid, identity in owners:
        await reachability.devices_changed(uow, chat_service_sid, [identity])


def _sealed(box: SecretsBox, known: dict[str, str], form: UpdateCredential) -> bytes:
    given = {name: getattr(form, name) for name in SECRETS if getattr(form, name) is not None}
    return box.seal(json_text(known | given))
