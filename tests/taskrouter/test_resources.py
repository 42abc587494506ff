"""The resources that configure routing: created, read, listed, changed, refused (taskrouter.md §1)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.taskrouter import provision, store
from tests.taskrouter.conftest import Centre, eventually


def refused(call: Callable[[], Any], words: str, status: int = 400) -> None:
    """The call is refused with the status and these words; lists of the client raise an error without fields."""
    with pytest.raises(TwilioException) as caught:
        call()
    assert f"HTTP {status}" in str(caught.value)
    assert words in str(caught.value)


def test_a_new_workspace_has_activities_and_task_channels(centre: Centre) -> None:
    """§1.4."""
    workspace = centre.api.fetch()
    assert (workspace.default_activity_name, workspace.timeout_activity_name) == ("Offline", "Offline")
    assert (workspace.multi_task_enabled, workspace.prioritize_queue_order) == (True, "FIFO")
    activities = {each.friendly_name: each.available for each in centre.api.activities.list()}
    assert activities == {"Offline": False, "Available": True, "Unavailable": False}
    names = {each.unique_name for each in centre.api.task_channels.list()}
    assert names == {"default", "video", "sms", "voice", "chat"}
    changed = centre.api.update(
        friendly_name="Other",
        default_activity_sid=centre.activities["Available"],
        prioritize_queue_order="LIFO",
        event_callback_url="https://example.com/e",
        events_filter="task.created, worker.created",
    )
    assert (changed.friendly_name, changed.default_activity_name) == ("Other", "Available")
    assert (changed.prioritize_queue_order, changed.events_filter) == ("LIFO", "task.created, worker.created")
    assert changed.event_callback_url == "https://example.com/e"
    refused(lambda: centre.api.update(multi_task_enabled=False), "MultiTaskEnabled")
    found = centre.client.taskrouter.v1.workspaces.list(friendly_name="Other")
    assert centre.sid in {each.sid for each in found}
    ana = centre.worker("Ana")
    assert centre.offer(ana, centre.task(centre.workflow(default=centre.queue())).sid)
    assert centre.api.delete()
    refused(centre.api.fetch, "not found", 404)


def test_template_fifo_adds_a_queue_and_a_workflow(centre: Centre) -> None:
    made = centre.client.taskrouter.v1.workspaces.create(friendly_name="F", template="FIFO")
    api = centre.client.taskrouter.v1.workspaces(made.sid)
    (queue,) = api.task_queues.list()
    (workflow,) = api.workflows.list()
    assert (queue.friendly_name, queue.target_workers, queue.task_order) == ("Sample Queue", "1==1", "FIFO")
    assert (workflow.friendly_name, workflow.task_reservation_timeout) == ("Default Fifo Workflow", 120)
    assert api.tasks.create().workflow_sid == workflow.sid


def test_activities(centre: Centre) -> None:
    """§1.5: the flag of an activity never changes; what is in use stays."""
    made = centre.api.activities.create(friendly_name="Lunch", available=True)
    refused(lambda: centre.api.activities.create(friendly_name="Lunch"), "same friendly name")
    api = centre.api.activities(made.sid)
    assert api.update(friendly_name="Tea").friendly_name == "Tea"
    assert api.fetch().available is True
    assert [each.sid for each in centre.api.activities.list(friendly_name="Tea")] == [made.sid]
    assert len(centre.api.activities.list(available="nope")) == 2
    ana = centre.worker("Ana")
    centre.api.workers(ana).update(activity_sid=made.sid)
    refused(api.delete, f"worker {ana} is in it")
    centre.move(ana, "Offline")
    assert api.delete()
    refused(centre.api.activities(centre.activities["Offline"]).delete, "default or timeout activity")


def test_workers_and_their_filters(centre: Centre) -> None:
    ana = centre.worker("Ana", skills=["support"], level=5)
    ben = centre.worker("Ben", available=False, skills=["sales"], level=2)
    refused(lambda: centre.api.workers.create(friendly_name="aNA"), "Worker with the same friendly name already exists")
    refused(lambda: centre.api.workers.create(friendly_name="X" * 65), "FriendlyName")
    refused(lambda: centre.api.workers.create(friendly_name="Y", attributes="[1]"), "Attributes")
    refused(lambda: centre.api.workers.create(friendly_name="Y", attributes='{"a":"%s"}' % ("x" * 4096)), "Attributes")
    queue = centre.queue("S", target_workers='skills HAS "support"')

    def names(**filters: Any) -> list[str]:
        return [each.friendly_name for each in centre.api.workers.list(**filters)]

    assert names() == ["Ana", "Ben"]
    assert names(available="true") == ["Ana"]
    assert names(activity_name="Offline") == ["Ben"]
    assert names(activity_sid=centre.activities["Available"]) == ["Ana"]
    assert names(friendly_name="Ben") == ["Ben"]
    assert names(target_workers_expression="level < 5 AND sid == '" + ben + "'") == ["Ben"]
    assert names(task_queue_sid=queue) == names(task_queue_name="S") == ["Ana"]
    assert names(ordering="DateStatusChanged:desc") == ["Ben", "Ana"]
    refused(lambda: names(ordering="Name:asc"), "Ordering")
    refused(lambda: names(target_workers_expression="level >"), "at position 7")
    refused(lambda: names(activity_sid="WA1"), "ActivitySid")
    assert [each.friendly_name for each in centre.api.task_queues.list(worker_sid=ana)] == ["S"]
    assert centre.api.task_queues.list(evaluate_worker_attributes='{"skills":["sales"]}') == []
    changed = centre.api.workers(ben).update(friendly_name="Benjamin", attributes='{"level": 3 }')
    assert (changed.friendly_name, changed.attributes) == ("Benjamin", '{"level": 3 }')
    assert centre.api.workers(ben).delete()
    assert names() == ["Ana"]


def test_worker_channels(centre: Centre) -> None:
    """§5.1."""
    ana = centre.worker("Ana")
    channels = centre.api.workers(ana).worker_channels
    assert {each.task_channel_unique_name: each.configured_capacity for each in channels.list()} == dict.fromkeys(
        ("default", "video", "sms", "voice", "chat"), 1
    )
    made = centre.api.task_channels.create(friendly_name="Mail", unique_name="mail", channel_optimized_routing=True)
    mail = channels("mail").fetch()
    assert (mail.task_channel_sid, mail.available, mail.available_capacity_percentage) == (made.sid, True, 100)
    assert channels(mail.sid).update(capacity=3, available=False).configured_capacity == 3
    assert channels("mail").fetch().available is False
    refused(lambda: channels("mail").update(capacity=51), "Capacity")
    refused(lambda: centre.api.task_channels.create(friendly_name="M", unique_name="mail"), "unique name")
    refused(lambda: centre.api.task_channels.create(friendly_name="M", unique_name="e-mail"), "UniqueName")
    assert centre.api.task_channels("mail").update(friendly_name="Post").friendly_name == "Post"
    assert centre.api.task_channels("mail").delete()
    refused(channels("mail").fetch, "not found", 404)
    refused(centre.api.task_channels("default").delete, "default task channel")


def test_queues_refuse_what_does_not_parse(centre: Centre) -> None:
    """§1.5: a syntax error is 400/20001 with the parser's words."""
    refused(lambda: centre.queue(target_workers="skill-level > 3"), "extraneous input '-' expecting OPERATOR")
    refused(lambda: centre.queue(max_reserved_workers=51), "MaxReservedWorkers")
    sid = centre.queue(
        target_workers="level HAS 'x'",
        reservation_activity_sid=centre.activities["Unavailable"],
        assignment_activity_sid=centre.activities["Offline"],
    )
    queue = centre.api.task_queues(sid).fetch()
    assert (queue.reservation_activity_name, queue.assignment_activity_name) == ("Unavailable", "Offline")
    flow = centre.workflow(default=sid)
    ana = centre.worker("Ana", level=["x"])
    centre.api.workers(ana).update(attributes='{"level":"x"}')
    task = centre.task(flow)
    changed = centre.api.task_queues(sid).update(
        target_workers="level == 'x'", max_reserved_workers=2, task_order="LIFO", friendly_name="N"
    )
    assert (changed.max_reserved_workers, changed.task_order, changed.friendly_name) == (2, "LIFO", "N")
    assert centre.offer(ana, task.sid)
    refused(centre.api.task_queues(sid).delete, f"workflow {flow} routes to it")


