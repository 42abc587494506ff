"""The back end of a shop: it writes with customers by text and with its people in browsers."""

import json
import os
from typing import Any

from outside import Browsers, Outside, Webhooks, until
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant
from twilio.rest import Client

EVERYTHING = [
    *(
        f"on{thing}{what}"
        for thing in ("Message", "Conversation", "Participant")
        for what in ("Add", "Update", "Remove")
    ),
    *(f"on{thing}{what}" for thing in ("Message", "Conversation") for what in ("Added", "Updated", "Removed")),
    *(f"onParticipant{what}" for what in ("Added", "Updated", "Removed")),
    "onConversationStateUpdated",
    "onDeliveryUpdated",
]


class Shop:
    """What the shop has at the service: a number, a Conversations service, and webhooks that hear of everything."""

    def __init__(self) -> None:
        self.client = Client()
        self.number = os.environ["SHOP_NUMBER"]
        self.outside = Outside(os.environ["OUTSIDE_URL"])
        self.browsers = Browsers("node", os.environ["FRONT_END"])
        self.webhooks = Webhooks()
        made = self.client.conversations.v1.services.create(friendly_name="Shop")
        self.service_sid = str(made.sid)
        self.service = self.client.conversations.v1.services(self.service_sid)
        self.service.configuration.webhooks().update(
            pre_webhook_url=self.webhooks.url, post_webhook_url=self.webhooks.url, method="POST", filters=EVERYTHING
        )
        self._key = self.client.new_keys.create(friendly_name="Shop")

    def answer_texts(self, kind: str, address: str = "", channel: str = "sms", **how: Any) -> None:
        """Say what becomes of a first text, to our number where no other address is given."""
        address = address or self.number
        options = {f"auto_creation_{name}": value for name, value in how.items()}
        options |= {"auto_creation_enabled": True, "auto_creation_type": kind}
        options["auto_creation_conversation_service_sid"] = self.service_sid
        addresses = self.client.conversations.v1.address_configurations
        if any(one.address == address for one in addresses.list()):
            self.client.conversations.v1.address_configurations(address).update(**options)
        else:
            addresses.create(type=channel, address=address, friendly_name="Shop", **options)

    def login(self, identity: str) -> None:
        """Let one of our people in."""
        token = AccessToken(self.client.account_sid, self._key.sid, self._key.secret, identity=identity, ttl=3600 * 20)
        token.add_grant(ChatGrant(service_sid=self.service_sid))
        self.browsers.do(identity, "login", token=token.to_jwt())

    def talk(self, *identities: str, customer: str = "", **options: Any) -> Any:
        """Make a conversation with people of ours and a customer."""
        made = self.service.conversations.create(**options)
        for identity in identities:
            made.participants.create(identity=identity)
        if customer:
            self.add_customer(made, customer)
        return made

    def group(self, *people: dict[str, Any]) -> Any:
        """Make a conversation together with its people; older versions of the package have no name for that."""
        wanted = [json.dumps(one) for one in people]
        if hasattr(self.service, "conversation_with_participants"):
            return self.conversation(self.service.conversation_with_participants.create(participant=wanted).sid)
        url = f"https://conversations.twilio.com/v1/Services/{self.service_sid}/ConversationWithParticipants"
        made = self.client.request("POST", url, data={"Participant": wanted})
        assert made.status_code == 202, made.text
        return self.conversation(json.loads(made.text)["sid"])

    def add_customer(self, conversation: Any, customer: str) -> Any:
        """Add a customer's telephone behind our number."""
        return conversation.participants.create(
            messaging_binding_address=customer, messaging_binding_proxy_address=self.number
        )

    def open_conversation_of(self, customer: str) -> Any:
        """Return the conversation that a customer's texts go to, None where there is none."""
        rows = self.service.participant_conversations.list(address=customer)
        return next((row for row in rows if row.conversation_state != "closed"), None)

    def conversation(self, sid: str) -> Any:
        """Return a conversation."""
        return self.service.conversations(sid)

    def bodies(self, sid: str) -> list[str]:
        """Return what was said."""
        return [message.body for message in self.conversation(sid).messages.list()]


class Desk:
    """One agent of ours in the contact centre, and the workflow that leads to them alone."""

    def __init__(self, shop: Shop) -> None:
        api = shop.client.taskrouter.v1
        self.workspace = api.workspaces(shop.client.flex_api.v1.configuration().fetch().taskrouter_workspace_sid)
        (free,) = self.workspace.activities.list(friendly_name="Available")
        name = f"Desk of {shop.number}"
        attributes = json.dumps({"shop": shop.number})
        self._worker = self.workspace.workers.create(friendly_name=name, attributes=attributes, activity_sid=free.sid)
        queue = self.workspace.task_queues.create(friendly_name=name, target_workers=f"shop=='{shop.number}'")
        routing = json.dumps({"task_routing": {"default_filter": {"queue": queue.sid}}})
        self.workflow_sid = str(self.workspace.workflows.create(friendly_name=name, configuration=routing).sid)
        shop.service.roles.create(friendly_name="agent", type="conversation", permission=["sendMessage"])

    @property
    def _reservations(self) -> Any:
        return self.workspace.workers(self._worker.sid).reservations

    def offer(self) -> Any:
        """Wait for a task that is offered to the agent."""
        return until(lambda: [one for one in self._reservations.list() if one.reservation_status == "pending"], "task")[
            0
        ]

    def accept(self, offer: Any) -> None:
        """Take a task."""
        self._reservations(offer.sid).update(reservation_status="accepted")

    def complete(self, offer: Any) -> None:
        """Be done with a task."""
        self._reservations(offer.sid).update(reservation_status="completed")
