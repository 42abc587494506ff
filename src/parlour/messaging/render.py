"""Wire shapes of the floor of messaging: the published keys of each resource (channels.md §1.2, §1.5)."""

from typing import Any

from parlour.kit.wire import iso, rfc2822, rfc2822_or_none
from parlour.messaging.errors import message_of
from parlour.messaging.services import country_of
from parlour.messaging.store.log import VERSION, LoggedMessage
from parlour.messaging.store.media import MessageMedia
from parlour.messaging.store.numbers import Number
from parlour.messaging.store.services import PoolNumber, Service
from parlour.rest.operations import Urls


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
        "from": row.from_address or None,
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


def media(row: MessageMedia) -> dict[str, Any]:
    """Return the Media resource of a message."""
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "parent_sid": row.message_sid,
        "content_type": row.content_type,
        "date_created": rfc2822(row.date_created),
        "date_updated": rfc2822(row.date_updated),
        "uri": f"/{VERSION}/Accounts/{row.account_sid}/Messages/{row.message_sid}/Media/{row.sid}.json",
    }


def service(row: Service, urls: Urls) -> dict[str, Any]:
    """Return the messaging Service resource."""
    url = urls.of("messaging", f"/v1/Services/{row.sid}")
    return {
        "account_sid": row.account_sid,
        "sid": row.sid,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "friendly_name": row.friendly_name,
        "inbound_request_url": row.inbound_request_url,
        "inbound_method": row.inbound_method,
        "fallback_url": row.fallback_url,
        "fallback_method": row.fallback_method,
        "status_callback": row.status_callback,
        "sticky_sender": row.sticky_sender,
        "mms_converter": row.mms_converter,
        "smart_encoding": row.smart_encoding,
        "fallback_to_long_code": row.fallback_to_long_code,
        "area_code_geomatch": row.area_code_geomatch,
        "validity_period": row.validity_period,
        "scan_message_content": row.scan_message_content,
        "synchronous_validation": row.synchronous_validation,
        "usecase": row.usecase,
        "us_app_to_person_registered": False,
        "use_inbound_webhook_on_number": row.use_inbound_webhook_on_number,
        "links": {
            "phone_numbers": f"{url}/PhoneNumbers",
            "short_codes": f"{url}/ShortCodes",
            "alpha_senders": f"{url}/AlphaSenders",
            "messages": f"{url}/Messages",
            "us_app_to_person": f"{url}/Compliance/Usa2p",
            "us_app_to_person_usecases": f"{url}/Compliance/Usa2p/Usecases",
            "channel_senders": f"{url}/ChannelSenders",
            "destination_alpha_senders": f"{url}/DestinationAlphaSenders",
        },
        "url": url,
    }


def pool_number(row: PoolNumber, urls: Urls) -> dict[str, Any]:
    """Return the PhoneNumber resource of a messaging service."""
    return {
        "sid": row.number_sid,
        "account_sid": row.account_sid,
        "service_sid": row.service_sid,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "phone_number": row.phone_number,
        "country_code": country_of(row.phone_number),
        "capabilities": ["MMS", "SMS"],
        "url": urls.of("messaging", f"/v1/Services/{row.service_sid}/PhoneNumbers/{row.number_sid}"),
    }


def integration(row: Service, urls: Urls) -> dict[str, Any]:
    """Return what a messaging service does with texts that belong to no conversation."""
    return {
        "account_sid": row.account_sid,
        "service_sid": row.sid,
        "autocreate": row.autocreate,
        "date_updated": iso(row.date_updated),
        "url": urls.of("parlour", f"/v1/MessagingServices/{row.sid}"),
    }
