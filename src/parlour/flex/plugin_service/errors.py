"""Errors of the plugin service (flex.md §1.8, general)."""

from parlour.kit.errors import ContractError


def taken(name: str, value: str) -> ContractError:
    """45007: the name or version is there already."""
    return ContractError(45007, 409, f"Invalid parameter {name}: {value[:100]} exists already")


def invalid(name: str, why: str) -> ContractError:
    """45004: a parameter cannot be used."""
    return ContractError(45004, 400, f"Invalid parameter {name}: {why}")


def archived(sid: str) -> ContractError:
    """45008: what is archived is not used any more."""
    return ContractError(45008, 422, f"{sid} is archived")


def released(sid: str) -> ContractError:
    """45008: what agents use now cannot be archived."""
    return ContractError(45008, 422, f"{sid} is part of the active release; release another configuration first")


def not_to_be_had(url: str, why: str) -> ContractError:
    """45005: the bundle of a plugin cannot be fetched."""
    return ContractError(45005, 502, f"The bundle {url[:200]} is not to be had: {why[:200]}")
