"""Refusals of the floor of messaging (channels.md §1.4)."""

from parlour.kit.errors import ContractError

TO_MISSING = ContractError(21604, 400, "A 'To' phone number is required")
FROM_MISSING = ContractError(21603, 400, "A 'From' phone number is required to send a message")
BODY_MISSING = ContractError(21602, 400, "Message body is required: give Body or MediaUrl")
BODY_TOO_LONG = ContractError(21617, 400, "Invalid parameter Body: it exceeds the limit of 1600 characters")
TOO_MANY_MEDIA = ContractError(21623, 400, "Invalid parameter MediaUrl: at most 10 media in one message")
SAME_TO_AND_FROM = ContractError(63031, 400, "Message cannot have the same To and From")
BODY_NOT_EMPTY = ContractError(20001, 400, "Invalid parameter Body: it can only be emptied")
NOT_CANCELABLE = ContractError(30409, 400, "Invalid parameter Status: the message is sent already, or on its way")
BAD_PAGE_TOKEN = ContractError(21481, 400, "Invalid parameter PageToken")
FALLBACK_WITHOUT_URL = ContractError(21406, 400, "Invalid parameter SmsFallbackUrl: SmsUrl must be given with it")
SERVICE_WITHOUT_NUMBER = ContractError(
    21704, 400, "Invalid parameter MessagingServiceSid: the messaging service has no number to send from"
)
NUMBER_MISSING = ContractError(21402, 400, "Missing required parameter PhoneNumber in the post body")

ERROR_MESSAGES = {
    21211: "Invalid 'To' phone number",
    21606: "The 'From' phone number is not a message-capable number of this account",
    21610: "Attempt to send to unsubscribed recipient",
    21617: "The message body exceeds the 1600 character limit",
    21703: "The Messaging Service has no number for this recipient",
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30410: "Provider timeout",
}


def bad_to(address: str) -> ContractError:
    """Refuse a recipient that is no phone number."""
    return ContractError(21211, 400, f"Invalid parameter To: '{address[:64]}' is not a phone number")


def bad_from(address: str) -> ContractError:
    """Refuse a sender that is no number of the account with a carrier."""
    return ContractError(
        21606, 400, f"Invalid parameter From: '{address[:64]}' is not a message-capable number of this account"
    )


def bad_media_url(url: str) -> ContractError:
    """Refuse what is no URL of a file."""
    return ContractError(21620, 400, f"Invalid parameter MediaUrl: '{url[:200]}' is not an HTTP URL")


def bad_number(text: str) -> ContractError:
    """Refuse what is no phone number."""
    return ContractError(21421, 400, f"Invalid parameter PhoneNumber: '{text[:64]}' is not in E.164 form")


def number_taken(text: str) -> ContractError:
    """Refuse a number that the account has."""
    return ContractError(21422, 400, f"Invalid parameter PhoneNumber: {text} is already a number of this account")


def number_in_service(number_sid: str, *, here: bool) -> ContractError:
    """Refuse a number that is in a pool."""
    code, where = (21710, "this messaging service") if here else (21712, "another messaging service")
    return ContractError(code, 409, f"Invalid parameter PhoneNumberSid: {number_sid} is in {where} already")


def pool_full(maximum: int) -> ContractError:
    """Refuse a further number."""
    return ContractError(21714, 400, f"Invalid parameter PhoneNumberSid: at most {maximum} numbers in one service")


def not_in_pool(sender: str, service_sid: str) -> ContractError:
    """Refuse a sender that the named service does not have."""
    return ContractError(21606, 400, f"Invalid parameter From: {sender[:64]} is no number of {service_sid}")


def bad_status_callback(url: str) -> ContractError:
    """Refuse an address that no status can be sent to."""
    return ContractError(
        21609, 400, f"Invalid parameter StatusCallback: '{url[:200]}' is not an http or https URL with a valid host"
    )


def message_of(code: int | None) -> str | None:
    """Return the words for an error code of a message."""
    return None if code is None else ERROR_MESSAGES.get(code, "Unknown error")


BAD_CONTENT_VARIABLES = ContractError(21656, 400, "Invalid parameter ContentVariables: must be a JSON object of texts")


def bad_content(sid: str) -> ContractError:
    """Refuse a content template that the account has not, or that no text can say."""
    return ContractError(
        21654, 400, f"Invalid parameter ContentSid: '{sid[:64]}' is no content template that can be sent"
    )
