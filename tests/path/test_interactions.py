"""One conversation has one open interaction channel, whoever asks and however fast (flex.md §3, error 45353)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twilio.base.exceptions import TwilioRestException

from tests.path.conftest import World

AT_ONCE = 6


def test_of_many_handovers_at_once_one_is_made_and_the_others_are_told_of_it(world: World) -> None:
    conversation = world.client.conversations.v1.conversations.create()
    conversation.participants.create(
        messaging_binding_address="+12025550711", messaging_binding_proxy_address=world.number
    )
    workflow = world.client.taskrouter.v1.workspaces(world.workspace_sid).workflows.list(limit=1)[0]
    channel = {"type": "sms", "initiated_by": "api", "properties": {"media_channel_sid": conversation.sid}}
    routing = {
        "properties": {
            "workspace_sid": world.workspace_sid,
            "workflow_sid": workflow.sid,
            "task_channel_unique_name": "chat",
            "attributes": {},
        }
    }

    def create(_: int) -> Any:
        try:
            return world.server.client().flex_api.v1.interaction.create(channel=channel, routing=routing)
        except TwilioRestException as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(create, range(AT_ONCE)))

    refused = [answer for answer in answers if isinstance(answer, TwilioRestException)]
    (made,) = (answer for answer in answers if answer not in refused)
    assert [error.code for error in refused] == [45353] * (AT_ONCE - 1)
    (open_channel,) = world.client.flex_api.v1.interaction(made.sid).channels.list()
    assert all(open_channel.sid in str(error) for error in refused)
    open_channel.update(status="closed")
