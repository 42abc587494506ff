"""Operations of web chats: for servers with credentials, and for pages with a deployment key (flex.md §4.2-4.4)."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

from parlour.accounts.access_tokens import AccessToken, AccessTokens
from parlour.flex import render
from parlour.flex.signing import Signer
from parlour.flex.web_chats import chats, errors, keys, store
from parlour.flex.web_chats.chats import WebChat
from parlour.flex.web_chats.store import Key
from parlour.flex.web_chats.store_system import system_account_of_key
from parlour.kit.errors import ContractError
from parlour.kit.rates import Rates
from parlour.kit.sids import is_sid
from parlour.kit.wire import decode_json, iso_millis
from parlour.rest.forms import Form, param
from parlour.rest.operations import PUBLIC, Answer, Call, Operations
from parlour.store.database import Database
from parlour.store.unit import UnitOfWork

TOKEN_LIFE: Final = 21_600  # seconds, that of the published server part
GRANT: Final = "webchat"
# What a browser tells of itself, by the two prefixes that the published clients used (flex.md §4.4).
SECURITY: Final = ("sec-decoders", "sec-usersettings", "sec-webchatinfo")
PREFIXES: Final = ("x-twilio-", "i-twilio-")
BOUND: Final = ("sec-usersettings", "sec-webchatinfo")


class CreateWebChat(Form):
    """A chat that a server opens for a visitor."""

    address_sid: str
    chat_friendly_name: str | None = None
    customer_friendly_name: str | None = None
    pre_engagement_data: str | None = None
    identity: str | None = None


class InitWebchat(Form):
    """A chat that a visitor's page opens."""

    deployment_key: str
    customer_friendly_name: str | None = None
    pre_engagement_data: str | None = None
    identity: str | None = None


class RefreshToken(Form):
    """A token that ends soon; earlier pages wrote its name small."""

    deployment_key: str
    token: str = ""
    small_token: str = param("token", default="")


class UpdateKey(Form):
    """What can be changed of a deployment key."""

    friendly_name: str | None = None
    address_sid: str | None = None
    allowed_origins: list[str] | None = None
    fingerprint: bool | None = None


class CreateKey(Form):
    """A deployment key."""

    friendly_name: str
    address_sid: str
    allowed_origins: list[str] = param("AllowedOrigins", default_factory=list)
    fingerprint: bool = True


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A page that may use its key.

    :ivar origin: what its answer allows, `*` for every page.
    :ivar fingerprint: of the browser, empty where the key does not ask for one.
    """

    key: Key
    origin: str
    fingerprint: str


def make_operations(database: Database, tokens: AccessTokens, signer: Signer, rates: Rates) -> list[Operations]:
    """Return the operations; `rates` counts the chats of each address."""
    return [_chats(database, tokens, signer, rates), _keys()]


def _chats(database: Database, tokens: AccessTokens, signer: Signer, rates: Rates) -> Operations:
    operations = Operations("flex-api")

    @operations.post("/v2/WebChats", form=CreateWebChat)
    async def create_web_chat(call: Call, form: CreateWebChat) -> Answer:
        """Open a chat for a visitor; the caller makes the visitor's token."""
        opened = await call.step(
            lambda uow: _open(uow, rates, form.address_sid, form, form.identity or chats.new_identity())
        )
        return Answer(201, {"conversation_sid": opened.conversation_sid, "identity": opened.identity})

    @operations.post("/v2/Webchat/Init", form=InitWebchat, callers=PUBLIC)
    async def init_webchat(call: Call, form: InitWebchat) -> Answer:
        """Open a chat for the visitor of a page, and give the page its token."""
        visit = await _visit(database, call, form.deployment_key)
        account_sid = visit.key.account_sid
        opened = await database.step(
            account_sid,
            lambda uow: _open(uow, rates, visit.key.address_sid, form, form.identity or str(uuid4())),
            request_id=call.request_id,
        )
        token, expires = await _sign(signer, visit, opened, call.request_id)
        return Answer(201, _session(token, expires, opened), _cors(visit))

    @operations.post("/v2/Webchat/Tokens/Refresh", form=RefreshToken, callers=PUBLIC)
    async def refresh_token(call: Call, form: RefreshToken) -> Answer:
        """Give a page its next token: for the same visitor, conversation and browser."""
        visit = await _visit(database, call, form.deployment_key)
        opened = _opened(visit, await _read(tokens, form.token or form.small_token))
        token, expires = await _sign(signer, visit, opened, call.request_id)
        return Answer(200, _session(token, expires, opened), _cors(visit))

    return operations


async def _open(
    uow: UnitOfWork, rates: Rates, address_sid: str, form: CreateWebChat | InitWebchat, identity: str
) -> WebChat:
    data = chats.read_data(form.pre_engagement_data)
    address = await chats.address_of(uow, address_sid)
    if not rates.passes(address.sid):
        raise errors.too_many_requests(address.sid, rates.per_second)
    return await chats.open_chat(
        uow,
        address,
        identity=identity,
        customer_name=form.customer_friendly_name,
        chat_name=getattr(form, "chat_friendly_name", None),
        data=data,
    )


