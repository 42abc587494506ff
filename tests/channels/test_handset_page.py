"""The handset page as a person sees it in Chromium (ACCEPTANCE 9)."""

import base64
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.carrier import Carrier, eventually, running_carrier
from tests.channels.test_street import png

PAGES = Path(__file__).parents[2] / "web" / "pages"
BUILT = Path(__file__).parents[2] / "src/parlour/channels/sms/simulator/static/index.html"
SHOP, DESK = "+15550900011", "+15550900012"
ANN, BOB = "+15550100071", "+15550100072"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module", autouse=True)
def pages() -> None:
    """Build the page where it is not built."""
    if not (PAGES / "node_modules").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=PAGES, check=True, timeout=300)
    if not BUILT.exists():
        subprocess.run(["npm", "run", "build"], cwd=PAGES, check=True, timeout=120)


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    folder = tmp_path_factory.mktemp("handset")
    phones = ["--phone", f"{ANN}={SHOP}", "--phone", f"{BOB}={DESK}"]

    with running_carrier(folder / "ledger.db", "--seed", "3", *phones) as one:
        one.faults(sent_after_ms=5, delivered_after_ms=50, retry={"attempts": 1})
        for number, name in ((SHOP, "Shop"), (DESK, "Desk")):
            one.call("/_sim/numbers", {"phone_number": number, "sms_url": "", "friendly_name": name})
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(params=[1400, 390])
def page(request: pytest.FixtureRequest, browser: Browser, carrier: Carrier) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 950}, bypass_csp=True)
    opened = context.new_page()
    hosts: set[str] = set()
    problems: list[str] = []
    opened.on("request", lambda one: hosts.add(urlsplit(one.url).netloc))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(f"{carrier.url}/handset")
    yield opened
    assert hosts <= {urlsplit(carrier.url).netloc, ""}
    assert problems == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= request.param
    context.close()


def phone(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name)


def answer(carrier: Carrier, to: str, sender: str, body: str, **more: str) -> None:
    from urllib.parse import urlencode
    from urllib.request import Request, urlopen

    pair = base64.b64encode(f"{carrier.account_sid}:{carrier.auth_token}".encode()).decode()
    request = Request(  # noqa: S310
        f"{carrier.url}/2010-04-01/Accounts/{carrier.account_sid}/Messages.json",
        urlencode({"To": to, "From": sender, "Body": body, **more}).encode(),
        {"Authorization": f"Basic {pair}"},
    )
    urlopen(request, timeout=10).read()  # noqa: S310


def reset(carrier: Carrier) -> None:
    carrier.call("/_sim/reset", method="POST")
    carrier.faults(sent_after_ms=5, delivered_after_ms=300, retry={"attempts": 1})


def test_two_phones_stand_ready_and_say_what_one_can_do(page: Page, carrier: Carrier, tmp_path: Path) -> None:
    reset(carrier)
    page.reload()
    for name, to, title in (("First phone", SHOP, "Shop"), ("Second phone", DESK, "Desk")):
        expect(phone(page, name).get_by_role("heading", name=title)).to_be_visible()
        expect(phone(page, name).get_by_text("No messages yet")).to_be_visible()
        expect(phone(page, name).get_by_label("Writes to")).to_have_value(to)
    expect(page.get_by_role("button", name="Send").first).to_be_disabled()
    page.screenshot(path=tmp_path / "empty.png", full_page=True)


def test_an_answer_appears_live_with_one_tick_and_then_two(page: Page, carrier: Carrier, tmp_path: Path) -> None:
    reset(carrier)
    page.reload()
    first = phone(page, "First phone")
    expect(first.get_by_text("Connected")).to_be_visible()
    answer(carrier, ANN, SHOP, "Hello Ann")
    bubble = first.get_by_role("listitem").filter(has_text="Hello Ann")
    expect(bubble.get_by_role("img", name="sent", exact=True)).to_be_visible()
    expect(bubble.get_by_role("img", name="delivered")).to_be_visible()
    expect(phone(page, "Second phone").get_by_text("Hello Ann")).to_have_count(0)
    page.screenshot(path=tmp_path / "answer.png", full_page=True)


