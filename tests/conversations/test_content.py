"""Content templates: made through the Content API, sent into conversations and as texts (conversations.md §4.1)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from twilio.rest import Client

from tests.conftest import running_server
from tests.conversations.calls import number, own_number, refusal


def call(twilio: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Call the Content API with JSON."""
    headers = {"Content-Type": "application/json"}
    answer = twilio.request(method, f"https://content.twilio.com{path}", data=body, headers=headers)
    return answer.status_code, json.loads(answer.text) if answer.text else None


def template(twilio: Client, types: dict[str, Any], **more: Any) -> str:
    """Make a template and return its SID."""
    status, body = call(twilio, "POST", "/v1/Content", {"language": "en", "types": types, **more})
    assert status == 201, body
    return str(body["sid"])


def talk(twilio: Client) -> Any:
    return twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)


GREETING = {"twilio/text": {"body": "Hello {{name}}, see you {{2}}"}}


def test_a_template_is_made_listed_and_deleted(twilio: Client) -> None:
    sid = template(twilio, GREETING, friendly_name="greeting", variables={"name": "you"})
    shown = twilio.content.v1.contents(sid).fetch()
    assert (shown.friendly_name, shown.language, shown.types, shown.variables) == (
        "greeting", "en", GREETING, {"name": "you"}
    )  # fmt: skip
    assert shown.links["approval_fetch"].endswith(f"/v1/Content/{sid}/ApprovalRequests")
    assert twilio.content.v1.contents.list(limit=1)[0].sid == sid
    assert twilio.content.v1.contents(sid).delete()
    assert refusal(twilio.content.v1.contents(sid).fetch).status == 404


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"language": "english!"}, "language"),
        ({"types": {}}, "types"),
        ({"types": {"twilio/pigeon": {"body": "x"}}}, "twilio/pigeon"),
        ({"types": {"twilio/text": {}}}, "body"),
        ({"types": {"twilio/text": {"body": "x" * 1601}}}, "body"),
        ({"types": {"twilio/location": {"latitude": "north", "longitude": 1}}}, "latitude"),
        ({"types": {"twilio/quick-reply": {"body": "x", "actions": []}}}, "actions"),
        ({"variables": {"1": 2}}, "variables"),
        ({"friendly_name": "x" * 451}, "friendly_name"),
    ],
)
def test_a_wrong_template_is_refused_by_name(twilio: Client, wrong: dict[str, Any], name: str) -> None:
    status, body = call(twilio, "POST", "/v1/Content", {"language": "en", "types": GREETING, **wrong})
    assert (status, body["code"]) == (400, 20001)
    assert name in body["message"]


def test_a_message_says_what_its_template_says(twilio: Client) -> None:
    sid = template(twilio, GREETING, variables={"name": "you"})
    messages = talk(twilio).messages
    variables = json.dumps({"name": "John", "2": "at 5"})
    message = messages.create(author="ana", body="ignored", content_sid=sid, content_variables=variables)
    assert (message.body, message.content_sid) == ("Hello John, see you at 5", sid)
    assert messages(message.sid).fetch().content_sid == sid
    assert messages.create(content_sid=sid).body == "Hello you, see you {{2}}", "defaults; the rest stays"
    twilio.content.v1.contents(sid).delete()
    assert messages(message.sid).fetch().body == "Hello John, see you at 5"


