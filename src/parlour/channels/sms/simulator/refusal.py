"""The carrier's refusals."""

from __future__ import annotations


class Refused(Exception):
    """The carrier does not take an order; `code` and `status` are the contract's."""

    def __init__(self, code: int, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
