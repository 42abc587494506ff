"""The server works for agents without a desktop: accept, wrap up, complete; per worker and per queue."""

from typing import Any

import pytest

from tests.interactions.conftest import Desk, Engagement


def setting(desk: Desk, sid: str, **form: str) -> Any:
    return desk.own("POST", f"/parlour/v1/Flex/Orchestration/{sid}", **form)


def held(desk: Desk, worker: str, status: str) -> int:
    return len(desk.centre.offers(worker, status))


def ends_as_by_a_click(work: Engagement) -> None:
    assert (work.state, work.status, work.members()) == ("closed", "closed", {work.customer})


@pytest.mark.parametrize("of", ["worker", "queue", "account"])
def test_offers_are_accepted_for_whom_it_is_set(desk: Desk, of: str) -> None:
    carla = desk.worker("Carla")
    sid = {"worker": carla, "queue": desk.queue, "account": desk.client.account_sid}[of]
    setting(desk, sid, AutoAccept="true")
    work = desk.engage()
    assert held(desk, carla, "accepted") == 1
    assert work.members() == {work.customer, "Carla"}
    desk.own("DELETE", f"/parlour/v1/Flex/Orchestration/{sid}")
    desk.engage()
    assert held(desk, carla, "pending") == 1


def test_what_is_set_for_the_worker_wins_over_the_queue(desk: Desk) -> None:
    carla = desk.worker("Carla")
    setting(desk, desk.queue, AutoAccept="true")
    setting(desk, carla, AutoAccept="false")
    desk.engage()
    assert held(desk, carla, "pending") == 1


@pytest.mark.parametrize("of", ["worker", "queue"])
def test_silence_wraps_up_and_a_limit_completes(desk: Desk, of: str) -> None:
    carla = desk.worker("Carla")
    setting(desk, carla if of == "worker" else desk.queue, WrapUpAfter="300", MaximumWrapUp="60")
    work = desk.engage()
    work.accepted_by(carla)
    desk.centre.server.advance(200)
    work.says(work.customer)
    desk.centre.server.advance(200)
    assert held(desk, carla, "accepted") == 1  # somebody wrote
    desk.centre.server.advance(101)
    assert (held(desk, carla, "wrapping"), work.state) == (1, "closed")
    desk.centre.server.advance(61)
    assert held(desk, carla, "completed") == 1
    ends_as_by_a_click(work)


def test_nothing_is_done_for_those_who_did_not_ask(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    assert held(desk, carla, "pending") == 1
    work.accepted_by(carla)
    desk.centre.server.advance(3600)
    assert held(desk, carla, "accepted") == 1


def test_a_queue_may_keep_the_conversation_open_until_completion(desk: Desk) -> None:
    carla = desk.worker("Carla")
    setting(desk, desk.queue, CloseAt="completion")
    work = desk.engage()
    work.accepted_by(carla)
    work.api.update(status="closed", routing={"status": "wrapup"})
    assert (work.state, work.status, held(desk, carla, "wrapping")) == ("active", "active", 1)
    work.api.update(status="closed", routing={"status": "closed"})
    ends_as_by_a_click(work)


@pytest.mark.parametrize(("policy", "state"), [("wake", "active"), ("close", "closed")])
def test_a_queue_says_what_follows_on_a_task_that_taskrouter_ended(desk: Desk, policy: str, state: str) -> None:
    setting(desk, desk.queue, OnTaskEnd=policy)
    work = desk.engage(timeout=60)
    desk.centre.server.advance(61)
    assert (work.tasks(), work.state) == ([], state)
