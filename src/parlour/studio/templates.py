"""Liquid in flows: rendering inside a sandbox with the contract's limits (studio.md §4.3, §4.4).

The library is loaded at the first template that needs it. Rendering is pure: time comes with the call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from parlour.studio.json_data import read_json

if TYPE_CHECKING:
    from parlour.studio.liquid_sandbox import Sandbox

MAX_RENDERED: Final = 16 * 1024
"""Bytes a rendered value may have (studio.md §5.4)."""
MAX_TURNS: Final = 15
"""Turns of one `for` loop (studio.md §5.4)."""
MARKUP: Final = re.compile(r"\{\{|\{%")

_sandbox: Sandbox | None = None


class TemplateError(Exception):
    """A template that does not parse, does not evaluate or breaks a limit; warning 81018."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What templates see: the execution context and the domain time."""

    context: Mapping[str, object]
    now: datetime


def render(source: str, scene: Scene) -> str:
    """Render a template to text.

    Params: `source`, any string of a definition; `scene`, the context and the domain time.
    Errors: TemplateError. Reference: studio.md §4.3.
    """
    text = _engine().render(source, scene.context, scene.now) if MARKUP.search(source) else source
    return _limited(text.replace("\0", ""))


def evaluate(source: str, scene: Scene) -> object:
    """Give the value of a template that is one bare output tag, else its text parsed as JSON.

    Errors: TemplateError for the template, ValueError when the text is not JSON. Reference: studio.md §2.3.5.
    """
    if MARKUP.search(source):
        bare, value = _engine().bare_value(source, scene.context, scene.now)
        if bare and not isinstance(value, str):
            return value
    return read_json(render(source, scene))


def _limited(text: str) -> str:
    if len(text) > MAX_RENDERED or len(text.encode("utf-8", "surrogatepass")) > MAX_RENDERED:
        raise TemplateError(f"the rendered value is longer than {MAX_RENDERED} bytes")
    return text


def _engine() -> Sandbox:
    global _sandbox  # noqa: PLW0603 - the library is loaded once, at the first template that needs it
    if _sandbox is None:
        from parlour.studio.liquid_sandbox import Sandbox

        _sandbox = Sandbox()
    return _sandbox
