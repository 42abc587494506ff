"""Records calls for the contract checks, only where ``PARLOUR_RECORD`` names a file (ACCEPTANCE 1 and 2).

A record holds answers as they were given, secrets included: it is for tests, and never on by itself.
"""

import functools
import os
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

import msgspec
import structlog

from parlour.kit.errors import ContractError
from parlour.kit.wire import decode_json, encode_json, json_text
from parlour.rest.operations import Answer, Call

VARIABLE: Final = "PARLOUR_RECORD"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
HEADERS: Final = frozenset({"x-twilio-webhook-enabled", "if-match", "ui-version", "idempotency-key", "flex-metadata"})

log = structlog.get_logger("parlour.rest")


class Recorder:
    """Appends one JSON line per call to a file that several processes may share."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @classmethod
    def from_environment(cls) -> "Recorder | None":
        """Return a recorder where the environment asks for one."""
        name = os.environ.get(VARIABLE)
        if not name:
            return None
        log.warning("calls are recorded with their answers", file=name)
        return cls(Path(name))

    def write(self, call: Call, answer: Answer) -> None:
        """Append a call and its answer; a streamed or binary body is not kept."""
        line = {
            "method": call.method,
            "product": call.product,
            "route": call.route,
            "path": dict(call.path),
            "query": dict(call.query),
            "form": _form(call),
            "headers": {name: call.headers[name] for name in HEADERS & call.headers.keys()},
            "status": answer.status,
            "answer": _body(answer),
            "media_type": answer.media_type,
            "caller": call.caller.kind,
            "agent": call.headers.get("user-agent", ""),
        }
        os.write(self._descriptor, encode_json(line) + b"\n")

    def refused(self, error: ContractError) -> None:
        """Append a refusal, wherever it was answered."""
        line = {"refused": {"code": error.code, "status": error.status, "message": error.message}}
        os.write(self._descriptor, encode_json(line) + b"\n")


def note_refusal(error: ContractError) -> None:
    """Record a refusal where calls are recorded."""
    recorder = _of_this_process()
    if recorder is not None:
        recorder.refused(error)


@functools.cache
def _of_this_process() -> Recorder | None:
    return Recorder.from_environment()


def _form(call: Call) -> dict[str, list[str]]:
    content_type = call.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        return _json_form(call.body)
    if not content_type.startswith(FORM_TYPE):
        return {}
    return parse_qs(call.body.decode("utf-8", "replace"), keep_blank_values=True)


def _json_form(body: bytes) -> dict[str, list[str]]:
    try:
        content = decode_json(body)
    except msgspec.DecodeError:
        return {}
    return {name: [json_text(value)] for name, value in content.items()} if isinstance(content, dict) else {}


def _body(answer: Answer) -> object:
    if answer.body is None or answer.media_type != "application/json" or hasattr(answer.body, "__aiter__"):
        return None
    return decode_json(answer.body) if isinstance(answer.body, bytes) else answer.body
