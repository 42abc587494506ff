"""What of a conversation's message goes into a text (conversations.md §5.2)."""

from typing import Any

import pytest

from parlour.channels.sms.parts import BOUNDS, MIB, Parts, of_message

MMS_MAX = BOUNDS["sms"].size


def media(sid: str, content_type: str = "image/png", size: int = 1000) -> dict[str, Any]:
    return {"sid": sid, "content_type": content_type, "size": size}


ONE, TWO, THREE = media("ME1"), media("ME2", "application/pdf"), media("ME3", "image/webp")
LARGE = media("ME4", "video/mp4", MMS_MAX + 1)


@pytest.mark.parametrize(
    ("body", "files", "expected"),
    [
        ("hello", None, Parts("hello", [])),
        ("hello", [ONE], Parts("hello", [{"sid": "ME1"}])),
        (None, [ONE], Parts("", [{"sid": "ME1"}])),
        ("hello", [ONE, TWO], Parts("", [{"sid": "ME1"}])),
        ("hello", [THREE, TWO], Parts("", [{"sid": "ME2"}])),
        ("hello", [THREE], Parts("hello", [])),
        ("hello", [LARGE], Parts("hello", [])),
        (None, [THREE], Parts("", [], 30011)),
        (None, [LARGE], Parts("", [], 30019)),
        ("x" * 1600, None, Parts("x" * 1600, [])),
        ("x" * 1601, None, Parts("x" * 1601, [], 21617)),
        (None, [media("ME5", "image/jpeg; charset=binary", MMS_MAX)], Parts("", [{"sid": "ME5"}])),
    ],
)
def test_a_text_takes_what_an_mms_can_hold(
    body: str | None, files: list[dict[str, Any]] | None, expected: Parts
) -> None:
    assert of_message(body, files) == expected


@pytest.mark.parametrize(
    ("channel", "body", "files", "expected"),
    [
        ("whatsapp", "hello", [ONE], Parts("hello", [{"sid": "ME1"}])),
        ("whatsapp", None, [media("ME6", "video/mp4", 16 * MIB)], Parts("", [{"sid": "ME6"}])),
        ("whatsapp", None, [media("ME6", "video/mp4", 16 * MIB + 1)], Parts("", [], 63034)),
        ("whatsapp", None, [THREE], Parts("", [], 63021)),
        ("whatsapp", "x" * 1601, None, Parts("x" * 1601, [], 21617)),
        ("messenger", "x" * 2000, None, Parts("x" * 2000, [])),
        ("messenger", "x" * 2001, None, Parts("x" * 2001, [], 21617)),
        ("messenger", None, [THREE], Parts("", [{"sid": "ME3"}])),
        ("messenger", None, [media("ME7", "image/png", 25 * MIB + 1)], Parts("", [], 63034)),
        ("messenger", "hello", [ONE, TWO], Parts("", [{"sid": "ME1"}])),
    ],
)
def test_each_channel_has_its_bounds(
    channel: str, body: str | None, files: list[dict[str, Any]] | None, expected: Parts
) -> None:
    assert of_message(body, files, channel=channel) == expected


@pytest.mark.parametrize(("channel", "count"), [("sms", 10), ("whatsapp", 1), ("messenger", 1)])
def test_files_of_a_template_go_out_by_their_addresses(channel: str, count: int) -> None:
    urls = [f"https://a.example/{n}.png" for n in range(12)]
    parts = of_message("Look", None, {"sid": "HX", "type": "twilio/media", "media": urls}, channel=channel)
    assert parts == Parts("Look", [{"url": url} for url in urls[:count]])
