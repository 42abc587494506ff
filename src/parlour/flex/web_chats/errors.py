"""Errors of web chats (flex.md §4.2, §4.4)."""

from parlour.kit.errors import ContractError


def too_many_requests(address_sid: str, per_second: int) -> ContractError:
    """45719: more chats were asked for than the limit allows."""
    return ContractError(45719, 429, f"Too many requests: at most {per_second} web chats a second for {address_sid}")


def data_too_large(maximum: int) -> ContractError:
    """45731: the pre-engagement data is too large."""
    return ContractError(45731, 400, f"Invalid parameter PreEngagementData: larger than {maximum} bytes")


def data_not_json(why: str) -> ContractError:
    """45733: the pre-engagement data is not JSON."""
    return ContractError(45733, 400, f"Invalid parameter PreEngagementData: not valid JSON ({why})")


def address_not_found(address_sid: str) -> ContractError:
    """45765: there is no such address."""
    return ContractError(45765, 400, f"Invalid parameter AddressSid: the address {address_sid[:64]} was not found")


def address_disabled(address_sid: str) -> ContractError:
    """45761: the address makes no conversations."""
    return ContractError(45761, 400, f"Invalid parameter AddressSid: auto-creation of {address_sid} is not enabled")


def address_type(address_sid: str, kind: str) -> ContractError:
    """45762: the address is not of web chats."""
    return ContractError(45762, 400, f"Invalid parameter AddressSid: {address_sid} is of type {kind}, not chat")


def header(name: str, why: str) -> ContractError:
    """45772: a header of the browser is missing or wrong."""
    return ContractError(45772, 400, f"The header {name} {why}")


def token_refused(why: str) -> ContractError:
    """45775: the token is not good for a refresh."""
    return ContractError(45775, 403, f"Invalid parameter Token: {why}")


def key_unknown(key_sid: str) -> ContractError:
    """45778: there is no configuration for the key."""
    return ContractError(45778, 404, f"Invalid parameter DeploymentKey: '{key_sid[:64]}' was not found")


def origin_refused(origin: str) -> ContractError:
    """45003: the page may not use the key."""
    return ContractError(45003, 403, f"The origin '{origin[:200]}' may not use this deployment key")


def name_length() -> ContractError:
    """45795: the friendly name is too short or too long."""
    return ContractError(45795, 400, "Invalid parameter FriendlyName: 1 to 64 characters")


def too_many_keys(maximum: int) -> ContractError:
    """45794: the account has as many keys as it may."""
    return ContractError(45794, 400, f"At most {maximum} deployment keys in one account")
