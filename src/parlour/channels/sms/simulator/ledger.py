"""The carrier's books: numbers, messages, media and an append-only record of all that happened.

The book is the outside witness of tests (ACCEPTANCE 4): rows are only ever added to it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS number (
  phone_number TEXT PRIMARY KEY, sid TEXT NOT NULL UNIQUE, friendly_name TEXT NOT NULL,
  sms_url TEXT NOT NULL, sms_method TEXT NOT NULL, status_callback TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS message (
  sid TEXT PRIMARY KEY, direction TEXT NOT NULL, status TEXT NOT NULL, handset TEXT NOT NULL,
  number TEXT NOT NULL, body TEXT NOT NULL, error_code INTEGER, status_callback TEXT NOT NULL,
  token TEXT NOT NULL, created REAL NOT NULL, sent REAL, updated REAL NOT NULL, change INTEGER NOT NULL,
  finished INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS message_handset ON message (handset, change);
CREATE INDEX IF NOT EXISTS message_unfinished ON message (finished) WHERE finished = 0;
CREATE TABLE IF NOT EXISTS media (
  sid TEXT PRIMARY KEY, message_sid TEXT, position INTEGER NOT NULL, content_type TEXT NOT NULL,
  filename TEXT NOT NULL, content BLOB NOT NULL, sha256 TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS media_message ON media (message_sid, position);
CREATE TABLE IF NOT EXISTS opt_out (
  number TEXT NOT NULL, handset TEXT NOT NULL, PRIMARY KEY (number, handset));
CREATE TABLE IF NOT EXISTS book (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, message_sid TEXT,
  detail TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Number:
    """A number of the carrier: where its texts are sent to."""

    phone_number: str
    sid: str
    friendly_name: str
    sms_url: str
    sms_method: str
    status_callback: str
    created: float


@dataclass(frozen=True)
class Message:
    """One text, in either direction, between a handset and a number of the carrier."""

    sid: str
    direction: str
    status: str
    handset: str
    number: str
    body: str
    error_code: int | None
    status_callback: str
    token: str
    created: float
    sent: float | None
    updated: float
    change: int
    finished: int

    @property
    def inbound(self) -> bool:
        """Whether a handset wrote it."""
        return self.direction == "inbound"

    @property
    def sender(self) -> str:
        """The `From` of the wire."""
        return self.handset if self.inbound else self.number

    @property
    def recipient(self) -> str:
        """The `To` of the wire."""
        return self.number if self.inbound else self.handset


@dataclass(frozen=True)
class Media:
    """One file of a message (or one uploaded for a message not yet sent)."""

    sid: str
    message_sid: str | None
    position: int
    content_type: str
    filename: str
    content: bytes
    sha256: str
    created: float


class Ledger:
    """SQLite file of the carrier; `None` keeps it in memory."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)
        self._change = int(self._one("SELECT coalesce(max(change), 0) FROM message")[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _one(self, sql: str, *args: object) -> sqlite3.Row:
        row: sqlite3.Row = self._db.execute(sql, args).fetchone()
        return row

    # -- settings -----------------------------------------------------------------------------

    def setting(self, key: str) -> str | None:
        """Return a stored setting."""
        row = self._db.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_setting(self, key: str, value: str) -> None:
        """Store a setting."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))

    # -- the book -----------------------------------------------------------------------------

    def book(self, kind: str, message_sid: str | None = None, **detail: object) -> int:
        """Add one line to the book and return its number."""
        cursor = self._db.execute(
            "INSERT INTO book (at, kind, message_sid, detail) VALUES (?, ?, ?, ?)",
            (time.time(), kind, message_sid, json.dumps(detail, ensure_ascii=False)),
        )
        return int(cursor.lastrowid or 0)

    def lines(self, since: int, limit: int, prefix: str = "") -> list[dict[str, Any]]:
        """Return the book's lines above `since`, oldest first, of the kinds that start with `prefix`."""
        rows = self._db.execute(
            "SELECT * FROM book WHERE seq > ? AND kind >= ? AND kind < ? ORDER BY seq LIMIT ?",
            (since, prefix, prefix + "\U0010ffff", limit),
        )
        return [
            {
                "seq": row["seq"],
                "at": row["at"],
                "kind": row["kind"],
                "message_sid": row["message_sid"],
                **json.loads(row["detail"]),
            }
            for row in rows
        ]

    # -- numbers ------------------------------------------------------------------------------

    def put_number(self, number: Number) -> None:
        """Add or replace a number."""
        self._db.execute(
            "INSERT OR REPLACE INTO number VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number.phone_number,
                number.sid,
                number.friendly_name,
                number.sms_url,
                number.sms_method,
                number.status_callback,
                number.created,
            ),
        )

    def number(self, key: str) -> Number | None:
        """Return a number by its phone number or SID."""
        sql = "SELECT * FROM number WHERE phone_number = ?1 OR sid = ?1"
        row = self._db.execute(sql, (key,)).fetchone()
        return None if row is None else Number(**row)

    def numbers(self) -> list[Number]:
        """Return all numbers, oldest first."""
        rows = self._db.execute("SELECT * FROM number ORDER BY created, phone_number")
        return [Number(**row) for row in rows]

    # -- messages -----------------------------------------------------------------------------

    def add_message(self, message: Message) -> Message:
        """Store a new message under the next change number."""
        self._change += 1
        self._db.execute(
            "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.sid,
                message.direction,
                message.status,
                message.handset,
                message.number,
                message.body,
                message.error_code,
                message.status_callback,
                message.token,
                message.created,
                message.sent,
                message.updated,
                self._change,
                message.finished,
            ),
        )
        return self._must(message.sid)

    def set_status(self, sid: str, status: str, *, error_code: int | None = None, finished: bool) -> Message:
        """Move a message to a status."""
        self._change += 1
        now = time.time()
        self._db.execute(
            "UPDATE message SET status = ?, error_code = ?, updated = ?, change = ?, finished = ?,"
            " sent = CASE WHEN sent IS NULL AND ? IN ('sent', 'delivered', 'received') THEN ? ELSE sent END"
            " WHERE sid = ?",
            (status, error_code, now, self._change, int(finished), status, now, sid),
        )
        return self._must(sid)

    def finish(self, sid: str) -> None:
        """Mark a message as needing no more work."""
        self._db.execute("UPDATE message SET finished = 1 WHERE sid = ?", (sid,))

    def message(self, sid: str) -> Message | None:
        """Return a message."""
        row = self._db.execute("SELECT * FROM message WHERE sid = ?", (sid,)).fetchone()
        return None if row is None else Message(**row)

    def _must(self, sid: str) -> Message:
        return Message(**self._one("SELECT * FROM message WHERE sid = ?", sid))

    def unfinished(self) -> list[Message]:
        """Return the messages whose work a stop of the program cut."""
        rows = self._db.execute("SELECT * FROM message WHERE finished = 0 ORDER BY created")
        return [Message(**row) for row in rows]

    def newest(self, *, to: str, sender: str, limit: int, before: str | None = None) -> list[Message]:
        """Return messages newest first; empty filters match all, `before` is the last SID already given."""
        rows = self._db.execute(
            "SELECT * FROM message"
            " WHERE (?1 = '' OR ?1 = CASE direction WHEN 'inbound' THEN number ELSE handset END)"
            " AND (?2 = '' OR ?2 = CASE direction WHEN 'inbound' THEN handset ELSE number END)"
            " AND (?3 IS NULL OR rowid < (SELECT rowid FROM message WHERE sid = ?3))"
            " ORDER BY rowid DESC LIMIT ?4",
            (to, sender, before, limit),
        )
        return [Message(**row) for row in rows]

    def changes(self, handset: str, since: int, limit: int = 200) -> list[Message]:
        """Return the handset's messages that changed after `since`, in order of change."""
        rows = self._db.execute(
            "SELECT * FROM message WHERE handset = ? AND change > ? ORDER BY change LIMIT ?",
            (handset, since, limit),
        )
        return [Message(**row) for row in rows]

    # -- media --------------------------------------------------------------------------------

    def add_media(self, media: Media) -> None:
        """Store one file."""
        self._db.execute(
            "INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                media.sid,
                media.message_sid,
                media.position,
                media.content_type,
                media.filename,
                media.content,
                media.sha256,
                media.created,
            ),
        )

    def attach(self, media_sid: str, message_sid: str, position: int) -> bool:
        """Give an uploaded file to a message; False when it does not exist or belongs to another."""
        cursor = self._db.execute(
            "UPDATE media SET message_sid = ?, position = ? WHERE sid = ? AND message_sid IS NULL",
            (message_sid, position, media_sid),
        )
        return cursor.rowcount == 1

    def media(self, sid: str) -> Media | None:
        """Return one file."""
        row = self._db.execute("SELECT * FROM media WHERE sid = ?", (sid,)).fetchone()
        return None if row is None else Media(**row)

    def media_of(self, message_sid: str) -> list[Media]:
        """Return the files of a message in order."""
        rows = self._db.execute("SELECT * FROM media WHERE message_sid = ? ORDER BY position", (message_sid,))
        return [Media(**row) for row in rows]

    # -- opt-outs -----------------------------------------------------------------------------

    def opt_out(self, number: str, handset: str, *, out: bool) -> None:
        """Remember that a handset refuses (or takes again) texts of a number."""
        sql = "DELETE FROM opt_out WHERE number = ? AND handset = ?"
        if out:
            sql = "INSERT OR IGNORE INTO opt_out VALUES (?, ?)"
        self._db.execute(sql, (number, handset))

    def opted_out(self, number: str, handset: str) -> bool:
        """Whether the handset refuses texts of the number."""
        sql = "SELECT 1 FROM opt_out WHERE number = ? AND handset = ?"
        return self._db.execute(sql, (number, handset)).fetchone() is not None

    def forget(self) -> None:
        """Empty messages, media and opt-outs; the book stays and says so."""
        for table in ("message", "media", "opt_out"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  names are constants
        self.book("reset")
