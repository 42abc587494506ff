"""Test files of flows: what is written in them (docs/test-your-flows.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from parlour.studio.rehearsal.stage import EVENTS, Answer, Opening

DATA: Final = frozenset({"json", "parameters", "attributes", "variables", "path", "context"})
"""Keys whose values keep their type; all other scalars are texts, so that `yes` and `1` are what a customer typed."""
CORE: Final = (
    (re.compile(r"true|false"), lambda text: text == "true"),
    (re.compile(r"null|~|"), lambda _: None),
    (re.compile(r"-?(0|[1-9]\d{0,17})"), int),
    (re.compile(r"-?(0|[1-9]\d*)\.\d+"), float),
)


class ScriptError(Exception):
    """A test file that cannot be understood; the message names the place."""


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """What the flow is to say; what is not given is not looked at.

    `content` is a content template's SID with its `variables`, `media` the address of a file; `waits` in seconds.
    """

    body: str | UnsetType = UNSET
    from_: str | UnsetType = msgspec.field(name="from", default=UNSET)
    to: str | UnsetType = UNSET
    attributes: Any = UNSET
    content: str | UnsetType = UNSET
    variables: dict[str, str] | UnsetType = UNSET
    media: str | UnsetType = UNSET
    waits: int | UnsetType = UNSET


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of the script: exactly one of the four. `wait` in seconds."""

    bot: str | Message | None = None
    customer: str | None = None
    wait: int | None = None
    undelivered: int | None = None


class Task(Struct, frozen=True, forbid_unknown_fields=True):
    """The task that the flow is to make; attributes that are not named are not looked at."""

    workflow: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    attributes: dict[str, Any] = {}
    priority: int | UnsetType = UNSET
    timeout: int | UnsetType = UNSET


class Call(Struct, frozen=True, forbid_unknown_fields=True):
    """A request that the flow is to send."""

    widget: str
    method: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    body: str | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be true at the end; what is not given is not looked at."""

    state: str | UnsetType = UNSET
    widget: str | UnsetType = UNSET
    path: list[str | dict[str, dict[str, Any]]] | UnsetType = UNSET
    variables: dict[str, Any] = {}
    context: dict[str, Any] = {}
    task: Task | UnsetType | None = UNSET
    calls: list[Call] | UnsetType = UNSET
    log: list[int] = []


class Test(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One test."""

    __test__ = False

    name: str
    trigger: str = "conversation"
    first: str = "hi"
    from_: str = msgspec.field(name="from", default=Opening().contact)
    to: str = Opening().number
    channel: str = "sms"
    attributes: Any = {}
    parameters: dict[str, Any] = {}
    at: datetime = Opening().at
    answers: dict[str, Answer | list[Answer]] = {}
    refused: list[str] = []
    script: list[Turn] = []
    expect: Expected = Expected()

    def opening(self) -> Opening:
        """Return how the execution begins."""
        return Opening(
            trigger=self.trigger,
            contact=self.from_,
            number=self.to,
            body=self.first,
            attributes=msgspec.json.encode(self.attributes).decode(),
            channel_type=self.channel,
            parameters=self.parameters,
            at=self.at,
        )


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """A test file: tests, and the files of the subflows by their SID, relative to the test file."""

    tests: list[Test]
    subflows: dict[str, str] = {}


def read(path: Path) -> File:
    """Read a test file.

    :raises ScriptError: it is no YAML, or says something that means nothing.
    """
    import yaml  # type: ignore[import-untyped]  # loaded by this command alone

    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path} is not YAML: {error}") from error
    try:
        raw = _plain(node, typed=False)
        found = msgspec.convert(raw, File, strict=False)
    except (msgspec.ValidationError, ScriptError) as error:
        raise ScriptError(f"{path}: {error}") from error
    for number, test in enumerate(found.tests):
        _check(test, f"{path}: test {number + 1} ({test.name})")
    if not found.tests:
        raise ScriptError(f"{path}: it has no test")
    return found


def _check(test: Test, place: str) -> None:
    if test.trigger not in EVENTS:
        raise ScriptError(f"{place}: trigger is one of {', '.join(EVENTS)}, not {test.trigger}")
    if test.at.tzinfo is None:
        raise ScriptError(f"{place}: at needs a time zone, such as 2026-01-05T09:00:00Z")
    if test.expect.state not in (UNSET, "ended", "waiting"):
        raise ScriptError(f"{place}: state is ended or waiting, not {test.expect.state}")
    for number, turn in enumerate(test.script):
        given = [name for name in ("bot", "customer", "wait", "undelivered") if getattr(turn, name) is not None]
        if len(given) != 1:
            raise ScriptError(f"{place}: turn {number + 1} must have one of bot, customer, wait, undelivered")


def _plain(node: Any, *, typed: bool) -> Any:
    """Give a YAML node as data; scalars keep their type under `typed` only."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ScriptError(f"line {key.start_mark.line + 1}: a key must be a text")
            if key.value in found:
                raise ScriptError(f"line {key.start_mark.line + 1}: {key.value} is given twice")
            found[key.value] = _plain(value, typed=typed or key.value in DATA)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, typed=typed) for each in node.value]
    if node is None:
        return None
    plain_style = node.style is None
    return _scalar(node.value) if plain_style and (typed or node.value in ("null", "~")) else node.value


def _scalar(text: str) -> object:
    for pattern, read_as in CORE:
        if pattern.fullmatch(text):
            return read_as(text)
    return text


def same(expected: object, found: object) -> bool:
    """Say whether what was found is what was expected: scalars by their text, mappings by the keys expected."""
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(
            name in found and same(value, found[name]) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(same(one, other) for one, other in zip(expected, found, strict=True))
        )
    return expected == found or (
        not isinstance(found, (Mapping, list)) and found is not None and _text(expected) == _text(found)
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