def test_workflows_refuse_bad_configurations(centre: Centre) -> None:
    def create(configuration: object) -> Any:
        text = configuration if isinstance(configuration, str) else json.dumps(configuration)
        return centre.api.workflows.create(friendly_name="W", configuration=text)

    refused(lambda: create("{"), "not valid JSON")
    refused(lambda: create({"x": 1}), "task_routing")
    foreign = {"task_routing": {"default_filter": {"queue": "WQ" + "0" * 32}}}
    refused(lambda: create(foreign), "is no task queue of the workspace")
    queue = centre.queue()
    text = json.dumps({"task_routing": {"default_filter": {"queue": queue}, "note": "kept"}}, indent=1)
    made = create(text)
    assert (made.configuration, made.document_content_type) == (text, "application/json")
    api = centre.api.workflows(made.sid)
    changed = api.update(
        friendly_name="V",
        task_reservation_timeout=60,
        assignment_callback_url="https://example.com/a",
        fallback_assignment_callback_url="https://example.com/f",
    )
    assert (changed.friendly_name, changed.task_reservation_timeout) == ("V", 60)
    assert changed.assignment_callback_url == "https://example.com/a"
    assert [each.sid for each in centre.api.workflows.list(friendly_name="V")] == [made.sid]
    task = centre.task(made.sid)
    refused(api.delete, f"task {task.sid} follows it")
    centre.api.tasks(task.sid).delete()
    assert api.delete()


