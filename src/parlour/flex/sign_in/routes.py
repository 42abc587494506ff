"""Operations of sign-in: authorization page, tokens, and what a token is worth (agent-clients.md §3)."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

from parlour.accounts.access_tokens import AccessToken, AccessTokens
from parlour.flex import store as flex_store
from parlour.flex.errors import not_configured
from parlour.flex.sign_in import authorization, errors, page, store
from parlour.flex.sign_in.authorization import Locked, Request
from parlour.flex.sign_in.passwords import Busy, Passwords
from parlour.flex.sign_in.sessions import Sessions
from parlour.flex.sign_in.store_system import system_account_of_instance
from parlour.kit.errors import ContractError
from parlour.kit.sids import is_exact_sid
from parlour.kit.wire import iso
from parlour.rest.forms import Form, Limit, param
from parlour.rest.operations import PUBLIC, TOKEN, Answer, Call, Operations
from parlour.rest.rights import ANY_TOKEN

AUTHORIZE: Final = "/v1/Flex/Authorize"
WRONG: Final = "User name and password do not go together."
BUSY: Final = "Many people sign in at this moment. Try again in a few seconds."
NO_STORE: Final = {"Cache-Control": "no-store"}
OTHER_ACCOUNT: Final = 20101
SECRET_MAX: Final = 512  # characters of a code, verifier, nonce or refresh token


class SignInForm(Form):
    """What the sign-in page sends."""

    identity: Annotated[str, Limit(max=256)] = param("identity", default="")
    password: Annotated[str, Limit(max=1024)] = param("password", default="")


class TokenInfo(Form):
    """Parameters of a token's check."""

    token: str


def make_authorization(passwords: Passwords, base_url: str) -> Operations:
    """Return the operations of the sign-in page and of the tokens that follow from it.

    :param base_url: the server's address; a code is sent there, or to the origin of the request.
    """
    operations = Operations("services")

    @operations.get(AUTHORIZE, callers=PUBLIC)
    async def show_page(call: Call, _form: Form) -> Answer:
        try:
            request, _ = await _read(call, base_url)
        except ContractError as error:
            return page.problem(f"This sign-in cannot go on. {error.message}", error.status)
        return page.form(_action(call), redirect_origin=_origin(request.redirect_url))

    @operations.post(AUTHORIZE, callers=PUBLIC, form=SignInForm)
    async def sign_in(call: Call, form: SignInForm) -> Answer:
        try:
            request, account_sid = await _read(call, base_url)
            _check_own_page(call)
        except ContractError as error:
            return page.problem(f"This sign-in cannot go on. {error.message}", error.status)
        again: dict[str, str] = {"identity": form.identity, "redirect_origin": _origin(request.redirect_url)}
        try:
            code = await authorization.sign_in(
                call.database,
                passwords,
                account_sid,
                request,
                identity=form.identity.strip(),
                password=form.password,
                request_id=call.request_id,
            )
        except Locked as locked:
            return page.form(_action(call), notice=_wait(locked.seconds), status=429, **again)
        except Busy:
            return page.form(_action(call), notice=BUSY, status=429, **again)
        if code is None:
            return page.form(_action(call), notice=WRONG, status=403, **again)
        return Answer(303, None, {**NO_STORE, "Location": request.answer(code), "Referrer-Policy": "no-referrer"})

    return operations


def add_tokens(operations: Operations, sessions: Sessions) -> None:
    """Add the operation that hands out tokens."""

    @operations.post("/v1/Flex/OAuth/Tokens", callers=PUBLIC, body="json")
    async def tokens(call: Call, _form: Form) -> Answer:
        given = call.json()
        if not isinstance(given, dict):
            raise errors.invalid("body", "must be a JSON object")
        kind = given.get("grant_type")
        account_sid = await _account(call, _text(given, "sso_profile_sid"))
        if kind == "AuthorizationCode":
            answer = await sessions.exchange(
                account_sid,
                code=_text(given, "code"),
                verifier=_text(given, "code_verifier"),
                nonce=_text(given, "nonce"),
                request_id=call.request_id,
            )
        elif kind == "RefreshToken":
            answer = await sessions.refresh(
                account_sid, refresh_token=_text(given, "refresh_token"), request_id=call.request_id
            )
        else:
            raise errors.invalid("grant_type", "is AuthorizationCode or RefreshToken")
        return Answer(200, answer, NO_STORE)


