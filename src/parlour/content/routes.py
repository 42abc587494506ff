"""Operations of the Content API: JSON bodies, product `content`."""

from typing import Any, Final

from parlour.content import render, store, templates
from parlour.content.store import Content
from parlour.rest.errors import invalid_parameter, missing_parameter
from parlour.rest.operations import Answer, Call, Operations, Page

LIST: Final = "/v1/Content"
INSTANCE: Final = f"{LIST}/{{Sid}}"

operations: Final = Operations("content")


def _object(call: Call) -> dict[str, Any]:
    """Return the body without what is null: clients name every key. Error: 20001."""
    body = call.json()
    if not isinstance(body, dict):
        raise invalid_parameter("body", "must be a JSON object")
    return {name: value for name, value in body.items() if value is not None}


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if value is None:
        raise missing_parameter(name)
    if not isinstance(value, str):
        raise invalid_parameter(name, "must be a text")
    return value


def _variables(body: dict[str, Any]) -> dict[str, str]:
    value = body.get("variables", {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise invalid_parameter("variables", "must be an object of texts")
    return value


def _types(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    value = body.get("types")
    if value is None:
        raise missing_parameter("types")
    if not isinstance(value, dict):
        raise invalid_parameter("types", "must be an object")
    given = {name: each for name, each in value.items() if each is not None}
    if not all(isinstance(each, dict) for each in given.values()):
        raise invalid_parameter("types", "each type must be an object")
    return {name: {k: v for k, v in each.items() if v is not None} for name, each in given.items()}


@operations.post(LIST, body="json")
async def create_content(call: Call, _form: object) -> Answer:
    """Create a template."""
    body = _object(call)
    language, name = _text(body, "language"), _text(body, "friendly_name", "")
    types, variables = _types(body), _variables(body)
    row = await call.step(
        lambda uow: templates.create(uow, language=language, types=types, friendly_name=name, variables=variables)
    )
    return Answer(201, render.content(row, call.urls))


async def _page(call: Call) -> tuple[list[Content], Page]:
    page = call.page()
    return await call.read(lambda reader: store.page(reader, after=page.token, limit=page.size + 1)), page


def _listed(call: Call, rows: list[Content], page: Page, shown: list[dict[str, Any]]) -> Answer:
    token = rows[page.size - 1].sid if len(rows) > page.size else None
    return call.listing("contents", shown[: page.size], page, next_token=token)


@operations.get(LIST)
async def list_content(call: Call, _form: object) -> Answer:
    """List templates, newest first."""
    rows, page = await _page(call)
    return _listed(call, rows, page, [render.content(row, call.urls) for row in rows])


@operations.get("/v1/ContentAndApprovals")
async def list_content_and_approvals(call: Call, _form: object) -> Answer:
    """List templates with what became of their approval, newest first."""
    rows, page = await _page(call)
    return _listed(call, rows, page, [render.with_approval(row) for row in rows])


@operations.get(INSTANCE)
async def fetch_content(call: Call, _form: object) -> Answer:
    """Fetch a template."""
    row = await call.read(lambda reader: templates.fetch(reader, call.path["Sid"]))
    return Answer(200, render.content(row, call.urls))


@operations.delete(INSTANCE)
async def delete_content(call: Call, _form: object) -> Answer:
    """Delete a template."""
    await call.step(lambda uow: templates.remove(uow, call.path["Sid"]))
    return Answer(204)


@operations.post(f"{LIST}/{{ContentSid}}/ApprovalRequests/whatsapp", body="json")
async def submit_content(call: Call, _form: object) -> Answer:
    """Submit a template for approval."""
    body = _object(call)
    name, category = _text(body, "name"), _text(body, "category")
    allow = body.get("allow_category_change", True)
    if not isinstance(allow, bool):
        raise invalid_parameter("allow_category_change", "must be true or false")
    ttl = body.get("send_ttl_seconds")
    if ttl is not None and (not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 1):
        raise invalid_parameter("send_ttl_seconds", "must be a whole number, at least 1")
    approval = await call.step(
        lambda uow: templates.submit(
            uow, call.path["ContentSid"], name=name, category=category, allow_category_change=allow, send_ttl=ttl
        )
    )
    return Answer(201, approval)


@operations.get(f"{INSTANCE}/ApprovalRequests")
async def fetch_approvals(call: Call, _form: object) -> Answer:
    """Fetch what became of a template's approval."""
    row = await call.read(lambda reader: templates.fetch(reader, call.path["Sid"]))
    return Answer(200, render.approvals(row, call.urls))
