"""Whatever comes in: the check never fails by itself, and what it lets pass runs."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from parlour.studio.definition import read
from parlour.studio.references import mapped, references
from parlour.studio.validation import check
from tests.studio.dry_run import DryRun
from tests.studio.random_flows import script

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["Trigger", "w0", "w1", "{{", "{% if %}", "{{flow}}", "{{x|y}}", "1e999", "json_object", "", "\0"]),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the path of everything inside a JSON value."""
    found: list[tuple[Any, ...]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found += [(*path, key), *places(each, (*path, key))]
    return found


@given(JSON)
def test_the_check_takes_any_json(value: Any) -> None:
    check(value)
    if isinstance(value, dict):
        read(value)
        references(value)
        mapped(value, {"a": "b"})


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 30), st.data())
def test_a_definition_that_passes_the_check_runs(seed: int, data: st.DataObject) -> None:
    definition = copy.deepcopy(script(seed).definition)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(definition)))
        place: Any = definition
        for key in path[:-1]:
            place = place[key]
        if data.draw(st.booleans()) and isinstance(place, dict):
            del place[path[-1]]
        else:
            place[path[-1]] = data.draw(JSON)
    if check(definition).errors:
        return
    run = DryRun(definition).start()
    for _ in range(12):
        if run.state.ended:
            break
        if data.draw(st.booleans()):
            run.reply(data.draw(st.text(max_size=5)))
        else:
            run.time_out()
