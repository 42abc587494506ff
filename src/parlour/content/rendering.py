"""What a template says with values for its variables, where texts and files are shown (conversations.md §4.1)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from parlour.content.store import Content

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
# The type that is shown where several could be: the plainest first, then the richest.
ORDER: Final = (
    "twilio/text",
    "twilio/media",
    "twilio/card",
    "twilio/quick-reply",
    "twilio/call-to-action",
    "twilio/list-picker",
    "twilio/location",
)


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A template with its values: `body` None where it is files only, `media` addresses of files."""

    sid: str
    type: str
    body: str | None
    media: list[str]


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """Put values for the placeholders in all texts; one without a value stays as it is."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [fill(each, values) for each in value]
    if isinstance(value, dict):
        return {name: fill(each, values) for name, each in value.items()}
    return value


def render(content: Content, variables: Mapping[str, str]) -> Rendered | None:
    """Return what a template says; None where it has no type that can be sent."""
    chosen = next((name for name in ORDER if name in content.types), None)
    if chosen is None:
        return None
    filled = fill(content.types[chosen], {**content.variables, **variables})
    media = [url for url in filled.get("media") or () if isinstance(url, str)]
    return Rendered(sid=content.sid, type=chosen, body=_WORDS[chosen](filled) or None, media=media)


def _lines(*parts: object) -> str:
    return "\n".join(str(part) for part in parts if part)


def _body(value: Mapping[str, Any]) -> str:
    return _lines(value.get("body"))


def _location(value: Mapping[str, Any]) -> str:
    return _lines(value.get("label"), value.get("address"), f"{value['latitude']},{value['longitude']}")


def _with_actions(value: Mapping[str, Any]) -> str:
    return _lines(value.get("body"), *map(_action, value.get("actions") or ()))


def _list(value: Mapping[str, Any]) -> str:
    return _lines(value.get("body"), *(_lines_of(item) for item in value.get("items") or ()))


def _card(value: Mapping[str, Any]) -> str:
    return _lines(
        value.get("title"), value.get("body"), value.get("subtitle"), *map(_action, value.get("actions") or ())
    )


def _lines_of(item: object) -> str:
    if not isinstance(item, dict):
        return ""
    name, description = item.get("item"), item.get("description")
    return f"- {name}: {description}" if description else f"- {name}"


def _action(action: object) -> str:
    """Return a button as a line: what it says, and where it leads."""
    if not isinstance(action, dict):
        return ""
    target = action.get("url") or action.get("phone") or action.get("code")
    return f"- {action.get('title')}: {target}" if target else f"- {action.get('title')}"


_WORDS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "twilio/text": _body,
    "twilio/media": _body,
    "twilio/card": _card,
    "twilio/quick-reply": _with_actions,
    "twilio/call-to-action": _with_actions,
    "twilio/list-picker": _list,
    "twilio/location": _location,
}
