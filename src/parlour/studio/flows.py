"""Flows and their revisions (studio.md §1.2-§1.4)."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from parlour.kit.wire import decode_json, json_text
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import store
from parlour.studio.definition import Definition, read
from parlour.studio.errors import bad_revision, invalid_definition
from parlour.studio.execution import OpenSubflow
from parlour.studio.findings import Finding, Report
from parlour.studio.json_data import read_json
from parlour.studio.references import references
from parlour.studio.store import Flow, Revision
from parlour.studio.validation import check

__all__ = [
    "Flow", "Revision", "by_name", "create", "delete", "fetch", "fetch_revision", "running", "set_test_users", "update",
    "validate",
]  # fmt: skip

MAX_WIDGETS: Final = 2000
"""Widgets of a flow and its subflows together (studio.md §1.2)."""
WITHOUT_EFFECT: Final = frozenset({"service_sid", "environment_sid", "function_sid"})
"""Properties of run-function that name what its `url` leads to; only the URL counts (studio.md §2.3.7)."""
MAX_KEPT: Final = 256
"""Definitions kept in memory."""
_definitions: Final[dict[tuple[str, int], Definition]] = {}


async def create(
    uow: UnitOfWork,
    *,
    friendly_name: str,
    status: str,
    definition: Mapping[str, Any] | str,
    commit_message: str | None = None,
    lenient: bool = False,
) -> Flow:
    """Make a flow with its first revision.

    `definition`: an object, or the client's own text of one, which is kept as it is. `status`: draft or published.
    `lenient`: publish what only this installation cannot do; it takes its failure exit when it is reached.
    Errors: 81022 with each finding, 20001 the text is not JSON (studio.md §1.3).
    """
    text, raw = _parsed(definition)
    report = await validate(uow, raw, status=status, lenient=lenient)
    sid = uow.new_sid("FW")
    await store.insert_flow(uow, sid, friendly_name)
    await store.add_revision(
        uow,
        sid,
        friendly_name=friendly_name,
        status=status,
        definition=text,
        commit_message=commit_message,
        warnings=[finding.wire() for finding in report.warnings],
    )
    return await fetch(uow, sid)


async def update(
    uow: UnitOfWork,
    sid: str,
    *,
    status: str,
    friendly_name: str | None = None,
    definition: Mapping[str, Any] | str | None = None,
    commit_message: str | None = None,
    lenient: bool = False,
) -> Flow:
    """Save a new revision; a definition that is not given stays, one that is given replaces all of it.

    Errors: 404/20404, 81022, 20001 (studio.md §1.3).
    """
    if not await store.lock_flow(uow, sid):
        raise not_found(sid)
    flow = await fetch(uow, sid)
    text, raw = _parsed(flow.definition if definition is None else definition)
    report = await validate(uow, raw, status=status, lenient=lenient)
    await store.add_revision(
        uow,
        sid,
        friendly_name=flow.friendly_name if friendly_name is None else friendly_name,
        status=status,
        definition=text,
        commit_message=commit_message,
        warnings=[finding.wire() for finding in report.warnings],
    )
    return await fetch(uow, sid)


async def fetch(reader: Reader, sid: str) -> Flow:
    """Return a flow with its newest revision. Errors: 404/20404."""
    flow = await store.fetch_flow(reader, sid)
    if flow is None:
        raise not_found(sid)
    return flow


async def exists(reader: Reader, sid: str) -> bool:
    """Say whether the account has the flow."""
    return await store.fetch_flow(reader, sid) is not None


async def by_name(reader: Reader, friendly_name: str) -> Flow | None:
    """Return the oldest flow of that friendly name, such as "Messaging Flow", or None."""
    return await store.flow_by_name(reader, friendly_name)


async def fetch_revision(reader: Reader, sid: str, revision: str) -> Revision:
    """Return a revision by its number, `LatestPublished` or `LatestRevision`. Errors: 81021, 404/20404."""
    flow = await fetch(reader, sid)
    if revision == "LatestPublished":
        number = flow.published_revision
    elif revision == "LatestRevision":
        number = flow.revision
    elif revision.isascii() and revision.isdigit() and len(revision) < 10:
        number = int(revision)
    else:
        raise bad_revision(revision)
    found = None if number is None else await store.fetch_revision(reader, sid, number)
    if found is None:
        raise not_found(f"{sid}/Revisions/{revision}")
    return found


async def set_test_users(uow: UnitOfWork, sid: str, users: list[str]) -> list[str]:
    """Replace the addresses that run the newest draft. Errors: 404/20404 (studio.md §1.4)."""
    unique = [user for user in dict.fromkeys(users) if user]
    if not await store.set_test_users(uow, sid, unique):
        raise not_found(sid)
    return unique


async def running(reader: Reader, sid: str, contact: str) -> int | None:
    """Return the revision that a contact runs: the newest for test users, else the newest published one."""
    return await store.running_revision(reader, sid, contact)


async def subflow(reader: Reader, flow_sid: str, contact: str, wanted: OpenSubflow) -> int | None:
    """Return the revision of a subflow that an execution of a flow runs, None when there is none.

    Only the parent's test users reach a subflow's draft; everybody else has its newest published revision, unless the
    widget names a number (studio.md §2.3.8).
    """
    parent, found = await store.fetch_flow(reader, flow_sid), await store.fetch_flow(reader, wanted.flow_sid)
    if parent is None or found is None:
        return None
    if wanted.revision.isdigit():
        number = int(wanted.revision)
        return number if 1 <= number <= found.revision else None
    drafts = wanted.revision != "LatestPublished" and contact in parent.test_users
    return found.revision if drafts else found.published_revision


async def widgets_in_all(reader: Reader, main: Definition) -> int:
    """Count the widgets of a flow and of each subflow it names, as they are published (studio.md §1.2)."""
    return len(main.widgets) + await _widgets_of(reader, main.subflows())


async def _widgets_of(reader: Reader, sids: Collection[str]) -> int:
    total = 0
    for sid in sids:
        found = await store.fetch_flow(reader, sid)
        if found is not None:
            number = found.published_revision or found.revision
            total += len((await definition_of(reader, sid, number)).widgets)
    return total


async def definition_of(reader: Reader, sid: str, revision: int) -> Definition:
    """Return the definition of a revision as the engine reads it; revisions never change, so it is read once.

    Errors: 404/20404.
    """
    key = (sid, revision)
    known = _definitions.get(key)
    if known is None:
        found = await store.fetch_revision(reader, sid, revision)
        if found is None:
            raise not_found(f"{sid}/Revisions/{revision}")
        if len(_definitions) >= MAX_KEPT:
            _definitions.pop(next(iter(_definitions)))
        known = _definitions[key] = read(decode_json(found.definition))
    return known


async def validate(reader: Reader, raw: object, *, status: str, lenient: bool = False) -> Report:
    """Check a definition for this account.

    What only this installation cannot do (unknown widget types, SIDs of another account, unfilled `${NAME}`) is a
    warning on a draft, and on a publication that is to be lenient. Errors: 81022 with each finding (studio.md §1.2).
    """
    report = check(raw)
    if isinstance(raw, Mapping):
        await _check_references(reader, raw, report)
        if not report.errors:
            await _count_widgets(reader, raw, report)
    strict = status == "published" and not lenient
    refused = [*report.errors, *(report.foreign if strict else [])]
    if refused:
        raise invalid_definition(refused)
    report.warnings.extend(report.foreign)
    return report


async def _check_references(reader: Reader, raw: Mapping[str, object], report: Report) -> None:
    checked: dict[str, bool] = {}
    for each in references(raw):
        if each.placeholder:
            known, message = False, f"{each.value} is not filled"
        else:
            if each.value not in checked:
                checked[each.value] = await refs.check(reader, each.value)
            known, message = checked[each.value], f"{each.value} is not a SID of this account"
        if known:
            continue
        finding = Finding(f"{message}: widget {each.widget}, property {each.field}", each.path)
        # A SID of a kind that nothing here has, inside a longer text such as a URL, is somebody else's own.
        decides = each.placeholder or each.whole or each.value[:2] in refs.known_prefixes()
        decides = decides and each.field not in WITHOUT_EFFECT
        (report.foreign if decides else report.warnings).append(finding)


async def _count_widgets(reader: Reader, raw: Mapping[str, Any], report: Report) -> None:
    """Warn of more than 2,000 widgets: it runs, until it reaches the subflow (81025, 81026)."""
    definition = read(raw)
    sids = definition.subflows()
    if sids:
        total = len(definition.widgets) + await _widgets_of(reader, sids)
        if total > MAX_WIDGETS:
            message = f"81025: the flow and its subflows have {total} widgets, more than {MAX_WIDGETS}"
            report.warnings.append(Finding(message, "#/states"))


def _parsed(definition: Mapping[str, Any] | str) -> tuple[str, object]:
    if not isinstance(definition, str):
        return json_text(definition), definition
    try:
        return definition, read_json(definition)
    except ValueError as error:
        raise invalid_parameter("Definition", f"not valid JSON ({error})") from error


def parsed_definition(text: str) -> object:
    """Decode a Definition parameter. Errors: 20001."""
    return _parsed(text)[1]


async def lock(uow: UnitOfWork, sid: str) -> bool:
    """Lock a flow; say whether it exists."""
    return await store.lock_flow(uow, sid)


async def delete(uow: UnitOfWork, sid: str) -> None:
    """Remove a flow with its revisions and executions. Errors: 404/20404."""
    if not await store.delete_flow(uow, sid):
        raise not_found(sid)