def test_tasks_take_and_show_their_parameters(centre: Centre) -> None:
    """§2.1."""
    queue = centre.queue(target_workers="1==0")
    flow = centre.workflow(default=queue)
    task = centre.task(
        flow, {"a": 1}, priority=7, timeout=60, task_channel="sms", virtual_start_time="2024-02-03T04:05:06Z"
    )
    shown = (task.priority, task.timeout, task.task_channel_unique_name, task.virtual_start_time.isoformat())
    assert shown == (7, 60, "sms", "2024-02-03T04:05:06+00:00")
    assert (task.workflow_sid, task.workflow_friendly_name, task.task_queue_friendly_name) == (flow, "Flow", "Everyone")
    assert (task.addons, task.ignore_capacity, task.routing_target) == ("{}", False, None)
    refused(lambda: centre.task(flow, virtual_start_time="2999-01-01T00:00:00Z"), "future")
    refused(lambda: centre.task(flow, virtual_start_time="1899-01-01T00:00:00Z"), "1900")
    refused(lambda: centre.task(flow, timeout=1_209_601), "Timeout")
    refused(lambda: centre.task(flow, priority=-1), "Priority")
    refused(lambda: centre.task(flow, task_channel="fax"), "TaskChannel")
    refused(lambda: centre.task(routing_target="XX1"), "has an invalid format")
    refused(lambda: centre.task("WW" + "0" * 32), "WorkflowSid")
    centre.workflow(default=queue)
    refused(centre.task, "WorkflowSid field is required")
    changed = centre.api.tasks(task.sid).update(
        attributes='{"b":2}', priority=9, task_channel="chat", virtual_start_time="2024-02-03T04:05:07Z"
    )
    assert (changed.attributes, changed.priority, changed.task_channel_unique_name) == ('{"b":2}', 9, "chat")
    straight = centre.task(routing_target=queue)
    assert (straight.task_queue_sid, straight.workflow_sid) == (queue, None)
    assert centre.task(routing_target=flow).workflow_sid == flow


