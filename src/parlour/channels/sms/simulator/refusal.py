"""The carrier's refusals."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  a refusal is an answer of the contract, not a failure
    """The carrier does not take an order; `code` and `status` are the contract's."""

    def __init__(self, code: int, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
