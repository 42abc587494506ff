"""A flow's own address: `webhook_url` of the Flow resource, for numbers that another carrier serves (studio.md §5.7).

Nothing is read before the signature is found good, and nothing is answered 2xx before it is committed.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl

import structlog

from parlour.accounts import store as account_store
from parlour.kit.secrets_box import SecretsBox
from parlour.messaging.residents import Text
from parlour.rest.errors import forbidden, missing_parameter, not_found
from parlour.rest.operations import PUBLIC, Answer, Call, Operations
from parlour.store.database import Database
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import errors, execution_store, executions, flows, outside
from parlour.webhooks import signing

ADDRESS: Final = "/v1/Accounts/{AccountSid}/Flows/{FlowSid}"
NO_REPLY: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
NO_CALLS: Final = '<?xml version="1.0" encoding="UTF-8"?><Response><Reject/></Response>'

log = structlog.get_logger("parlour.studio")

Pairs = list[tuple[str, str]]


def make_operations(database: Database, box: SecretsBox, *, base_url: str) -> Operations:
    """Return the operations.

    :param base_url: the server's public address, for which a signature may have been made.
    """
    operations = Operations("webhooks")

    async def receive(call: Call, pairs: Pairs, signed: Pairs) -> Answer:
        account_sid, flow_sid = call.path["AccountSid"], call.path["FlowSid"]
        token = await database.read(account_sid, lambda reader: _token(reader, box))
        if token is None or not _is_signed(call, token, signed, base_url):
            log.warning("a flow's address was called without a good signature", flow=flow_sid)
            raise forbidden("The X-Twilio-Signature is missing or wrong")
        told = {name.replace("\x00", ""): value.replace("\x00", "") for name, value in pairs}
        if told.get("CallSid"):
            log.warning("a call reached a flow's address", code=81020, flow=flow_sid)
            return _answer(NO_CALLS)
        if told.get("FlowEvent"):
            log.warning("a flow waits for no redirect to return", code=81002, flow=flow_sid)
            return _answer(NO_REPLY)
        _check(told)
        await database.step(account_sid, _work(flow_sid, told), request_id=call.request_id)
        return _answer(NO_REPLY)

    @operations.post(ADDRESS, callers=PUBLIC)
    async def post_text(call: Call, _form: object) -> Answer:
        """Take a text that a carrier posts, and answer with empty TwiML; what the flow says goes by the API."""
        pairs = _form_of(call)
        return await receive(call, pairs, pairs)

    @operations.get(ADDRESS, callers=PUBLIC)
    async def get_text(call: Call, _form: object) -> Answer:
        """Take a text that a carrier tells by GET."""
        return await receive(call, [(name, value) for name, values in call.query.items() for value in values], [])

    return operations


def _answer(twiml: str) -> Answer:
    return Answer(200, twiml.encode(), media_type="text/xml")


def _form_of(call: Call) -> Pairs:
    """Give the pairs as they were signed; what cannot be stored is taken out later."""
    return parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)


async def _token(reader: Reader, box: SecretsBox) -> str | None:
    account = await account_store.fetch_account(reader)
    return None if account is None else box.open(account.auth_token)


def _is_signed(call: Call, token: str, signed: Sequence[tuple[str, str]], base_url: str) -> bool:
    """Say whether the account signed the request for the address at which it came, or for the public one."""
    query = f"?{call.query_string}" if call.query_string else ""
    given = call.headers.get("x-twilio-signature", "")
    addresses = (call.urls.of(call.product, call.own_path), f"{base_url}/{call.product}{call.own_path}")
    return any(signing.is_valid(given, token, address + query, signed) for address in addresses)


def _check(told: dict[str, str]) -> None:
    for name in ("MessageSid", "From", "To"):
        if not told.get(name):
            raise missing_parameter(name)
    if len(told["From"].encode()) + len(told["To"].encode()) > executions.MAX_PAIR:
        raise errors.address_too_long("From")


def _work(flow_sid: str, told: dict[str, str]) -> Callable[[UnitOfWork], Awaitable[None]]:
    async def work(uow: UnitOfWork) -> None:
        if not await flows.exists(uow, flow_sid):
            raise not_found(flow_sid)
        if not await execution_store.hear(uow, flow_sid, told["MessageSid"]):
            return  # asked again: the first answer was lost
        ours = await outside.our_side(uow, told["To"], told.get("MessagingServiceSid", ""))
        text = Text(sid=told["MessageSid"], sender=told["From"], ours=ours, parameters=told)
        await executions.receive_text(uow, flow_sid, text)

    return work