def test_a_text_and_a_picture_are_sent_with_the_keyboard_alone(page: Page, carrier: Carrier, tmp_path: Path) -> None:
    reset(carrier)
    picture = tmp_path / "cat.png"
    picture.write_bytes(png(40, 30))
    page.once("filechooser", lambda chooser: chooser.set_files(picture))  # from the start: intercepting takes a moment
    page.reload()
    first = phone(page, "First phone")
    expect(first.get_by_text("Connected")).to_be_visible()
    attach = first.get_by_role("button", name="Attach a picture")
    for _ in range(12):
        page.keyboard.press("Tab")
        if attach.evaluate("button => button === document.activeElement"):
            break
    expect(attach).to_be_focused()
    page.keyboard.press("Enter")
    expect(first.get_by_role("button", name="Remove cat.png")).to_be_visible()
    first.get_by_label("Text message").focus()
    page.keyboard.type("My cat")
    page.keyboard.press("Enter")
    expect(first.get_by_role("img", name="Picture cat.png")).to_be_visible()
    expect(first.get_by_role("listitem").filter(has_text="My cat")).to_be_visible()
    expect(first.get_by_label("Text message")).to_have_value("")
    [line] = carrier.ledger("handset.sent")[-1:]
    assert (line["handset"], line["number"], line["body"], len(line["media"])) == (ANN, SHOP, "My cat", 1)
    page.screenshot(path=tmp_path / "picture.png", full_page=True)


def test_a_text_that_nobody_takes_says_so(page: Page, carrier: Carrier) -> None:
    reset(carrier)
    page.reload()
    second = phone(page, "Second phone")
    second.get_by_label("Text message").fill("Hello?")
    second.get_by_role("button", name="Send").click()
    expect(second.get_by_text("Not delivered (11200)")).to_be_visible()
    expect(second.get_by_role("img", name="failed")).to_be_visible()


def test_numbers_are_edited_and_a_wrong_one_is_explained(page: Page, carrier: Carrier) -> None:
    reset(carrier)
    page.reload()
    first = phone(page, "First phone")
    field = first.get_by_label("Writes to")
    field.fill("nonsense")
    expect(first.get_by_text("and the country code")).to_be_visible()
    field.fill("+15550999999")
    field.press("Enter")
    first.get_by_label("Text message").fill("wrong number")
    first.get_by_role("button", name="Send").click()
    expect(first.get_by_role("alert")).to_contain_text("is not a number of this carrier")
    expect(first.get_by_label("Text message")).to_have_value("wrong number")
    field.fill(DESK)
    field.press("Enter")
    answer(carrier, ANN, DESK, "from the desk")
    expect(first.get_by_text("from the desk")).to_be_visible()


def test_a_carrier_that_cannot_be_reached_is_said_and_tried_again(page: Page, carrier: Carrier) -> None:
    page.route("**/handset/config", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    page.unroute("**/handset/config")
    page.get_by_role("button", name="Try again").click()
    expect(phone(page, "First phone")).to_be_visible()


def test_axe_finds_nothing(page: Page, carrier: Carrier) -> None:
    reset(carrier)
    answer(carrier, ANN, SHOP, "contrast")
    page.reload()
    expect(phone(page, "First phone").get_by_role("img", name="delivered")).to_be_visible()
    page.add_script_tag(path=PAGES / "node_modules/axe-core/axe.min.js")
    page.wait_for_function("document.getAnimations().length === 0")
    found = page.evaluate("axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html)))")
    assert found == []


def test_the_ledger_has_what_the_page_showed(carrier: Carrier) -> None:
    assert eventually(lambda: carrier.ledger("handset.received"))
