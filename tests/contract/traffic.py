"""Reads the recorded calls (``parlour.rest.recorder``)."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parlour.rest.recorder import VARIABLE
from tests.contract.published import Published, find

SDK_AGENTS = ("twilio-python/", "twilio-node/", "twilio-")


@dataclass(frozen=True)
class Recorded:
    """One call and its answer.

    :ivar sent: parameter name (as published; headers too) to its values.
    :ivar answer: the JSON of the answer, None where it had none.
    :ivar media_type: of the answer.
    """

    product: str
    method: str
    route: str
    path: Mapping[str, str]
    sent: Mapping[str, list[str]]
    status: int
    answer: Any
    media_type: str
    agent: str

    @property
    def by_sdk(self) -> bool:
        """Say whether an official SDK made the call."""
        return self.agent.startswith(SDK_AGENTS)

    @property
    def published(self) -> Published | None:
        """Return the published operation that was called, None where none is published."""
        return find(self.product, "GET" if self.method == "HEAD" else self.method, self.route)


def file() -> Path | None:
    """Return the file that the environment names."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def read(path: Path) -> Iterator[Recorded]:
    """Return the calls of a record, in the order of their answers; a line that a kill cut short is left out."""
    with path.open() as lines:
        for line in lines:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if "method" in found:  # the others tell of refusals (scripts/errors.py)
                yield _recorded(found)


def _recorded(line: Mapping[str, Any]) -> Recorded:
    sent = {**line["query"], **line["form"]}
    for name, value in line["headers"].items():
        sent["-".join(word.capitalize() for word in name.split("-"))] = [value]
    return Recorded(
        line["product"],
        line["method"],
        line["route"],
        line["path"],
        sent,
        line["status"],
        line["answer"],
        line["media_type"],
        line["agent"],
    )
