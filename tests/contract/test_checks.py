"""The checks themselves: what they must complain about, they complain about."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from parlour.rest.recorder import VARIABLE, Recorder
from tests.contract import published, traffic
from tests.contract.closed import check_answer
from tests.contract.coverage import Coverage
from tests.contract.published import DocumentsMissing, Published, documents, find

SID = "0123456789abcdef0123456789abcdef"
URL = "https://conversations.twilio.com/v1/Conversations"
TALK: dict[str, Any] = {
    "account_sid": f"AC{SID}",
    "chat_service_sid": f"IS{SID}",
    "messaging_service_sid": f"MG{SID}",
    "sid": f"CH{SID}",
    "friendly_name": "Talk",
    "unique_name": None,
    "attributes": "{}",
    "state": "active",
    "date_created": "2026-01-02T03:04:05Z",
    "date_updated": "2026-01-02T03:04:05Z",
    "timers": {},
    "url": f"{URL}/CH{SID}",
    "links": {"participants": f"{URL}/CH{SID}/Participants"},
    "bindings": {},
}


def operation(method: str, path: str) -> Published:
    """Return a published operation of Conversations."""
    found = find("conversations", method, path)
    assert found is not None
    return found


FETCH = ("GET", "/v1/Conversations/{Sid}")


def test_the_published_shape_passes() -> None:
    assert check_answer(operation(*FETCH), 200, TALK) == []


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("sid", f"IM{SID}", "which is not ^CH"),
        ("sid", None, "is null"),
        ("friendly_name", 5, "is int, published: string"),
        ("state", "frozen", "published: initializing, inactive, active, closed"),
        ("date_created", "2026-01-02T03:04:05.678Z", "which is no date-time"),
        ("url", "/v1/Conversations", "which is no uri"),
        ("links", {"participants": "nowhere"}, "which is no uri-map"),
        ("links", [], "is list, published: object"),
        ("extra", 1, "is not published"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object, complaint: str) -> None:
    problems = check_answer(operation(*FETCH), 200, {**TALK, key: value})
    assert [problem.key for problem in problems] == [key]
    assert complaint in problems[0].what


@pytest.mark.parametrize("key", sorted(TALK))
def test_a_missing_key_is_named(key: str) -> None:
    without = {name: value for name, value in TALK.items() if name != key}
    assert [problem.what for problem in check_answer(operation(*FETCH), 200, without)] == ["is missing"]


def test_an_empty_object_is_no_answer() -> None:
    assert len(check_answer(operation(*FETCH), 200, {})) == len(TALK)


def test_a_list_needs_every_key_of_its_envelope() -> None:
    meta = {"page": 0, "page_size": 50, "first_page_url": URL, "url": URL, "key": "conversations"}
    listed: dict[str, Any] = {
        "conversations": [TALK],
        "meta": {**meta, "previous_page_url": None, "next_page_url": None},
    }
    read = operation("GET", "/v1/Conversations")
    assert check_answer(read, 200, listed) == []
    short = copy.deepcopy(listed)
    del short["meta"]["next_page_url"]
    assert [problem.key for problem in check_answer(read, 200, short)] == ["next_page_url"]
    assert check_answer(read, 200, {**listed, "conversations": [{**TALK, "sid": 1}]})


def test_another_status_and_a_body_where_none_is_are_named() -> None:
    assert "published: 200" in check_answer(operation(*FETCH), 202, TALK)[0].what
    assert check_answer(operation("DELETE", "/v1/Conversations/{Sid}"), 204, TALK)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": 20404, "message": "No", "more_info": "x", "status": 400},
        {"code": "20404", "message": "No", "more_info": "x", "status": 404},
        {"code": 20404, "message": "No", "more_info": "x", "status": 404, "title": "x"},
        None,
    ],
)
def test_an_error_needs_its_envelope(body: object) -> None:
    assert check_answer(operation(*FETCH), 404, body)
    good = {"code": 20404, "message": "No", "more_info": "x", "status": 404}
    assert check_answer(operation(*FETCH), 404, good) == []


def test_the_totals_of_the_documents_are_those_of_the_rules() -> None:
    totals = {
        name: (len(document.operations), sum(len(each.parameters) for each in document.operations))
        for name, document in documents().items()
    }
    assert totals["conversations_v1"] == (103, 357)
    assert totals["taskrouter_v1"] == (61, 311)
    assert totals["flex_v2"] == (3, 9)
    assert totals["flex_v1"][0] == 73
    assert (totals["studio_v2"][0], totals["studio_v1"][0]) == (19, 20)


def test_a_package_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(DocumentsMissing, match="the lock file says"):
        published._check(archive, "sha512-AAAA")


def line(values: str, *, status: int = 201, agent: str = "twilio-python/9") -> str:
    """Return a recorded creation of a conversation."""
    return json.dumps(
        {
            "method": "POST",
            "product": "conversations",
            "route": "/v1/Conversations",
            "path": {},
            "query": {},
            "form": {"State": [values], "NoSuchParameter": ["1"]},
            "headers": {},
            "status": status,
            "answer": None,
            "media_type": "application/json",
            "caller": "account",
            "agent": agent,
        }
    )


@pytest.mark.parametrize(
    ("lines", "called", "used", "enums"),
    [
        ([line("active"), line("inactive")], 1, 1, 2),
        ([line("active"), line("active")], 1, 0, 1),
        ([line("active"), line("inactive", status=400)], 1, 0, 1),
        ([line("active", agent="curl/8"), line("inactive", agent="curl/8")], 0, 1, 2),
        ([line("active"), line("inactive")[:40]], 1, 0, 1),
    ],
)
def test_coverage_counts_what_succeeded(tmp_path: Path, lines: list[str], called: int, used: int, enums: int) -> None:
    file = tmp_path / "traffic.jsonl"
    file.write_text("\n".join(lines) + "\n")
    coverage = Coverage(documents(), [], traffic.read(file))
    row = next(row for row in coverage.rows() if row.document == "conversations_v1")
    assert (row.called, row.used, row.enum_used, row.served) == (called, used, enums, 0)
    assert coverage.page() == Coverage(documents(), [], traffic.read(file)).page()


def test_nothing_is_recorded_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Recorder.from_environment() is None
