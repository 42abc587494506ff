"""One language everywhere: what routes a task also filters lists, with the same result (taskrouter.md §1.1, §4.2)."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioException

from tests.taskrouter import naive
from tests.taskrouter.conftest import Centre

EXPRESSIONS = [
    "skills HAS 'a'",
    "level > 4 OR lvl == 5",
    "name CONTAINS 'b' AND NOT (vip == true)",
    "gone == null AND language IN ['a', 'ab']",
    "nested.a != null",
    "skills[0] != 'a'",
]
DOCUMENTS: list[dict[str, Any]] = [
    {"skills": ["a", "ab"], "level": 5, "name": "ab", "vip": False, "language": "a", "nested": {"a": 1}},
    {"skills": ["ab"], "level": "5", "lvl": "5.0", "name": "b", "vip": True, "language": "ab"},
    {"skills": "a", "level": None, "name": "", "gone": 0, "language": "b", "nested": {"b": 2}},
    {"lvl": 5, "nested": {"a": ""}, "language": "a", "skills": []},
]


def a_worker(centre: Centre, document: dict[str, Any]) -> str:
    """Return the SID of a worker with these attributes."""
    made = centre.api.workers.create(friendly_name=str(DOCUMENTS.index(document)), attributes=json.dumps(document))
    return str(made.sid)


def test_a_workers_list_and_a_queue_agree(centre: Centre) -> None:
    workers = {a_worker(centre, document): n for n, document in enumerate(DOCUMENTS)}
    for number, expression in enumerate(EXPRESSIONS):
        queue = centre.queue(f"Q{number}", target_workers=expression)
        listed = [each.sid for each in centre.api.workers.list(target_workers_expression=expression)]
        assert listed == [each.sid for each in centre.api.workers.list(task_queue_sid=queue)], expression
        for sid, index in workers.items():
            of_worker = {each.sid for each in centre.api.task_queues.list(worker_sid=sid)}
            of_document = centre.api.task_queues.list(evaluate_worker_attributes=json.dumps(DOCUMENTS[index]))
            assert (queue in of_worker) is (sid in listed) is (queue in {each.sid for each in of_document}), expression


def test_a_tasks_list_and_a_workflow_filter_agree(centre: Centre) -> None:
    yes, no = centre.queue("Yes", target_workers="1==0"), centre.queue("No", target_workers="1==0")
    for expression in EXPRESSIONS:
        flow = centre.workflow({"expression": expression, "targets": [{"queue": yes}]}, default=no)
        made = {centre.task(flow, document).sid for document in DOCUMENTS}
        listed = {each.sid for each in centre.api.tasks.list(evaluate_task_attributes=expression, workflow_sid=flow)}
        routed = {each.sid for each in centre.api.tasks.list(task_queue_sid=yes, workflow_sid=flow)}
        assert listed == routed <= made, expression


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=naive.TREES, spelling=st.integers(0, 5))
def test_a_list_says_what_the_plain_rules_say(centre: Centre, tree: naive.Tree, spelling: int) -> None:
    """Random expressions through the front door."""
    known = {str(each.sid): json.loads(each.attributes) for each in centre.api.workers.list()}
    if not known:
        known = {a_worker(centre, document): document for document in DOCUMENTS}
    written = naive.text(tree, spelling)
    listed = {each.sid for each in centre.api.workers.list(target_workers_expression=written)}
    assert listed == {sid for sid, document in known.items() if naive.holds(tree, document)}, written


@pytest.mark.parametrize(
    ("what", "parameter"),
    [
        ("workers", "target_workers_expression"),
        ("tasks", "evaluate_task_attributes"),
    ],
)
def test_a_filter_that_does_not_parse_is_refused_at_its_place(centre: Centre, what: str, parameter: str) -> None:
    with pytest.raises(TwilioException, match=r'HTTP 400 {"code":20001.*position 5'):
        getattr(centre.api, what).list(**{parameter: "skill-level > 3"})
