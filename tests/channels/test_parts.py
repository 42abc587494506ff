"""What of a conversation's message goes into a text (conversations.md §5.2)."""

from typing import Any

import pytest

from parlour.channels.sms.parts import MMS_MAX, Parts, of_message


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
