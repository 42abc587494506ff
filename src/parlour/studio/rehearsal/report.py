"""What `parlour flow test` prints: each test, how it differs, and which transitions no test takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import ndiff
from itertools import chain
from typing import Final

from parlour.studio.definition import Definition
from parlour.studio.reach import Exit, reachable, widgets_of
from parlour.studio.rehearsal.judging import Difference, Verdict

WIDE: Final = 400
"""Characters of a value that are shown."""


def taken(definition: Definition, verdicts: Iterable[Verdict]) -> set[Exit]:
    """Give the transitions of the flow itself that the tests took."""
    return {
        Exit(step.transitioned_from, step.name, step.exit)
        for verdict in verdicts
        for step in verdict.stage.steps
        if step.parent_step_sid is None
    }


def lines(definition: Definition, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Give the report, line by line."""
    for verdict in verdicts:
        yield f"{'ok    ' if verdict.passed else 'FAILED'}  {verdict.test.name}  ({len(verdict.stage.steps)} steps)"
        yield from chain.from_iterable(_difference(each, first) for first, each in _numbered(verdict.differences))
    failed = sum(not verdict.passed for verdict in verdicts)
    yield ""
    legend = "; - is what was expected, + what was found" if failed else ""
    yield f"{len(verdicts) - failed} of {len(verdicts)} tests passed{legend}"
    yield from _coverage(definition, verdicts)


def _numbered(differences: Sequence[Difference]) -> Iterator[tuple[bool, Difference]]:
    for number, each in enumerate(differences):
        yield number == 0, each


def _difference(each: Difference, first: bool) -> Iterator[str]:
    word = "first difference" if first else "difference"
    yield f"        {word} at step {each.step}, widget {each.widget}: {each.what}"
    if each.expected and "\n" in each.expected + each.found:
        for line in ndiff(each.expected.splitlines(), each.found.splitlines()):
            yield f"            {line}"
        return
    if each.expected:
        yield f"            - {_cut(each.expected)}"
    yield f"            + {_cut(each.found)}"


def _cut(text: str) -> str:
    return text if len(text) <= WIDE else f"{text[:WIDE]} … ({len(text)} characters)"


def _coverage(definition: Definition, verdicts: Sequence[Verdict]) -> Iterator[str]:
    ways = {verdict.test.trigger for verdict in verdicts}
    possible = reachable(definition, ways)
    took = taken(definition, verdicts) & possible
    visited, widgets = widgets_of(took), widgets_of(possible)
    yield f"widgets      {len(visited)} of {len(widgets)} that {_ways(ways)} reach"
    yield f"transitions  {len(took)} of {len(possible)}"
    for each in sorted(possible - took):
        target = definition.widgets[each.widget].transitions[each.number].next if each.number >= 0 else None
        place = f" ({each.number})" if each.event == "match" else ""
        yield f"    not taken: {each.widget} {each.event}{place} → {target or 'Ended'}"


def _ways(ways: Iterable[str]) -> str:
    names = {"conversation": "conversations", "message": "texts", "request": "requests"}
    return " and ".join(sorted(names[each] for each in ways))
