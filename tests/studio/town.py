"""A server and a carrier in processes of their own, and numbers whose texts no address takes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from twilio.rest import Client

from parlour.demo import DEMO_NUMBER
from tests.carrier import Carrier, eventually
from tests.conftest import LiveServer

_customers = (f"+1557000{number:04}" for number in itertools.count(1))


def fresh() -> str:
    """Give a customer who never wrote."""
    return next(_customers)


@dataclass
class Town:
    """A server, a carrier, and a number whose texts no address takes."""

    server: LiveServer
    carrier: Carrier
    client: Client

    def publish(self, definition: dict[str, Any]) -> Any:
        made = self.client.studio.v2.flows.create(friendly_name="Town", status="published", definition=definition)
        return self.client.studio.v2.flows(made.sid)

    def executions(self, flow: Any, count: int, status: str) -> list[Any]:
        def look() -> list[Any]:
            found = flow.executions.list(status=status)
            return found if len(found) >= count else []

        return eventually(look, what=f"{count} {status} executions")

    def path(self, flow: Any, sid: str) -> list[tuple[str, str]]:
        return [(step.transitioned_from, step.name) for step in reversed(flow.executions(sid).steps.list())]

    def webhook(self, url: str, **more: Any) -> None:
        """Set the webhook of the demo's number."""
        (number,) = self.client.incoming_phone_numbers.list(phone_number=DEMO_NUMBER)
        number.update(sms_url=url, sms_fallback_url=more.pop("sms_fallback_url", ""), **more)
