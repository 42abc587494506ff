"""What a content template may hold: its types and their required keys (conversations.md §4.1)."""

from typing import Any, Final

from parlour.content import errors

NAME_MAX: Final = 450  # characters
BODY_MAX: Final = 1600  # characters of a text
TYPES_MAX: Final = 10
# Types that a conversation can send, each with the keys that it must have.
SENDABLE: Final = {
    "twilio/text": ("body",),
    "twilio/media": ("media",),
    "twilio/location": ("latitude", "longitude"),
    "twilio/quick-reply": ("body", "actions"),
    "twilio/call-to-action": ("body", "actions"),
    "twilio/list-picker": ("body", "button", "items"),
    "twilio/card": ("title",),
}
# Types that are kept and shown only.
KEPT: Final = frozenset(
    {
        "twilio/carousel",
        "twilio/catalog",
        "twilio/flows",
        "twilio/schedule",
        "whatsapp/card",
        "whatsapp/authentication",
        "whatsapp/flows",
    }
)
_LISTS: Final = ("media", "actions", "items")
_NUMBERS: Final = ("latitude", "longitude")


def check_types(given: dict[str, dict[str, Any]]) -> None:
    """Refuse types that are unknown or lack what they need (20001)."""
    if not 0 < len(given) <= TYPES_MAX:
        raise errors.bad_type("types", f"1 to {TYPES_MAX} types")
    for name, value in given.items():
        if name not in SENDABLE and name not in KEPT:
            raise errors.bad_type(name[:64], "unknown type of content")
        for key in SENDABLE.get(name, ()):
            _check_value(name, key, value.get(key))


def _check_value(name: str, key: str, value: object) -> None:
    if key in _LISTS:
        if not isinstance(value, list) or not value:
            raise errors.bad_type(name, f"{key} must be a list")
    elif key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise errors.bad_type(name, f"{key} must be a number")
    elif not isinstance(value, str) or not value:
        raise errors.bad_type(name, f"{key} must be a text")
    elif key == "body" and len(value) > BODY_MAX:
        raise errors.bad_type(name, f"{key} has at most {BODY_MAX} characters")
