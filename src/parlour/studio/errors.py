"""Refusals of Studio (studio.md §8)."""

from collections.abc import Sequence
from typing import Final

from parlour.kit.errors import ContractError
from parlour.studio.findings import Finding


def invalid_definition(findings: Sequence[Finding]) -> ContractError:
    """Refuse a definition, with each finding and its place (studio.md §1.2)."""
    return ContractError(
        81022, 400, "Flow definition validation failed", {"errors": [finding.wire() for finding in findings]}
    )


def bad_revision(value: str) -> ContractError:
    """Refuse a revision that is neither a number nor one of the two names."""
    return ContractError(
        81021, 400, f"Invalid Revision '{value[:64]}': a number, LatestPublished or LatestRevision is expected"
    )


def address_too_long(name: str) -> ContractError:
    """Refuse addresses over 300 bytes (studio.md §5.4)."""
    return ContractError(81023, 400, f"Invalid parameter {name}: To and From together have at most 300 bytes")


TOO_MANY: Final = 20429


def too_many(per_second: int) -> ContractError:
    """Refuse one more execution in this second (studio.md §5.4)."""
    return ContractError(TOO_MANY, 429, f"Too many requests: at most {per_second} new Executions a second")


def already_active(execution_sid: str) -> ContractError:
    """Refuse a second active execution of one pair (studio.md §5.1)."""
    return ContractError(
        20409,
        409,
        f"Execution {execution_sid} is already active for this contact. "
        "End the active Execution before creating a new one",
        {"conflicting_execution_sid": execution_sid},
    )


def never_published(flow_sid: str) -> ContractError:
    """Refuse to start a flow that has only drafts, for a contact who is no test user (studio.md §1.3)."""
    return ContractError(20001, 400, f"Flow {flow_sid} has no published revision")
