"""Wire shapes of Studio v2 (studio.md §1.3, §5.3)."""

from typing import Any

from parlour.kit.wire import decode_json, iso, iso_or_none
from parlour.rest.operations import Urls
from parlour.studio.execution_store import Execution, Step
from parlour.studio.store import Flow, Revision

PRODUCT = "studio"


def author_sid(account_sid: str) -> str:
    """Return who wrote a flow: there are no console users here, so the account stands for them."""
    return f"US{account_sid[2:]}"


def contact_sid() -> str:
    """Return the contract's static placeholder (studio.md §5.6)."""
    return "FC" + "0" * 32


def flow(urls: Urls, row: Flow, *, listed: bool = False) -> dict[str, Any]:
    """Return a flow; list items leave the definition and its findings out."""
    path = f"/v2/Flows/{row.sid}"
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "author_sid": author_sid(row.account_sid),
        "friendly_name": row.friendly_name,
        "definition": None if listed else decode_json(row.definition),
        "status": row.status,
        "revision": row.revision,
        "commit_message": None if listed else row.commit_message,
        "valid": None if listed else True,
        "errors": None if listed else [],
        "warnings": None if listed else row.warnings,
        "date_created": iso(row.date_created),
        "date_updated": iso_or_none(row.date_updated),
        "webhook_url": urls.of("webhooks", f"/v1/Accounts/{row.account_sid}/Flows/{row.sid}"),
        "url": urls.of(PRODUCT, path),
        "links": {
            "test_users": urls.of(PRODUCT, f"{path}/TestUsers"),
            "revisions": urls.of(PRODUCT, f"{path}/Revisions"),
            "executions": urls.of(PRODUCT, f"{path}/Executions"),
        },
    }


def revision(urls: Urls, row: Revision, *, listed: bool = False) -> dict[str, Any]:
    """Return a revision; list items leave the definition out."""
    return {
        "sid": row.flow_sid,
        "account_sid": row.account_sid,
        "author_sid": author_sid(row.account_sid),
        "friendly_name": row.friendly_name,
        "definition": None if listed else decode_json(row.definition),
        "status": row.status,
        "revision": row.revision,
        "commit_message": None if listed else row.commit_message,
        "valid": None if listed else True,
        "errors": None if listed else [],
        "date_created": iso(row.date_created),
        "date_updated": None,
        "url": urls.of(PRODUCT, f"/v2/Flows/{row.flow_sid}/Revisions/{row.revision}"),
    }


def test_users(urls: Urls, sid: str, users: list[str]) -> dict[str, Any]:
    """Return the test users of a flow."""
    return {"sid": sid, "test_users": users, "url": urls.of(PRODUCT, f"/v2/Flows/{sid}/TestUsers")}


def execution(urls: Urls, row: Execution) -> dict[str, Any]:
    """Return an execution."""
    path = f"/v2/Flows/{row.flow_sid}/Executions/{row.sid}"
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "flow_sid": row.flow_sid,
        "contact_channel_address": row.contact_channel_address,
        "contact_sid": contact_sid(),
        "flow_version": row.flow_revision,
        "context": {},
        "status": row.status,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "initiated_by": row.initiated_by,
        "url": urls.of(PRODUCT, path),
        "links": {
            "steps": urls.of(PRODUCT, f"{path}/Steps"),
            "execution_context": urls.of(PRODUCT, f"{path}/Context"),
        },
    }


def execution_context(urls: Urls, row: Execution) -> dict[str, Any]:
    """Return the context of an execution as it is now."""
    return {
        "account_sid": row.account_sid,
        "context": row.decoded().context,
        "flow_sid": row.flow_sid,
        "execution_sid": row.sid,
        "url": urls.of(PRODUCT, f"/v2/Flows/{row.flow_sid}/Executions/{row.sid}/Context"),
    }


def step(urls: Urls, row: Step) -> dict[str, Any]:
    """Return a step."""
    return step_at(urls, row, _step_path(row), of="execution_sid")


def step_context(urls: Urls, row: Step) -> dict[str, Any]:
    """Return the context at the end of a step, with what the step logged under `log` where it logged anything."""
    return step_context_at(urls, row, _step_path(row), of="execution_sid")


def _step_path(row: Step) -> str:
    return f"/v2/Flows/{row.flow_sid}/Executions/{row.execution_sid}/Steps/{row.sid}"


def step_at(urls: Urls, row: Step, path: str, *, of: str) -> dict[str, Any]:
    """Return a step under a path.

    :param of: the key under which the version of the path names the execution.
    """
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "flow_sid": row.flow_sid,
        of: row.execution_sid,
        "parent_step_sid": row.parent_step_sid,
        "name": row.name,
        "context": {},
        "transitioned_from": row.transitioned_from,
        "transitioned_to": row.transitioned_to,
        "type": row.type,
        "date_created": iso(row.date_created),
        "date_updated": None,
        "url": urls.of(PRODUCT, path),
        "links": {"step_context": urls.of(PRODUCT, f"{path}/Context")},
    }


def step_context_at(urls: Urls, row: Step, path: str, *, of: str) -> dict[str, Any]:
    """Return the context at the end of a step under a path; `of` as for `step_at`."""
    context = decode_json(row.context)
    return {
        "account_sid": row.account_sid,
        "context": {**context, "log": row.log} if row.log else context,
        "flow_sid": row.flow_sid,
        of: row.execution_sid,
        "step_sid": row.sid,
        "url": urls.of(PRODUCT, f"{path}/Context"),
    }