@pytest.mark.parametrize(
    ("types", "body"),
    [
        (
            {"twilio/quick-reply": {"body": "Sure?", "actions": [{"title": "Yes", "id": "y"}, {"title": "No"}]}},
            "Sure?\n- Yes\n- No",
        ),
        (
            {"twilio/call-to-action": {"body": "Buy", "actions": [{"title": "Shop", "url": "https://a.example"}]}},
            "Buy\n- Shop: https://a.example",
        ),
        (
            {
                "twilio/list-picker": {
                    "body": "Pick",
                    "button": "Go",
                    "items": [{"item": "A", "id": "a", "description": "first"}, {"item": "B", "id": "b"}],
                }
            },
            "Pick\n- A: first\n- B",
        ),
        ({"twilio/location": {"latitude": 39.7, "longitude": 104.9, "label": "Here"}}, "Here\n39.7,104.9"),
        ({"twilio/card": {"title": "Card", "subtitle": "Sub"}}, "Card\nSub"),
        ({"twilio/media": {"body": "Look", "media": ["https://a.example/x.png"]}}, "Look"),
        ({"twilio/media": {"media": ["https://a.example/x.png"]}}, None),
        ({"twilio/card": {"title": "Card"}, "twilio/text": {"body": "Plain"}}, "Plain"),
    ],
)
def test_every_type_has_words(twilio: Client, types: dict[str, Any], body: str | None) -> None:
    assert talk(twilio).messages.create(content_sid=template(twilio, types)).body == body


def test_what_cannot_be_sent_is_refused_with_its_code(twilio: Client) -> None:
    messages = talk(twilio).messages
    assert refusal(messages.create, content_sid="HX-nothing").code == 50526
    assert refusal(messages.create, content_sid="HX" + "0" * 32).code == 50526
    assert refusal(messages.create, body="x", content_variables="{}").code == 50528
    sid = template(twilio, GREETING)
    assert refusal(messages.create, content_sid=sid, content_variables="{half").code == 20001
    kept_only = template(twilio, {"twilio/flows": {"body": "x"}})
    assert refusal(messages.create, content_sid=kept_only).code == 50542
    assert messages.list() == []


def test_a_template_is_approved_by_the_operator_only(tmp_path: Path) -> None:
    with running_server(tmp_path, "start", "--demo", "--data", str(tmp_path / "data")) as server:
        submit_and_decide(server.client(), tmp_path / "data")


def submit_and_decide(twilio: Client, data: Path) -> None:
    sid = template(twilio, GREETING)
    path = f"/v1/Content/{sid}/ApprovalRequests"
    assert call(twilio, "GET", path)[1]["whatsapp"] == {"type": "whatsapp", "status": "unsubmitted"}
    assert call(twilio, "POST", f"{path}/whatsapp", {"name": "Bad Name", "category": "UTILITY"})[0] == 400
    assert call(twilio, "POST", f"{path}/whatsapp", {"name": "greeting", "category": "NEWS"})[0] == 400
    status, body = call(twilio, "POST", f"{path}/whatsapp", {"name": "greeting", "category": "UTILITY"})
    assert (status, body["status"], body["content_type"]) == (201, "received", "twilio/text")
    assert call(twilio, "POST", f"{path}/whatsapp", {"name": "again", "category": "UTILITY"})[0] == 409
    parlour = [sys.executable, "-m", "parlour.cli.main", "content", "decide", sid]
    subprocess.run([*parlour, "rejected", "--data", str(data), "--reason", "too loud"], check=True, timeout=60)
    assert call(twilio, "GET", path)[1]["whatsapp"]["rejection_reason"] == "too loud"
    assert call(twilio, "POST", f"{path}/whatsapp", {"name": "again", "category": "UTILITY"})[0] == 201
    [shown] = [one for one in twilio.content.v1.content_and_approvals.list(limit=5) if one.sid == sid]
    assert shown.approval_requests["status"] == "received"


def test_a_direct_text_says_what_its_template_says(twilio: Client) -> None:
    sender = own_number(twilio)
    order = {"to": number(), "from_": sender}
    sid = template(twilio, {"twilio/media": {"body": "Hi {{1}}", "media": ["https://a.example/x.png"]}})
    sent = twilio.messages.create(**order, content_sid=sid, content_variables='{"1": "Ana"}')
    assert (sent.body, sent.num_media) == ("Hi Ana", "1")
    assert refusal(twilio.messages.create, **order, content_sid="HX" + "0" * 32).code == 21654
    assert refusal(twilio.messages.create, **order, content_sid=sid, content_variables="[]").code == 21656
    assert refusal(twilio.messages.create, **order, body="x", content_variables="{}").code == 21654
