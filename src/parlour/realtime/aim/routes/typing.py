"""The operation of typing (realtime-protocol.md §10)."""

from parlour.conversations import permissions
from parlour.realtime.aim import actor
from parlour.realtime.aim.actor import Place
from parlour.realtime.aim.render import BASE, PRODUCT
from parlour.realtime.aim.typing import SECONDS, Typing
from parlour.rest.forms import Form
from parlour.rest.operations import TOKEN, Answer, Call, Operations
from parlour.store.unit import Reader


class SayTyping(Form):
    """Where somebody types."""

    channel_sid: str


def make_operations(typing: Typing) -> Operations:
    """Return the operation, which tells others through ``typing``."""
    operations = Operations(PRODUCT)

    @operations.post(f"{BASE}/Typing", form=SayTyping, callers=TOKEN, rights=[permissions.TYPE])
    async def say_typing(call: Call, form: SayTyping) -> Answer:
        async def work(reader: Reader) -> Place:
            return await actor.place(reader, await actor.find(reader, call.caller), form.channel_sid)

        place = await call.read(work)
        place.require(permissions.TYPE)
        typing.say(call.account_sid, place.actor.chat_service_sid, place.sid, place.actor.identity)
        return Answer(200, {"typing_timeout": SECONDS})

    return operations