def test_task_lists_filter_and_order(centre: Centre) -> None:
    """§1.1, §1.2."""
    one, two = centre.queue("One", target_workers="1==0"), centre.queue("Two", target_workers="1==0")
    flow = centre.workflow({"expression": "n > 2", "targets": [{"queue": two}]}, default=one)
    tasks = [centre.task(flow, {"n": n}, priority=n % 2).sid for n in range(5)]
    centre.api.tasks(tasks[0]).update(assignment_status="canceled")

    def found(**filters: Any) -> list[int]:
        return [tasks.index(each.sid) for each in centre.api.tasks.list(**filters)]

    assert found() == [0, 1, 2, 3, 4]
    assert found(assignment_status=["canceled"]) == [0]
    assert found(assignment_status=["pending,canceled"]) == [0, 1, 2, 3, 4]
    assert found(task_queue_name="Two") == found(task_queue_sid=two) == [3, 4]
    assert found(workflow_name="Flow", priority=1) == found(workflow_sid=flow, priority=1) == [1, 3]
    assert found(evaluate_task_attributes="n IN [1, 4]") == [1, 4]
    assert found(has_addons=True) == []
    assert found(ordering="Priority:desc,DateCreated:desc") == [3, 1, 4, 2, 0]
    assert found(ordering="DateCreated:desc", page_size=2) == [4, 3, 2, 1, 0]
    assert found(page_size=1, ordering="Priority:desc,VirtualStartTime:asc") == [1, 3, 0, 2, 4]
    refused(lambda: found(ordering="DateCreated:asc,VirtualStartTime:asc"), "exclude each other")
    refused(lambda: found(assignment_status=["x"]), "AssignmentStatus")
    refused(
        lambda: centre.api.tasks.list(page_size=1) and centre.api.tasks.page(page_number=2),
        "Absolute paging is not supported",
    )


def test_reservations_filter_and_take_no_voice_instruction(centre: Centre) -> None:
    flow = centre.workflow(default=centre.queue(max_reserved_workers=2))
    ana, ben = centre.worker("Ana"), centre.worker("Ben")
    task = centre.task(flow)
    offer = centre.offer(ana, task.sid)
    other = centre.offer(ben, task.sid)
    api = centre.api.tasks(task.sid).reservations
    assert [each.sid for each in api.list(worker_sid=ben)] == [other.sid]
    refused(lambda: api(offer.sid).update(instruction="dequeue"), "Instruction")
    refused(lambda: api(offer.sid).update(call_to="+1"), "CallTo")
    refused(lambda: api(offer.sid).update(reservation_status="timeout"), "ReservationStatus")
    refused(lambda: api(offer.sid).update(reservation_status="completed"), "currently pending")
    refused(centre.api.workers(ben).reservations(offer.sid).fetch, "not found", 404)
    assert api(offer.sid).update(instruction="reject").reservation_status == "rejected"
    assert centre.status(task.sid) == "reserved"
    assert api(other.sid).update(instruction="accept").reservation_status == "accepted"
    assert [each.sid for each in api.list(reservation_status="accepted")] == [other.sid]


def test_moving_a_task_to_another_channel_moves_the_capacity(centre: Centre) -> None:
    flow = centre.workflow(default=centre.queue())
    ana = centre.worker("Ana")
    task = centre.task(flow)
    offer = centre.offer(ana, task.sid)
    centre.api.workers(ana).reservations(offer.sid).update(reservation_status="accepted")
    centre.api.tasks(task.sid).update(task_channel="sms")
    channels = {
        each.task_channel_unique_name: each.assigned_tasks for each in centre.api.workers(ana).worker_channels.list()
    }
    assert (channels["chat"], channels["sms"]) == (0, 1)
    centre.api.tasks(task.sid).update(assignment_status="completed")
    assert eventually(
        lambda: centre.api.workers(ana).worker_channels("sms").fetch().available_capacity_percentage == 100
    )


async def test_another_account_sees_nothing(program: Program, account: Credentials) -> None:
    """Invariant 8."""
    other = await service.create_account(program.database, program.box, friendly_name="Other")
    made = await program.database.step(account.account_sid, provision.provision_flex)
    for sid in (other.account_sid, account.account_sid):
        found = await program.database.read(sid, lambda reader: store.workspace(reader, made.workspace_sid))
        assert (found is not None) is (sid == account.account_sid)
        queues = await program.database.read(sid, lambda reader: store.task_queues(reader, made.workspace_sid))
        assert [each.friendly_name for each in queues] == (["Everyone"] if sid == account.account_sid else [])
