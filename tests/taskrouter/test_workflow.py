"""The workflow document and the way of a task through it (taskrouter.md §3)."""

import json
from typing import Any

import pytest

from parlour.taskrouter.workflow import DEFAULT_FILTER, ConfigurationError, Position, parse_configuration

TWO_KNOWN_WORKERS = json.dumps(
    {
        "task_routing": {
            "default_filter": {
                "queue": "W",
                "known_worker_sid": "task.a",
                "known_worker_friendly_name": "task.b",
            }
        }
    }
)
Q1, Q2, Q3 = ("WQ" + str(n) * 32 for n in (1, 2, 3))


def configured(filters: list[dict[str, Any]], default: dict[str, Any] | None = None) -> Any:
    routing: dict[str, Any] = {"filters": filters}
    if default:
        routing["default_filter"] = default
    return parse_configuration(json.dumps({"task_routing": routing}))


def one(*targets: dict[str, Any], expression: str = "1==1") -> dict[str, Any]:
    return {"expression": expression, "targets": list(targets)}


def test_the_first_matching_filter_is_used() -> None:
    workflow = configured([one({"queue": Q1}, expression="a == 1"), one({"queue": Q2}), one({"queue": Q3})])
    assert workflow.enter({"a": 1}) == Position(0, 0)
    assert workflow.enter({"a": 2}) == Position(1, 0)


def test_no_filter_means_the_default_filter_or_nothing() -> None:
    never = one({"queue": Q1}, expression="a == 1")
    assert configured([never], {"queue": Q2}).enter({}) == Position(DEFAULT_FILTER, 0)
    assert configured([never]).enter({}) is None


def test_later_targets_inherit_the_queue() -> None:
    workflow = configured([one({"queue": Q1, "priority": "1", "timeout": 300}, {"priority": 10}, {"queue": Q2}, {})])
    targets = workflow.filters[0].targets
    assert [t.queue_sid for t in targets] == [Q1, Q1, Q2, Q2]
    assert [t.priority for t in targets] == [1, 10, None, None]
    assert workflow.queue_sids == {Q1, Q2}


def test_after_a_timeout_later_filters_but_never_the_default() -> None:
    workflow = configured(
        [one({"queue": Q1, "timeout": 1}, {"timeout": 1}), one({"queue": Q2}, expression="a == 1")],
        {"queue": Q3},
    )
    assert workflow.after_timeout(Position(0, 0), {}) == Position(0, 1)
    assert workflow.after_timeout(Position(0, 1), {}) is None
    assert workflow.after_timeout(Position(0, 1), {"a": 1}) == Position(1, 0)
    assert workflow.after_timeout(Position(1, 0), {"a": 1}) is None


def test_after_a_skip_the_filter_counts_as_not_matching() -> None:
    workflow = configured(
        [one({"queue": Q1, "skip_if": "1==1"}), one({"queue": Q2}, expression="a == 1")], {"queue": Q3}
    )
    assert workflow.after_skip(Position(0, 0), {"a": 1}) == Position(1, 0)
    assert workflow.after_skip(Position(0, 0), {}) == Position(DEFAULT_FILTER, 0)
    assert workflow.after_skip(Position(DEFAULT_FILTER, 0), {}) is None


def test_a_target_knows_the_task_attributes_it_reads() -> None:
    target = {"queue": Q1, "expression": "worker.languages HAS task.lang AND worker.x == task.a.b[0]"}
    known = {"queue": Q1, "known_worker_sid": "task.agent_sid"}
    workflow = configured([one(target, known)])
    assert workflow.filters[0].targets[0].task_paths == (("a", "b", 0), ("lang",))
    assert workflow.filters[0].targets[1].task_paths == (("agent_sid",),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "task_routing"),
        ('{"task_routing":{"filters":{}}}', "filters must be a list"),
        ('{"task_routing":{"filters":[{"targets":[{"queue":"WQ1"}]}]}}', "expression is required"),
        ('{"task_routing":{"filters":[{"expression":"1==1","targets":[]}]}}', "at least one target"),
        ('{"task_routing":{"filters":[{"expression":"1==1","targets":[{}]}]}}', "queue is required"),
        ('{"task_routing":{"filters":[{"expression":"a ==","targets":[{"queue":"WQ1"}]}]}}', "at position 4"),
        ('{"task_routing":{"default_filter":{"queue":"WQ1","expression":"a == 1"}}}', "must be prefixed"),
        (
            '{"task_routing":{"default_filter":{"queue":"WQ1","priority":"x"}}}',
            "priority must be a whole number",
        ),
        ('{"task_routing":{"default_filter":{"queue":"WQ1","order_by":"level DESC"}}}', "order_by must be"),
        (
            '{"task_routing":{"default_filter":{"queue":"WQ1","known_worker_sid":"WK1"}}}',
            "reference to a task",
        ),
        (
            TWO_KNOWN_WORKERS,
            "exclude each other",
        ),
    ],
)
def test_a_bad_document_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        parse_configuration(text)
