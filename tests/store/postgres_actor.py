"""Runs `parlour db …` as another user: `python postgres_actor.py USER|- ARGUMENT…`.

Everything that a run imports is imported before the user changes, because the interpreter itself may lie
below a folder that is closed to that user.
"""

import asyncio.subprocess
import concurrent.futures.thread
import difflib
import encodings.idna
import logging.handlers
import os
import pwd
import sys

import asyncpg

from parlour.cli import postgres
from parlour.cli.db import db

NEEDED = (asyncio.subprocess, concurrent.futures.thread, difflib, encodings.idna, logging.handlers, asyncpg, postgres)


def become(name: str) -> None:
    """Drop to the named user for good."""
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = "/nonexistent"


if __name__ == "__main__":
    if sys.argv[1] != "-":
        become(sys.argv[1])
    db.main(sys.argv[2:], prog_name="parlour db")
