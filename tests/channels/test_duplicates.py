"""A carrier's copies, to two processes and after virtual days, are stored once (channels.md §8.1, §8.3)."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from twilio.request_validator import RequestValidator

from parlour.store.postgres.folder import DataFolder
from tests.carrier import eventually
from tests.channels.street import ANSWERED, Street, post, street
from tests.conftest import free_port, wait_for_server
from tests.forking import start


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("duplicates"), "--test-clock") as one:
        yield one


def repeat(world: Street, sid: str) -> None:
    """Have the carrier post a text once more, and wait until that was accepted."""
    before = len(world.carrier.ledger("inbound.accepted"))
    world.carrier.call("/_sim/repeat", {"sid": sid})
    eventually(lambda: len(world.carrier.ledger("inbound.accepted")) > before)


def test_a_copy_a_week_and_three_weeks_later_is_stored_once_though_its_body_is_forgotten(world: Street) -> None:
    handset, number = world.fresh_address()
    sid = world.carrier.text(handset, number, "only one of me")
    conversation = eventually(lambda: world.conversation_of(handset))
    for days in (7, 14):
        world.server.advance(days * 86400)
        repeat(world, sid)
        world.server.settle()
        assert world.texts(conversation) == ["only one of me"]
        assert len(world.client.messages.list(from_=handset)) == 1


def test_first_texts_to_two_processes_make_one_conversation_and_each_is_stored_once(
    world: Street, tmp_path: Path
) -> None:
    address = DataFolder(world.data).status().address
    assert address is not None
    port = free_port()
    log = tmp_path / "second.log"
    command = ["serve", "--demo", "--database-url", address.dsn]
    command += ["--data", str(world.data), "--port", str(port), "--public-url", f"http://127.0.0.1:{port}"]
    with log.open("wb") as output:
        second = start(*command, output=output)
    try:
        wait_for_server(f"http://127.0.0.1:{port}", second, log)
        handset = world.fresh()[0]
        urls = [world.inbound_url, world.inbound_url.replace(world.server.url, f"http://127.0.0.1:{port}")]
        forms = [
            {"MessageSid": f"SM{count:032x}", "From": handset, "To": ANSWERED, "Body": f"burst {count}"}
            for count in range(12)
        ]
        signer = RequestValidator(world.carrier.auth_token)
        calls = [(url, form, signer.compute_signature(url, form)) for form in forms for url in (*urls, urls[0])]
        random.Random(7).shuffle(calls)
        with ThreadPoolExecutor(12) as pool:
            assert set(pool.map(lambda one: post(*one), calls)) == {200}
        conversation = eventually(lambda: world.conversation_of(handset))
        eventually(lambda: len(world.texts(conversation)) == len(forms))
        world.server.settle()
        assert sorted(world.texts(conversation)) == sorted(form["Body"] for form in forms)
        messages = world.client.conversations.v1.conversations(conversation).messages.list()
        assert [one.index for one in messages] == list(range(len(forms)))
        assert len(world.client.conversations.v1.participant_conversations.list(address=handset)) == 1
        assert len(world.client.messages.list(from_=handset)) == len(forms)
    finally:
        second.terminate()
        second.wait(30)
