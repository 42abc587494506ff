"""Warnings about what was saved and can hardly be meant: nothing is refused for them."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from parlour.store.unit import Reader
from parlour.taskrouter import roster, store
from parlour.taskrouter.candidates import Candidate
from parlour.taskrouter.expression import Expression, compile_expression
from parlour.taskrouter.rows import TaskQueue, Workflow
from parlour.taskrouter.workflow import Filter, parse_configuration
from parlour.taskrouter.workflow import Workflow as Parsed

HEADER: Final = "Parlour-Warnings"  # a JSON list of texts


async def of_workflow(reader: Reader, workflow: Workflow) -> list[str]:
    """Warnings about a workflow: what no task reaches, and queues in which nobody is."""
    parsed = parse_configuration(workflow.configuration)
    members = await roster.everybody(reader, workflow.workspace_sid)
    found = unreachable(parsed)
    for sid in sorted(parsed.queue_sids):
        queue = await store.task_queue(reader, workflow.workspace_sid, sid)
        if queue is not None:
            found += await of_queue(reader, queue, members)
    return found


async def of_queue(reader: Reader, queue: TaskQueue, members: Sequence[Candidate] | None = None) -> list[str]:
    """Warnings about a queue: nobody is in it.

    :param members: all workers, where the caller has them.
    """
    expression = compile_expression(queue.target_workers)
    if members is not None and await roster.matching_of(expression, members):
        return []
    if members is None:
        async for page in roster.pages(reader, queue.workspace_sid):
            if await roster.matching_of(expression, page):
                return []
    return [f"Nobody is in queue {queue.friendly_name}: no worker matches {queue.target_workers or 'an empty text'}"]


def unreachable(parsed: Parsed) -> list[str]:
    """Filters and targets that no task ever comes to."""
    found: list[str] = []
    seen: dict[str, str] = {}
    always: str | None = None
    for number, each in enumerate(parsed.filters, 1):
        name = each.name or str(number)
        source = each.expression.source if each.expression else ""
        if always is not None:
            found.append(f"Filter {name} is never reached: filter {always} before it matches every task")
        elif source in seen:
            found.append(f"Filter {name} is never reached: filter {seen[source]} before it has the same expression")
        elif each.expression is not None and _never(each.expression):
            found.append(f"Filter {name} matches no task: {source or 'its expression is empty'}")
        seen.setdefault(source, name)
        found += _targets(name, each)
        if always is None and each.expression is not None and _always(each.expression) and not _leaves(each):
            always = name
    return found


def _always(expression: Expression) -> bool:
    return not expression.references and expression.matches({})


def _never(expression: Expression) -> bool:
    return not expression.references and not expression.matches({})


def _leaves(known: Filter) -> bool:
    """Whether a task may go on from the filter's last target to later filters: by its time-out or skip_if (§3.2)."""
    return known.targets[-1].timeout is not None or known.targets[-1].skip_if is not None


def _targets(name: str, known: Filter) -> list[str]:
    for number, target in enumerate(known.targets[:-1], 1):
        if target.timeout is None and target.skip_if is None:
            return [f"Target {number + 1} of filter {name} is never reached: target {number} has no timeout or skip_if"]
    return []


def headers(warnings: Sequence[str]) -> Mapping[str, str]:
    """The header that carries warnings beside an answer whose keys are the contract's."""
    return {HEADER: json.dumps(warnings)} if warnings else {}
