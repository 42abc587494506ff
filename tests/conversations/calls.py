"""Calls that the tests of Conversations share."""

import json
import random
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client


def refusal(call: Any, *args: Any, **kwargs: Any) -> TwilioRestException:
    """Return the error that a call meets."""
    with pytest.raises(TwilioRestException) as caught:
        call(*args, **kwargs)
    error: TwilioRestException = caught.value
    return error


def raw(twilio: Client, method: str, path: str, **data: object) -> Any:
    """Return the status and JSON of a call of the Conversations product."""
    answer = twilio.request(method, f"https://conversations.twilio.com{path}", data=data)
    return answer.status_code, json.loads(answer.text) if answer.text else None


def number() -> str:
    """Return a phone number that no other test uses."""
    return f"+1555{random.randrange(10**7):07d}"


def own_number(twilio: Client) -> str:
    """Return a new number of the account."""
    made = twilio.incoming_phone_numbers.create(phone_number=number())
    return str(made.phone_number)
