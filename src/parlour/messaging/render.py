"""Wire shapes of the floor of messaging: the published keys of each resource (channels.md §1.2, §1.5)."""

from typing import Any

from parlour.kit.wire import rfc2822, rfc2822_or_none
from parlour.messaging.errors import message_of
from parlour.messaging.store.log import LoggedMessage
from parlour.messaging.store.numbers import Number

VERSION = "2010-04-01"


def message(row: LoggedMessage) -> dict[str, Any]:
    """Return the Message resource."""
    uri = f"/{VERSION}/Accounts/{row.account_sid}/Messages/{row.sid}"
    return {
        "account_sid": row.account_sid,
        "api_version": VERSION,
        "body": row.body,
        "date_created": rfc2822(row.date_created),
        "date_sent": rfc2822_or_none(row.date_sent),
        "date_updated": rfc2822(row.date_updated),
        "direction": row.direction,
        "error_code": row.error_code,
        "error_message": message_of(row.error_code),
        "from": row.from_address,
        "messaging_service_sid": row.messaging_service_sid,
        "num_media": str(row.num_media),
        "num_segments": str(row.num_segments),
        "price": None,
        "price_unit": None,
        "sid": row.sid,
        "status": row.status,
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        "to": row.to_address,
        "uri": f"{uri}.json",
    }


def number(row: Number) -> dict[str, Any]:
    """Return the IncomingPhoneNumber resource; there is no voice here, so its part is empty."""
    return {**_number(row), "type": row.type}


def number_of_type(row: Number) -> dict[str, Any]:
    """Return the resource as the lists of one type show it, which leave the type out."""
    return _number(row)


def _number(row: Number) -> dict[str, Any]:
    return {
        "account_sid": row.account_sid,
        "address_sid": None,
        "address_requirements": "none",
        "api_version": row.api_version,
        "beta": False,
        "capabilities": {"voice": False, "sms": True, "mms": True, "fax": False},
        "date_created": rfc2822(row.date_created),
        "date_updated": rfc2822(row.date_updated),
        "friendly_name": row.friendly_name,
        "identity_sid": None,
        "phone_number": row.phone_number,
        "origin": "hosted",
        "sid": row.sid,
        "sms_application_sid": "",
        "sms_fallback_method": row.sms_fallback_method,
        "sms_fallback_url": row.sms_fallback_url,
        "sms_method": row.sms_method,
        "sms_url": row.sms_url,
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": None,
        "uri": f"/{VERSION}/Accounts/{row.account_sid}/IncomingPhoneNumbers/{row.sid}.json",
        "voice_receive_mode": "voice",
        "voice_application_sid": None,
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": None,
        "voice_method": "POST",
        "voice_url": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "bundle_sid": None,
        "status": "in-use",
    }
