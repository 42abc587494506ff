"""What a carrier repeats, to whichever server, is stored once; what it did not sign is not (channels.md §8.3)."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from twilio.request_validator import RequestValidator

from tests.carrier import eventually
from tests.channels.street import post
from tests.faults.world import MESSAGING_NUMBER, World

HANDSETS = 6
TEXTS = 5  # of each handset
WEEK = 7 * 86400
Form = dict[str, str]


def text(world: World, handset: str, body: str, chance: random.Random) -> Form:
    return {
        "MessageSid": f"SM{chance.getrandbits(128):032x}",
        "AccountSid": world.carrier.account_sid,
        "From": handset,
        "To": MESSAGING_NUMBER,
        "Body": body,
    }


def deliver(world: World, forms: Iterable[Form], chance: random.Random) -> int:
    """Post each form one to five times, to a server each, in any order and at once; return how many posts that were."""
    urls = world.inbound_urls()
    calls = [(chance.choice(urls), form) for form in forms for _ in range(chance.randint(1, 5))]
    chance.shuffle(calls)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda call: world.deliver(*call), calls)) == {200}
    return len(calls)


def stored(world: World, handset: str) -> list[str]:
    """Return the texts of a handset in all its conversations, from both servers alternately."""
    client = world.client(len(handset) % 2)
    found = client.conversations.v1.participant_conversations.list(address=handset)
    return [
        message.body
        for one in found
        for message in client.conversations.v1.conversations(one.conversation_sid).messages.list()
        if message.author == handset
    ]


def has(world: World, handset: str, bodies: list[str]) -> bool:
    """Say whether all these texts of a handset are stored, and maybe more."""
    return Counter(stored(world, handset)) >= Counter(bodies)


def check(world: World, forms: list[Form]) -> None:
    by_handset: dict[str, list[str]] = {}
    for form in forms:
        by_handset.setdefault(form["From"], []).append(form["Body"])
    for handset, bodies in by_handset.items():
        eventually(partial(has, world, handset, bodies), seconds=30, what=handset)
        assert Counter(stored(world, handset)) == Counter(bodies)
        logged = world.client().messages.list(from_=handset)
        assert Counter(row.body for row in logged) == Counter(bodies)


def test_copies_to_two_servers_with_a_restart_between_them_and_a_week_later_are_stored_once(
    pair: World, say: Callable[[str], None]
) -> None:
    chance = random.Random(5)
    handsets = [pair.handset() for _ in range(HANDSETS)]
    forms = [text(pair, handset, f"{number} of {handset}", chance) for handset in handsets for number in range(TEXTS)]
    posts = deliver(pair, forms, chance)
    pair.servers[1].restart()
    posts += deliver(pair, forms, chance)
    check(pair, forms)
    assert pair.doctor() == []
    pair.servers[0].call(f"/_clock/advance?seconds={WEEK}")
    pair.servers[1].restart()
    posts += deliver(pair, forms, chance)
    pair.servers[0].call("/_clock/settle")
    check(pair, forms)
    # The tasks ran out after a day; conversations without one are what invariant 4 is there to report.
    assert {finding["name"][:2] for finding in pair.doctor()} <= {"4."}
    say(f"{posts} webhooks of {len(forms)} texts: each stored once")


def test_webhooks_that_are_not_signed_for_their_body_and_address_are_refused_and_nothing_is_stored(pair: World) -> None:
    chance = random.Random(6)
    handset = pair.handset()
    first, second = pair.inbound_urls()
    signer, stranger = RequestValidator(pair.carrier.auth_token), RequestValidator("f" * 32)
    for url, other in ((first, second), (second, first)):
        form = text(pair, handset, "let me in", chance)
        changed = {**form, "Body": "let us in"}
        added = {**form, "NumMedia": "1", "MediaUrl0": "https://files.example.com/1", "MediaContentType0": "image/png"}
        public = url.replace("http://127.0.0.1", "https://parlour.example.com", 1)
        for sent, signature in (
            (form, None),
            (form, ""),
            (form, "not a signature"),
            (form, stranger.compute_signature(url, form)),
            (changed, signer.compute_signature(url, form)),
            (added, signer.compute_signature(url, form)),
            (form, signer.compute_signature(other, form)),
            (form, signer.compute_signature(public, form)),
            (form, signer.compute_signature(f"{url}?account=other", form)),
        ):
            assert post(url, sent, signature) == 403, signature
    pair.servers[0].call("/_clock/settle")
    assert stored(pair, handset) == []
    assert pair.client().conversations.v1.participant_conversations.list(address=handset) == []
    assert pair.client().messages.list(from_=handset) == []
    assert pair.deliver(first, text(pair, handset, "now I am signed", chance)) == 200
    eventually(lambda: stored(pair, handset) == ["now I am signed"])
