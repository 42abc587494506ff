"""How an access token that is no good is refused: each damage has its code (conversations.md §1.8)."""

from parlour.kit.errors import ContractError


def invalid_token(why: str) -> ContractError:
    """401/20101: it cannot be read as an access token."""
    return ContractError(20101, 401, f"Invalid Access Token: {why}")


def invalid_header(why: str) -> ContractError:
    """401/20102: its header is not that of an access token."""
    return ContractError(20102, 401, f"Invalid Access Token header: {why}")


def invalid_issuer(why: str) -> ContractError:
    """401/20103: ``iss`` is no key of the account that ``sub`` names."""
    return ContractError(20103, 401, f"Invalid Access Token issuer/subject: {why}")


def expired_token() -> ContractError:
    """401/20104: it was good, or does not say until when it is."""
    return ContractError(20104, 401, "Access Token expired or expiration date invalid")


def token_not_yet_valid() -> ContractError:
    """401/20105: its ``nbf`` or ``iat`` is to come."""
    return ContractError(20105, 401, "Access Token not yet valid")


def invalid_grants(why: str) -> ContractError:
    """401/20106: it does not grant what the request needs."""
    return ContractError(20106, 401, f"Invalid Access Token grants: {why}")


def invalid_signature() -> ContractError:
    """401/20107: another secret signed it, or somebody changed it since."""
    return ContractError(20107, 401, "Invalid Access Token signature")


def token_lives_too_long(seconds: int) -> ContractError:
    """401/20157: more than the contract allows lies between its beginning and its end."""
    return ContractError(20157, 401, f"Expiration time in the Access Token exceeds the maximum of {seconds} seconds")