async def _visit(database: Database, call: Call, key_sid: str) -> Visit:
    """Return the page of a request that may use its key.

    :raises ContractError: 45778 unknown key, 45003 the page may not, 45772 a header.
    """
    account_sid = None
    if is_sid(key_sid, "CV"):
        account_sid = await database.system(lambda connection: system_account_of_key(connection, key_sid))
    key = None if account_sid is None else await database.read(account_sid, lambda reader: store.fetch(reader, key_sid))
    if key is None:
        raise errors.key_unknown(key_sid)
    origin = call.headers.get("origin")
    if not keys.admits(key, origin):
        raise errors.origin_refused(origin or "")
    allowed = "*" if not key.allowed_origins or origin is None else origin
    return Visit(key=key, origin=allowed, fingerprint=_fingerprint(call.headers) if key.fingerprint else "")


def _fingerprint(headers: Mapping[str, str]) -> str:
    """Return a digest over what stays the same in one browser; what it can decode must be told, and may change.

    :raises ContractError: 45772, a header is missing or no JSON.
    """
    parts = []
    for name in SECURITY:
        value = next((headers[prefix + name] for prefix in PREFIXES if headers.get(prefix + name)), None)
        if value is None:
            raise errors.header(PREFIXES[0] + name, "is missing")
        try:
            read = decode_json(value)
        except msgspec.DecodeError as error:
            raise errors.header(PREFIXES[0] + name, "is not valid JSON") from error
        if not isinstance(read, dict):
            raise errors.header(PREFIXES[0] + name, "is not a JSON object")
        if name in BOUND:
            parts.append(value)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def _sign(signer: Signer, visit: Visit, opened: WebChat, request_id: str) -> tuple[str, datetime]:
    grants = {
        "chat": {"service_sid": opened.chat_service_sid},
        GRANT: {
            "deployment_key": visit.key.sid,
            "conversation_sid": opened.conversation_sid,
            "fingerprint": visit.fingerprint,
        },
    }
    return await signer.sign(visit.key.account_sid, opened.identity, grants, TOKEN_LIFE, request_id=request_id)


async def _read(tokens: AccessTokens, token: str) -> AccessToken:
    try:
        return await tokens.read(token)
    except ContractError as error:
        raise errors.token_refused(error.message) from error


def _opened(visit: Visit, token: AccessToken) -> WebChat:
    """Return the chat of a token that this page was given."""
    own: Any = token.grants.get(GRANT)
    chat: Any = token.grants.get("chat")
    if token.account_sid != visit.key.account_sid or not isinstance(own, dict) or not isinstance(chat, dict):
        raise errors.token_refused("it is not of a web chat of this key")
    if own.get("deployment_key") != visit.key.sid:
        raise errors.token_refused("it is not of a web chat of this key")
    if own.get("fingerprint") != visit.fingerprint:
        raise errors.token_refused("it was given to another browser")
    return WebChat(
        conversation_sid=str(own["conversation_sid"]),
        identity=token.identity,
        chat_service_sid=str(chat["service_sid"]),
    )


def _session(token: str, expires: datetime, opened: WebChat) -> dict[str, Any]:
    return {
        "token": token,
        "conversation_sid": opened.conversation_sid,
        "identity": opened.identity,
        "expiration": iso_millis(expires),
    }


def _cors(visit: Visit) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": visit.origin, "Vary": "Origin"}


def _keys() -> Operations:
    """Return Parlour's own operations on deployment keys, which the contract has in its console only."""
    operations = Operations("parlour")

    @operations.post("/v1/WebchatKeys", form=CreateKey)
    async def create_key(call: Call, form: CreateKey) -> Answer:
        row = await call.step(
            lambda uow: keys.create(
                uow,
                friendly_name=form.friendly_name,
                address_sid=form.address_sid,
                allowed_origins=form.allowed_origins,
                fingerprint=form.fingerprint,
            )
        )
        return Answer(201, render.webchat_key(row, call.urls))

    @operations.get("/v1/WebchatKeys")
    async def list_keys(call: Call, _form: Form) -> Answer:
        page = call.page()
        rows = await call.read(lambda reader: store.page(reader, after=page.token or "", limit=page.size + 1))
        shown = [render.webchat_key(row, call.urls) for row in rows[: page.size]]
        more = rows[page.size - 1].sid if len(rows) > page.size else None
        return call.listing("webchat_keys", shown, page, next_token=more)

    @operations.get("/v1/WebchatKeys/{Sid}")
    async def fetch_key(call: Call, _form: Form) -> Answer:
        row = await call.read(lambda reader: keys.fetch(reader, call.path["Sid"]))
        return Answer(200, render.webchat_key(row, call.urls))

    @operations.post("/v1/WebchatKeys/{Sid}", form=UpdateKey)
    async def update_key(call: Call, form: UpdateKey) -> Answer:
        row = await call.step(
            lambda uow: keys.update(
                uow,
                call.path["Sid"],
                friendly_name=form.friendly_name,
                address_sid=form.address_sid,
                allowed_origins=form.allowed_origins,
                fingerprint=form.fingerprint,
            )
        )
        return Answer(200, render.webchat_key(row, call.urls))

    @operations.delete("/v1/WebchatKeys/{Sid}")
    async def delete_key(call: Call, _form: Form) -> Answer:
        async def work(uow: UnitOfWork) -> None:
            await keys.remove(uow, call.path["Sid"])

        await call.step(work)
        return Answer(204)

    return operations
