"""Refusals of content templates."""

from parlour.rest.errors import ContractError, invalid_parameter


def bad_type(name: str, why: str) -> ContractError:
    """Refuse what a type of content must not hold."""
    return invalid_parameter("types", f"{name}: {why}")


def approval_exists(sid: str) -> ContractError:
    """Refuse a second request for approval."""
    return ContractError(20409, 409, f"{sid} was submitted for approval already")
