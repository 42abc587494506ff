"""What PostgreSQL says: each line in a rotating file, the important ones in our log."""

import asyncio
import logging
import logging.handlers
import re
from collections import deque
from pathlib import Path
from typing import Any, Protocol

from parlour.store.postgres.child import Child

_LEVEL = re.compile(r"\b(LOG|WARNING|ERROR|FATAL|PANIC):\s+(.*)")
_LOUD = {"WARNING": "warning", "PANIC": "error"}
_FILE_SIZE = 10 * 1024 * 1024
_FILES = 5
_KEPT_LINES = 20
_AFTERWORDS = 0.2
"""Seconds to read on after the end of a process."""


class Log(Protocol):
    """The part of a structlog logger that is used here."""

    def info(self, event: str, **values: Any) -> Any: ...
    def warning(self, event: str, **values: Any) -> Any: ...
    def error(self, event: str, **values: Any) -> Any: ...
    def debug(self, event: str, **values: Any) -> Any: ...


class ChildLog:
    """Takes the lines of initdb and postgres.

    folder: of the files `postgres.log`, `postgres.log.1` … (10 MB each, 5 kept); log: ours.
    """

    def __init__(self, folder: Path, log: Log) -> None:
        self._log = log
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._file = logging.handlers.RotatingFileHandler(
            folder / "postgres.log", maxBytes=_FILE_SIZE, backupCount=_FILES - 1, delay=True, encoding="utf-8"
        )
        self.starting = False
        """While the server starts or recovers its progress is worth a line."""

    async def follow(self, child: Child) -> int:
        """Read what the process says until it ends: its exit code.

        A child of its own may hold the pipe open for longer; what that says is not waited for.
        """
        reader = asyncio.create_task(self._read(child), name="postgres-log")
        try:
            code = await child.process.wait()
            await asyncio.wait([reader], timeout=_AFTERWORDS)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            child.close()
        return code

    async def _read(self, child: Child) -> None:
        async for line in child.lines():
            self._take(line)

    def last_words(self) -> str:
        """The last lines, for an error message."""
        return "\n".join(self._last)

    def close(self) -> None:
        self._file.close()

    def _take(self, line: str) -> None:
        self._last.append(line)
        self._file.handle(logging.LogRecord("postgres", logging.INFO, "", 0, line, None, None))
        found = _LEVEL.search(line)
        if found is None:
            return
        level, text = found.groups()
        if level in _LOUD:
            getattr(self._log, _LOUD[level])("postgres", says=text)
        elif self.starting and level == "LOG":
            self._log.info("postgres", says=text)
        else:
            self._log.debug("postgres", says=text, level_there=level)
