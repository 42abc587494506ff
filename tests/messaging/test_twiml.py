"""What an answer orders, and why one cannot be obeyed (channels.md §1.4, §1.7)."""

import pytest

from parlour.messaging.twiml import Answer, Redirect, Reply, TwimlError, read

BASE = "https://shop.example/sms/in"


def answer(body: str, kind: str = "text/xml; charset=utf-8") -> Answer:
    return read(kind, body.encode(), base_url=BASE)


@pytest.mark.parametrize(
    ("body", "replies"),
    [
        ("", ()),
        ("<Response/>", ()),
        ("<Response><Message>hi</Message></Response>", (Reply("hi"),)),
        ("<Response><Message><Body>hi</Body></Message></Response>", (Reply("hi"),)),
        (
            """<Response><Message to='+1' from='+2' statusCallback='/s'><Body>a</Body><Media>p.png</Media>
            <Media>https://x.example/q.png</Media></Message><Message>b</Message></Response>""",
            (
                Reply(
                    "a",
                    ("https://shop.example/sms/p.png", "https://x.example/q.png"),
                    "+1",
                    "+2",
                    "https://shop.example/s",
                ),
                Reply("b"),
            ),
        ),
        ("<Response><Message action='/done'>hi</Message></Response>", (Reply("hi", (), "", "", BASE[:20] + "/done"),)),
    ],
)
def test_texts_are_read(body: str, replies: tuple[Reply, ...]) -> None:
    assert answer(body) == Answer(replies)


def test_plain_text_is_the_reply_itself() -> None:
    assert answer("hello <b>", "text/plain") == Answer((Reply("hello <b>"),))


def test_what_stands_behind_a_redirect_is_never_reached() -> None:
    body = "<Response><Message>1</Message><Redirect method='get'>more</Redirect><Message>2</Message></Response>"
    assert answer(body) == Answer((Reply("1"),), Redirect("https://shop.example/sms/more", "GET"))


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        ("x" * 70_000, "text/xml", 11750),
        ("<Response>", "text/xml", 12100),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><Response>&b;</Response>", "text/xml", 12100),
        ("<Answer/>", "text/xml", 12102),
        ("{}", "application/json", 12300),
        ("<Response><Dial>1</Dial></Response>", "text/xml", 14110),
        ("<Response>" + "<Message>x</Message>" * 11 + "</Response>", "text/xml", 14109),
        ("<Response><Message></Message></Response>", "text/xml", 14103),
        (f"<Response><Message>{'x' * 1601}</Message></Response>", "text/xml", 14103),
        ("<Response><Message statusCallback='ftp://a'>x</Message></Response>", "text/xml", 14105),
        ("<Response><Redirect method='PUT'>x</Redirect></Response>", "text/xml", 14104),
    ],
)
def test_an_answer_that_cannot_be_obeyed_has_a_code(body: str, kind: str, code: int) -> None:
    with pytest.raises(TwimlError) as refusal:
        answer(body, kind)
    assert refusal.value.code == code
