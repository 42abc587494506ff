"""What can go wrong between Parlour and its PostgreSQL, each with its remedy in the message."""


class PostgresError(Exception):
    """PostgreSQL cannot be run as asked; the message says why and what to do."""


class BinariesMissingError(PostgresError):
    """No folder with `bin/postgres` and `bin/initdb` was found."""


class FolderLockedError(PostgresError):
    """Another process owns the data folder.

    pid: of the owner, or None when it has not yet written it.
    """

    def __init__(self, message: str, pid: int | None) -> None:
        super().__init__(message)
        self.pid = pid


class FolderMismatchError(PostgresError):
    """The data folder was written by another version of Parlour or PostgreSQL, or is not a data folder."""


class StartFailedError(PostgresError):
    """PostgreSQL or initdb ended before it could be used; the message ends with its last words."""