def make_token_info(tokens: AccessTokens) -> list[Operations]:
    """Return the operations with which the desktop, and functions behind its plugins, check a token."""
    desktop, functions = Operations("flex-api"), Operations("iam")

    @desktop.post("/v1/Accounts/{AccountSid}/Tokens/Info", callers=TOKEN, rights=[ANY_TOKEN], form=TokenInfo)
    async def token_info(call: Call, form: TokenInfo) -> Answer:
        read = await tokens.read(form.token)
        if read.account_sid != call.account_sid:
            raise errors.invalid("Token", "is of another account")
        return Answer(200, await _info(call, read), NO_STORE)

    @functions.post("/v1/Accounts/{AccountSid}/Tokens/validate", body="json")
    async def validate_token(call: Call, _form: Form) -> Answer:
        """Say whether a token is good; one that is not is no error, for callers read `valid` and `message`."""
        given = call.json()
        token = given.get("token") if isinstance(given, dict) else None
        if not isinstance(token, str) or not token:
            raise errors.invalid("token", "must be a text")
        try:
            read = await tokens.read(token)
        except ContractError as error:
            return Answer(200, _invalid(error.code, error.message), NO_STORE)
        if read.account_sid != call.account_sid:
            return Answer(200, _invalid(OTHER_ACCOUNT, "The token is of another account"), NO_STORE)
        return Answer(200, await _info(call, read), NO_STORE)

    return [desktop, functions]


def _invalid(code: int, message: str) -> dict[str, Any]:
    return {"valid": False, "code": code, "message": message}


async def _info(call: Call, read: AccessToken) -> dict[str, Any]:
    """Return what a good token says, for the account that asks."""
    user = await call.read(lambda reader: store.user_by_identity(reader, read.identity))
    configuration = await call.read(flex_store.fetch_configuration)
    if configuration is None:
        raise not_configured()
    flex: Mapping[str, Any] = read.grants.get("flex", {})
    return {
        "valid": True,
        "expiration": iso(read.expires),
        "identity": read.identity,
        "roles": list(flex.get("roles", ())),
        "worker_sid": flex.get("worker_sid"),
        "flex_user_sid": None if user is None else user.sid,
        "flex_instance_sid": configuration.flex_instance_sid,
        "account_sid": read.account_sid,
        "realm_user_id": read.identity,
        "name_id": read.identity,
    }


async def _read(call: Call, base_url: str) -> tuple[Request, str]:
    origins = frozenset({_origin(base_url), _origin(call.urls.of("services", ""))})
    request = Request.read(call.query, origins)
    return request, await _account(call, request.connection)


async def _account(call: Call, connection: str) -> str:
    account_sid = None
    if is_exact_sid(connection) and connection.startswith("GO"):
        account_sid = await call.database.system(lambda one: system_account_of_instance(one, connection))
    if account_sid is None:
        raise errors.invalid("ssoProfileSid", "names no connection of this server")
    return account_sid


def _check_own_page(call: Call) -> None:
    """Refuse a form that another site's page sent in somebody's name."""
    if call.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise errors.invalid("Origin", "the form must come from this server's own page")


def _action(call: Call) -> str:
    own = urlsplit(call.urls.of("services", AUTHORIZE)).path
    return f"{own}?{urlencode([(name, value) for name, values in call.query.items() for value in values])}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= SECRET_MAX:
        raise errors.invalid(name, f"must be a text of 1 to {SECRET_MAX} characters")
    return value


def _wait(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
