"""The one error that a caller is told about."""

from collections.abc import Mapping


class ContractError(Exception):
    """A refusal in the words of the contract.

    :param code: the contract's error code, such as 20404.
    :param status: the HTTP status.
    :param message: what is wrong, naming the parameter where there is one.
    :param details: further members for the error envelope, or None.
    """

    def __init__(self, code: int, status: int, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.details = details
