"""What a caller of the REST API sees of a conversation's life (conversations.md §2)."""

import pytest
from twilio.rest import Client

from tests.conversations.calls import raw, refusal

KEYS = {
    "sid", "account_sid", "chat_service_sid", "messaging_service_sid", "friendly_name", "unique_name", "attributes",
    "state", "date_created", "date_updated", "timers", "url", "links", "bindings",
}  # fmt: skip


def test_a_new_conversation_shows_every_published_key(twilio: Client) -> None:
    status, body = raw(twilio, "POST", "/v1/Conversations", FriendlyName="Visit", Attributes='{"a": 1}')
    assert status == 201
    assert body.keys() == KEYS
    assert body["state"] == "active"
    assert body["timers"] == {}
    assert body["attributes"] == '{"a": 1}'
    assert body["links"].keys() == {"participants", "messages", "webhooks", "export"}
    assert body["url"].endswith(f"/conversations/v1/Conversations/{body['sid']}")


def test_a_conversation_is_found_by_its_unique_name_until_it_is_deleted(twilio: Client) -> None:
    made = twilio.conversations.v1.conversations.create(unique_name="case-7")
    assert twilio.conversations.v1.conversations("case-7").fetch().sid == made.sid
    error = refusal(twilio.conversations.v1.conversations.create, unique_name="case-7")
    assert (error.status, error.code) == (409, 50353)
    assert twilio.conversations.v1.conversations("case-7").delete()
    assert refusal(twilio.conversations.v1.conversations(made.sid).fetch).code == 20404
    assert twilio.conversations.v1.conversations.create(unique_name="case-7").sid != made.sid


def test_both_levels_show_the_same_conversation_with_urls_of_their_own(twilio: Client) -> None:
    made = twilio.conversations.v1.conversations.create(friendly_name="Both")
    service = twilio.conversations.v1.services(made.chat_service_sid)
    found = service.conversations(made.sid).fetch()
    assert found.friendly_name == "Both"
    assert f"/Services/{made.chat_service_sid}/Conversations/" in found.url


def test_a_conversation_of_another_service_is_not_on_the_short_path(twilio: Client) -> None:
    service = twilio.conversations.v1.services.create(friendly_name="Other")
    made = twilio.conversations.v1.services(service.sid).conversations.create(unique_name="elsewhere")
    assert made.chat_service_sid == service.sid
    assert refusal(twilio.conversations.v1.conversations(made.sid).fetch).code == 20404
    assert refusal(twilio.conversations.v1.conversations("elsewhere").fetch).code == 20404
    assert refusal(twilio.conversations.v1.conversations(made.sid).messages.create, body="x").code == 20404


def test_an_update_changes_what_it_names_and_nothing_else(twilio: Client) -> None:
    made = twilio.conversations.v1.conversations.create(friendly_name="Old", attributes='{"k":1}')
    changed = twilio.conversations.v1.conversations(made.sid).update(friendly_name="New")
    assert (changed.friendly_name, changed.attributes) == ("New", '{"k":1}')
    assert refusal(twilio.conversations.v1.conversations(made.sid).update).code == 20161


def test_a_closed_conversation_can_be_read_and_never_written(twilio: Client) -> None:
    made = twilio.conversations.v1.conversations.create()
    conversation = twilio.conversations.v1.conversations(made.sid)
    conversation.messages.create(body="before")
    assert conversation.update(state="closed").state == "closed"
    for write in (
        lambda: conversation.messages.create(body="after"),
        lambda: conversation.participants.create(identity="late"),
        lambda: conversation.update(friendly_name="x"),
        lambda: conversation.update(state="active"),
    ):
        error = refusal(write)
        assert (error.status, error.code) == (400, 50377)
        assert "Can't update conversation as it's in final closed state" in error.msg
    assert [message.body for message in conversation.messages.list()] == ["before"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"state": "closed"}, 50384),
        ({"state": "initializing"}, 50378),
        ({"state": ""}, 50374),
        ({"timers_inactive": "PT30S"}, 50375),
        ({"timers_closed": "PT5M"}, 50376),
        ({"timers_inactive": "soon"}, 50379),
        ({"timers_closed": "P"}, 50380),
        ({"attributes": "{"}, 50304),
        ({"attributes": '{"a":"' + "x" * 16384 + '"}'}, 50303),
        ({"friendly_name": "x" * 257}, 50003),
        ({"unique_name": "CH" + "0" * 32}, 50390),
        ({"unique_name": "x" * 257}, 50004),
        ({"messaging_service_sid": ""}, 50340),
        ({"messaging_service_sid": "MG-nothing"}, 50341),
        ({"messaging_service_sid": "MG" + "0" * 32}, 50342),
        ({"bindings_email_address": "a@example.com"}, 20001),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_own_code(twilio: Client, parameters: dict[str, str], code: int) -> None:
    error = refusal(twilio.conversations.v1.conversations.create, **parameters)
    assert (error.status, error.code) == (400, code)


def test_the_list_is_newest_first_filtered_by_state_and_paged(twilio: Client) -> None:
    service_sid = twilio.conversations.v1.services.create(friendly_name="List").sid
    service = twilio.conversations.v1.services(service_sid)
    sids = [service.conversations.create(friendly_name=str(n)).sid for n in range(7)]
    service.conversations(sids[3]).update(state="inactive")
    assert [row.sid for row in service.conversations.list(page_size=3)] == sids[::-1]
    assert [row.sid for row in service.conversations.list(state="inactive")] == [sids[3]]
    status, body = raw(twilio, "GET", f"/v1/Services/{service_sid}/Conversations?PageSize=3&State=active")
    assert status == 200
    assert body["meta"].keys() == {
        "page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key",
    }  # fmt: skip
    assert "State=active&PageSize=3&Page=1&PageToken=" in body["meta"]["next_page_url"]


def test_dates_of_an_imported_conversation_are_kept_and_filtered(twilio: Client) -> None:
    service = twilio.conversations.v1.services(twilio.conversations.v1.services.create(friendly_name="Import").sid)
    made = service.conversations.create(date_created="2019-05-01T10:00:00Z", date_updated="2019-05-02T10:00:00Z")
    service.conversations.create()
    assert made.date_created.isoformat() == "2019-05-01T10:00:00+00:00"
    found = service.conversations.list(start_date="2019-05-01T00:00:00Z", end_date="2019-05-01T23:59:59Z")
    assert [row.sid for row in found] == [made.sid]
    for query, expected in (
        ("StartDate=2019-05-01&EndDate=2019-05-01", [made.sid]),
        ("EndDate=2019-05-01T10:00:00Z", [made.sid]),
        ("EndDate=2019-04-30", []),
    ):
        _, body = raw(twilio, "GET", f"/v1/Services/{made.chat_service_sid}/Conversations?{query}")
        assert [row["sid"] for row in body["conversations"]] == expected
    status, body = raw(twilio, "GET", "/v1/Conversations?EndDate=tomorrow")
    assert (status, "EndDate" in body["message"]) == (400, True)
    assert refusal(service.conversations.create, date_created="yesterday").code == 50308
