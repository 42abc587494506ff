"""An operation performed with the parameters of a request, wherever they came from."""

from collections.abc import Mapping
from typing import Final

from parlour.kit.errors import ContractError
from parlour.rest.forms import Ref, plan_of, read_form, unsupported
from parlour.rest.operations import Answer, Call, Operation
from parlour.store import refs
from parlour.store.unit import Reader

PAGING: Final = frozenset({"Page", "PageSize", "PageToken"})


async def perform(operation: Operation, call: Call, values: Mapping[str, list[str]]) -> tuple[Answer, int]:
    """Read the form and call the handler; return the answer and how many parameters are unknown.

    :param values: wire name to the values in the order sent.
    :raises ContractError: a parameter is refused, missing, out of its limits or names a row that is not the account's.
    """
    plan = plan_of(operation.form)
    for name, reason in operation.refused.items():
        if name in values:
            raise unsupported(name, reason)
    form = read_form(operation.form, values)
    for field, mark in plan.refs:
        await _check_ref(call, field.name, getattr(form, field.attribute), mark)
    unknown = sum(
        1 for name in values if name not in plan.fields and name not in PAGING and name not in operation.ignored
    )
    return await operation.handler(call, form), unknown


async def _check_ref(call: Call, name: str, value: object, mark: Ref) -> None:
    sids = [sid for sid in (value if isinstance(value, list) else [value]) if isinstance(sid, str) and sid]

    async def first_foreign(reader: Reader) -> str | None:
        for sid in sids:
            if not await refs.check(reader, sid):
                return sid
        return None

    foreign = await call.read(first_foreign) if sids else None
    if foreign is not None:
        raise ContractError(
            mark.code, mark.status, f"Invalid parameter {name}: {foreign} was not found in this account"
        )
