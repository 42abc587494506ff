"""Wire shapes of Studio v1: executions, and engagements, their older name (studio.md §1.3, §5.6)."""

from dataclasses import dataclass
from typing import Any

from parlour.kit.wire import iso, iso_or_none
from parlour.rest.operations import Urls
from parlour.studio.execution_store import Execution, Step
from parlour.studio.render import PRODUCT, contact_sid, step_at, step_context_at
from parlour.studio.store import Flow


@dataclass(frozen=True)
class Kind:
    """One of the two names of an execution: in paths, and in keys."""

    path: str
    key: str
    name: str


EXECUTIONS = Kind("Executions", "executions", "execution")
ENGAGEMENTS = Kind("Engagements", "engagements", "engagement")
KINDS = (EXECUTIONS, ENGAGEMENTS)


def flow(urls: Urls, row: Flow) -> dict[str, Any]:
    """Return a flow."""
    path = f"/v1/Flows/{row.sid}"
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "friendly_name": row.friendly_name,
        "status": row.status,
        "version": row.revision,
        "date_created": iso(row.date_created),
        "date_updated": iso_or_none(row.date_updated),
        "url": urls.of(PRODUCT, path),
        "links": {kind.key: urls.of(PRODUCT, f"{path}/{kind.path}") for kind in KINDS},
    }


def _path(kind: Kind, flow_sid: str, sid: str) -> str:
    return f"/v1/Flows/{flow_sid}/{kind.path}/{sid}"


def execution(urls: Urls, kind: Kind, row: Execution) -> dict[str, Any]:
    """Return an execution under one of its names."""
    path = _path(kind, row.flow_sid, row.sid)
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "flow_sid": row.flow_sid,
        "contact_sid": contact_sid(),
        "contact_channel_address": row.contact_channel_address,
        "context": {},
        "status": row.status,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "url": urls.of(PRODUCT, path),
        "links": {
            "steps": urls.of(PRODUCT, f"{path}/Steps"),
            f"{kind.name}_context": urls.of(PRODUCT, f"{path}/Context"),
        },
    }


def execution_context(urls: Urls, kind: Kind, row: Execution) -> dict[str, Any]:
    """Return the context of an execution as it is now."""
    return {
        "account_sid": row.account_sid,
        "context": row.decoded().context,
        "flow_sid": row.flow_sid,
        f"{kind.name}_sid": row.sid,
        "url": urls.of(PRODUCT, f"{_path(kind, row.flow_sid, row.sid)}/Context"),
    }


def step(urls: Urls, kind: Kind, row: Step) -> dict[str, Any]:
    """Return a step."""
    return step_at(urls, row, _step_path(kind, row), of=f"{kind.name}_sid")


def step_context(urls: Urls, kind: Kind, row: Step) -> dict[str, Any]:
    """Return the context at the end of a step, with what the step logged under `log`."""
    return step_context_at(urls, row, _step_path(kind, row), of=f"{kind.name}_sid")


def _step_path(kind: Kind, row: Step) -> str:
    return f"{_path(kind, row.flow_sid, row.execution_sid)}/Steps/{row.sid}"
