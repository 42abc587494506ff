"""A webhook may be told JSON: the digest of its body stands in the signed URL (conversations.md §6.8)."""

import hashlib
from urllib.parse import parse_qs, urlsplit

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.store.unit import UnitOfWork
from parlour.webhooks import store
from parlour.webhooks.delivery import Deliverer, Told
from parlour.webhooks.replay import replay
from tests.webhooks.receiver import Receiver, running_receiver

TEXT = '{"type": "com.example.done", "data": {"text": "grüße"}}'


def told(url: str) -> Told:
    """Return something that is told in JSON."""
    return Told(
        webhook_sid="WH" + "0" * 32,
        stream="CH" + "0" * 32,
        key="EV" + "0" * 32,
        event_sid=None,
        event_type="done",
        method="post",
        url=url,
        pairs=[],
        json=TEXT,
    )


async def test_json_is_signed_by_its_digest_and_replayed_byte_by_byte(
    program: Program, account: Credentials, receiver: Receiver
) -> None:
    deliverer = Deliverer(program.outgoing, program.box)
    what = told(f"{receiver.url}/hook?a=b#rc=1")
    (done,) = await deliverer.tries(what, account.auth_token, attempt=1)
    (heard,) = receiver.book
    assert (heard.method, heard.body.decode(), done.outcome.status) == ("POST", TEXT, 200)
    query = parse_qs(urlsplit(heard.url).query)
    assert query == {"a": ["b"], "bodySHA256": [hashlib.sha256(heard.body).hexdigest()]}
    assert heard.signed_by(account.auth_token)
    assert not heard.signed_by("0" * 32)

    row: list[store.Delivery] = []

    async def write(uow: UnitOfWork) -> None:
        row[:] = [done.row(uow, what, "delivered")]
        store.insert(uow, row[0])

    await program.database.step(account.account_sid, write)
    stored = await program.database.read(account.account_sid, lambda reader: store.fetch(reader, row[0].sid))
    assert stored is not None
    assert (stored.url, stored.content) == (f"{receiver.url}/hook?a=b", "json")
    with running_receiver() as other:
        await replay(program.database, deliverer, stored, to=f"{other.url}/again")
        (again,) = other.book
    assert again.body == heard.body
    assert again.signed_by(account.auth_token)
