"""Good calls of the Content API."""

from collections.abc import Callable
from typing import Any

from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from tests.contract.good_calls import good
from tests.contract.world import World

LIST = "/v1/Content"


def request(world: World) -> Any:
    """Return what a template is made of."""
    body = world.pick("Hello {{name}}", "Good day {{name}}")
    return ContentList.ContentCreateRequest(
        {
            "friendly_name": world.unique("greeting"),
            "language": world.pick("en", "de"),
            "variables": {"name": world.pick("Ana", "Ben")},
            "types": ContentList.Types({"twilio/text": ContentList.TwilioText({"body": body}).to_dict()}),
        }
    )


def template(world: World) -> str:
    """Return a new template."""
    return str(world.client.content.v1.contents.create(request(world)).sid)


@good("POST", "content", LIST)
def create_content(world: World) -> Callable[[], Any]:
    template(world)
    return lambda: world.client.content.v1.contents.create(request(world))


@good("GET", "content", LIST)
def list_content(world: World) -> Callable[[], Any]:
    for _ in range(3):
        template(world)
    return lambda: world.client.content.v1.contents.list(limit=3, page_size=1)


@good("GET", "content", "/v1/ContentAndApprovals")
def list_content_and_approvals(world: World) -> Callable[[], Any]:
    for _ in range(3):
        template(world)
    return lambda: world.client.content.v1.content_and_approvals.list(limit=3, page_size=1)


@good("GET", "content", f"{LIST}/{{Sid}}")
def fetch_content(world: World) -> Callable[[], Any]:
    sid = template(world)
    return lambda: world.client.content.v1.contents(sid).fetch()


@good("DELETE", "content", f"{LIST}/{{Sid}}")
def delete_content(world: World) -> Callable[[], Any]:
    sid = template(world)
    return lambda: world.client.content.v1.contents(sid).delete()


def submit(world: World, sid: str) -> Any:
    """Submit a template for approval."""
    wanted = {"name": world.unique("greeting").replace("-", "_"), "category": world.pick("UTILITY", "MARKETING")}
    asked = ApprovalCreateList.ContentApprovalRequest(wanted)
    return world.client.content.v1.contents(sid).approval_create.create(asked)


@good("POST", "content", f"{LIST}/{{ContentSid}}/ApprovalRequests/whatsapp")
def submit_content(world: World) -> Callable[[], Any]:
    submit(world, template(world))
    sid = template(world)
    return lambda: submit(world, sid)


@good("GET", "content", f"{LIST}/{{Sid}}/ApprovalRequests")
def fetch_approvals(world: World) -> Callable[[], Any]:
    sid = template(world)
    submit(world, sid)
    return lambda: world.client.content.v1.contents(sid).approval_fetch().fetch()
