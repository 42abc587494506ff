"""Calls that the tests of Conversations share."""

import json
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
