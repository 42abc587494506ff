"""Errors of sign-in (flex.md §1.8)."""

from parlour.kit.errors import ContractError


def refused(why: str) -> ContractError:
    """45050: a code or refresh token is no good; Flex UI shows the message to the person."""
    return ContractError(45050, 401, why)


def invalid(name: str, why: str) -> ContractError:
    """45004: a parameter of sign-in cannot be used."""
    return ContractError(45004, 400, f"Invalid parameter {name}: {why}")


def identity_taken(identity: str) -> ContractError:
    """45007: somebody has that identity."""
    return ContractError(45007, 409, f"There is a user {identity} already")


def no_user(identity: str) -> ContractError:
    """45006: nobody has that identity."""
    return ContractError(45006, 404, f"There is no user {identity}")
