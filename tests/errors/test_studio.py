"""Refusals of Studio that no other test comes to (studio.md §1.3)."""

import asyncio
import secrets
import urllib.error
import urllib.request

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from tests.conftest import LiveServer
from tests.contract.calls.studio import definition
from tests.contract.world import World
from tests.errors.asking import refusal


async def test_a_flow_that_was_never_published_runs_for_nobody(own: World) -> None:
    create = own.client.studio.v2.flows.create
    flow = await asyncio.to_thread(lambda: create(friendly_name="Draft", status="draft", definition=definition()))
    executions = own.client.studio.v2.flows(flow.sid).executions
    assert await refusal(lambda: executions.create(to=own.phone(), from_=own.phone()), "no published revision") == (
        400,
        20001,
    )


def test_flows_are_shown_to_those_who_lead(server: LiveServer) -> None:
    key = server.client().new_keys.create(friendly_name="tokens")
    token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity=f"ana-{secrets.token_hex(4)}")
    token.add_grant(
        ChatGrant(service_sid=server.client().conversations.v1.configuration().fetch().default_chat_service_sid)
    )
    request = urllib.request.Request(f"{server.url}/flows/api/flows", headers={"X-Twilio-Token": token.to_jwt()})  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)  # noqa: S310
    assert refused.value.code == 403
    refused.value.close()
