"""What the official package's errors say, in one line. A list has another error than a single resource."""

import json

from twilio.base.exceptions import TwilioException, TwilioRestException


def refusal(error: Exception) -> str:
    """Return status, code and message of an answer that was an error; the text of any other error."""
    if isinstance(error, TwilioRestException):
        return f"{error.status}/{error.code} {str(error.msg).partition(': ')[2] or error.msg}"
    if isinstance(error, TwilioException) and len(error.args) > 1:
        answer = error.args[1]
        try:
            body = json.loads(answer.text)
        except ValueError:
            body = {}
        return f"{answer.status_code}/{body.get('code')} {body.get('message') or error.args[0]}"
    return str(error)
