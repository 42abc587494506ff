"""What people do through the client SDK is told with who did it (conversations.md §6.3, §6.5)."""

import asyncio

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from tests.conftest import LiveServer
from tests.realtime.wire import logged_in
from tests.webhooks.receiver import Receiver


def token_of(server: LiveServer, identity: str, service_sid: str) -> str:
    """Return an access token as the helper library makes it."""
    key = server.client().new_keys.create()
    token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity=identity)
    token.add_grant(ChatGrant(service_sid=service_sid))
    return str(token.to_jwt())


async def test_a_message_of_the_sdk_names_its_client(server: LiveServer, receiver: Receiver) -> None:
    api = server.client().conversations.v1
    service = await asyncio.to_thread(api.services.create, friendly_name="Desk")
    hooks = api.services(service.sid).configuration.webhooks()
    await asyncio.to_thread(
        hooks.update, post_webhook_url=receiver.url, filters=["onMessageAdded", "onParticipantAdded", "onUserAdded"]
    )
    token = await asyncio.to_thread(token_of, server, "ana", service.sid)
    async with logged_in(server.url, token) as ana:
        _, made = await ana.aim("POST", "Conversations", {"friendly_name": "Desk"})
        await ana.aim("POST", f"Conversations/{made['sid']}/Participants", {"identity": "ana"})
        status, said = await ana.aim("POST", f"Conversations/{made['sid']}/Messages", {"body": "hello"})
        assert status == 201
    told = (await asyncio.to_thread(receiver.one, "onMessageAdded")).parameters
    assert (told["Source"], told["ClientIdentity"], told["Author"]) == ("SDK", "ana", "ana")
    assert (told["MessageSid"], told["Body"]) == (said["sid"], "hello")
    joined = (await asyncio.to_thread(receiver.one, "onParticipantAdded")).parameters
    assert (joined["Identity"], joined["ParticipantSid"]) == ("ana", told["ParticipantSid"])
    assert (await asyncio.to_thread(receiver.one, "onUserAdded")).parameters["Identity"] == "ana"
