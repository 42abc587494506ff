"""Refusals that every product shares, and their envelope (conversations.md §1.6)."""

from parlour.kit.errors import ContractError

__all__ = [
    "ContractError",
    "authentication_failed",
    "envelope",
    "forbidden",
    "invalid_parameter",
    "method_not_allowed",
    "missing_parameter",
    "needs_main_key",
    "not_found",
    "not_served",
]


def not_found(what: str) -> ContractError:
    """Refuse a SID or name in a path that is no row of the account."""
    return ContractError(20404, 404, f"The requested resource {what} was not found")


def not_served(path: str, why: str | None) -> ContractError:
    """Refuse a path that is not served; a published one with the reason."""
    if why is None:
        return not_found(path)
    return ContractError(20404, 404, f"The requested resource {path} was not found: {why}")


def invalid_parameter(name: str, why: str, code: int = 20001) -> ContractError:
    """Refuse the value of a parameter, naming it."""
    return ContractError(code, 400, f"Invalid parameter {name}: {why}")


def missing_parameter(name: str, code: int = 20001) -> ContractError:
    """Refuse a request without a required parameter."""
    return ContractError(code, 400, f"Missing required parameter {name} in the post body")


def method_not_allowed(method: str) -> ContractError:
    """Refuse a method that the path does not have."""
    return ContractError(20004, 405, f"Method {method} is not allowed on this resource")


def authentication_failed() -> ContractError:
    """Refuse missing or wrong credentials."""
    return ContractError(20003, 401, "Authenticate: no or wrong account SID, API key, auth token or secret")


def needs_main_key() -> ContractError:
    """Refuse a standard API key where the account's own token or a main key is needed."""
    return ContractError(
        20003, 401, "Authenticate: a standard API key may not do this; use a main key or the auth token"
    )


def forbidden(why: str, code: int = 20403) -> ContractError:
    """Refuse a caller who is known but may not do this."""
    return ContractError(code, 403, why)


def envelope(error: ContractError) -> dict[str, object]:
    """Return the body of an error answer."""
    body: dict[str, object] = {
        "code": error.code,
        "message": error.message,
        "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
        "status": error.status,
    }
    if error.details is not None:
        body["details"] = dict(error.details)
    return body
