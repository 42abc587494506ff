"""Good calls of what the agent desktop asks for, which no server-side SDK makes (agent-clients.md §3, §4)."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from parlour.flex.sign_in import users
from parlour.flex.sign_in.passwords import Passwords
from tests.contract.good_calls import good
from tests.contract.inprocess import JSON, Request, raw
from tests.contract.world import World

IDENTITY: Final = "desktop-user"
PASSWORD: Final = "a password of some length"
AUTHORIZE: Final = "/v1/Flex/Authorize"


def instance_sid(world: World) -> str:
    """Return the account's Flex instance."""
    return world.keep("instance", lambda: str(world.client.flex_api.v1.configuration().fetch().flex_instance_sid))


def token(world: World) -> str:
    """Return an access token of an agent."""

    def make() -> str:
        key = world.client.new_keys.create(friendly_name="desktop")
        program = world.stage.program
        grants = {"flex": {"roles": ["agent"]}}
        signed, _ = world.stage.wait(lambda: program.tokens.sign(world.account_sid, key.sid, IDENTITY, grants, 3600))
        return str(signed)

    return world.keep("token", make)


def with_token(world: World, method: str, product: str, path: str, **form: str) -> Request:
    """Return a request of somebody who signed in."""
    basic = "Basic " + base64.b64encode(f"token:{token(world)}".encode()).decode()
    return raw(world.credentials, method, product, path, **form).with_header("Authorization", basic)


def user(world: World) -> str:
    """Return the identity of a desktop user."""

    def make() -> str:
        hashed = world.stage.wait(lambda: Passwords().hashed(PASSWORD))
        world.step(lambda uow: users.add(uow, identity=IDENTITY, full_name="Dora", roles=["agent"], password=hashed))
        return IDENTITY

    return world.keep("user", make)


def authorization(world: World, method: str, verifier: str, **form: str) -> Request:
    """Return a request of the sign-in page."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "ssoProfileSid": instance_sid(world),
        "codeChallenge": digest,
        "nonce": "nonce",
        "state": "state",
        "redirectUrl": "https://services.twilio.com/desktop/",
    }
    request = raw(world.credentials, method, "services", AUTHORIZE, **form)
    return replace(request, query=tuple(query.items()))


@good("GET", "services", AUTHORIZE)
def show_page(world: World) -> Callable[[], Any]:
    request = authorization(world, "GET", "v" * 43)
    return lambda: world.transport.carry(request)


@good("POST", "services", AUTHORIZE)
def sign_in(world: World) -> Callable[[], Any]:
    request = authorization(world, "POST", "v" * 43, identity=user(world), password=PASSWORD)
    return lambda: world.transport.carry(request)


@good("POST", "services", "/v1/Flex/OAuth/Tokens")
def exchange(world: World) -> Callable[[], Any]:
    verifier = secrets.token_urlsafe(48)
    world.transport.carry(authorization(world, "POST", verifier, identity=user(world), password=PASSWORD))
    reply = world.transport.reply
    assert reply is not None
    back = parse_qs(urlsplit(reply.headers["location"]).query)
    body = {
        "grant_type": "AuthorizationCode",
        "sso_profile_sid": instance_sid(world),
        "code": back["code"][0],
        "code_verifier": verifier,
        "nonce": "nonce",
    }
    request = raw(world.credentials, "POST", "services", "/v1/Flex/OAuth/Tokens")
    request = replace(request.with_header("Content-Type", JSON), body=json.dumps(body).encode())
    return lambda: world.transport.carry(request)


@good("POST", "flex-api", "/v1/Accounts/{AccountSid}/Tokens/Info")
def token_info(world: World) -> Callable[[], Any]:
    path = f"/v1/Accounts/{world.account_sid}/Tokens/Info"
    request = with_token(world, "POST", "flex-api", path, Token=token(world))
    return lambda: world.transport.carry(request)


@good("GET", "flex-api", "/v1/Configuration/Public")
def public_configuration(world: World) -> Callable[[], Any]:
    request = raw(world.credentials, "GET", "flex-api", "/v1/Configuration/Public")
    request = replace(request, query=(("AccountSid", world.account_sid),))
    return lambda: world.transport.carry(request)


@good("GET", "flex-api", "/v1/account/provision/status")
def email_status(world: World) -> Callable[[], Any]:
    return lambda: world.client.flex_api.v1.provisioning_status().fetch()


@good("GET", "flex-api", "/v1/Instances/{InstanceSid}/Teams/Context")
def teams_context(world: World) -> Callable[[], Any]:
    path = f"/v1/Instances/{instance_sid(world)}/Teams/Context"
    return lambda: world.transport.carry(with_token(world, "GET", "flex-api", path))


@good("GET", "flex", "/api/v1/Session")
def session(world: World) -> Callable[[], Any]:
    return lambda: world.transport.carry(with_token(world, "GET", "flex", "/api/v1/Session"))


@good("GET", "flex", "/api/v1/Features/{Id}")
def feature(world: World) -> Callable[[], Any]:
    path = "/api/v1/Features/sso-token-session-storage"
    return lambda: world.transport.carry(with_token(world, "GET", "flex", path))


@good("GET", "flex", "/plugins")
def plugins(world: World) -> Callable[[], Any]:
    return lambda: world.transport.carry(with_token(world, "GET", "flex", "/plugins", roles="agent"))


def public(product: str, path: str) -> None:
    """Register the good call of an operation that anybody may call."""

    @good("GET", product, path)
    def fetch(world: World) -> Callable[[], Any]:
        return lambda: world.transport.carry(raw(world.credentials, "GET", product, path))


public("status", "/api/v2/summary.json")
public("assets", "/assets/countries.json")
public("assets", "/assets/flagPositions.json")
public("assets", "/public_assets/paste-fonts/1.5.1/fonts.css")
public("media", "/sdk/js/client/sounds/releases/1.0.0/incoming.mp3")
