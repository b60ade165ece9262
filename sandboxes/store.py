"""What the sandboxes remember: JSON documents in one SQLite file, which survives a kill -9."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  data TEXT NOT NULL,
  UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS keys (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (kind, name, value, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_of_document ON keys (kind, id);
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  vendor TEXT NOT NULL,
  operation TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  status INTEGER,
  fault TEXT,
  at TEXT NOT NULL,
  caller_now TEXT NOT NULL,
  mark TEXT NOT NULL DEFAULT ''
);
"""


class Tx:
    """One open transaction: everything done through it happens, or none of it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection

    def put(self, kind: str, id: str, data: Json, *, keys: Mapping[str, str] = {}) -> None:  # noqa: A002
        """Insert or replace a document and its lookup keys; its place in the order is kept."""
        self.sql.execute(
            "INSERT INTO documents (kind, id, data) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET data = excluded.data",
            (kind, id, json.dumps(data, separators=(",", ":"))),
        )
        self.sql.execute("DELETE FROM keys WHERE kind = ? AND id = ?", (kind, id))
        self.sql.executemany(
            "INSERT INTO keys (kind, name, value, id) VALUES (?, ?, ?, ?)",
            [(kind, name, value, id) for name, value in keys.items()],
        )

    def get(self, kind: str, id: str) -> Json | None:  # noqa: A002
        """Give a copy of a document, or None."""
        row = self.sql.execute(
            "SELECT data FROM documents WHERE kind = ? AND id = ?", (kind, id)
        ).fetchone()
        return None if row is None else _load(row[0])

    def find(self, kind: str, **keys: str) -> list[Json]:
        """List the documents that carry all these keys, oldest first."""
        if not keys:
            return self.all(kind)
        joins = " ".join(
            f"JOIN keys k{n} ON k{n}.kind = d.kind AND k{n}.id = d.id"
            f" AND k{n}.name = ? AND k{n}.value = ?"
            for n in range(len(keys))
        )
        values = [part for pair in keys.items() for part in pair]
        rows = self.sql.execute(
            f"SELECT d.data FROM documents d {joins} WHERE d.kind = ? ORDER BY d.seq",  # noqa: S608
            [*values, kind],
        )
        return [_load(row[0]) for row in rows]

    def all(self, kind: str) -> list[Json]:
        """List every document of a kind, oldest first."""
        rows = self.sql.execute("SELECT data FROM documents WHERE kind = ? ORDER BY seq", (kind,))
        return [_load(row[0]) for row in rows]

    def count(self, kind: str) -> int:
        row = self.sql.execute("SELECT count(*) FROM documents WHERE kind = ?", (kind,)).fetchone()
        return int(row[0])

    def delete(self, kind: str, id: str) -> bool:  # noqa: A002
        """Forget a document; tell whether there was one."""
        self.sql.execute("DELETE FROM keys WHERE kind = ? AND id = ?", (kind, id))
        cursor = self.sql.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, id))
        return cursor.rowcount > 0

    def next_number(self, name: str) -> int:
        """Count up from 1, per name."""
        row = self.sql.execute(
            "INSERT INTO numbers (name, value) VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(row[0])


class Store:
    """The file and its one connection; one transaction at a time, so never await inside one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._sql = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._sql.execute("PRAGMA journal_mode = WAL")
        # NORMAL loses nothing when the process dies, only when the machine does.
        self._sql.execute("PRAGMA synchronous = NORMAL")
        self._sql.executescript(_SCHEMA)
        self._add_missing()

    def _add_missing(self) -> None:
        """Bring the file of an older sandbox up to date."""
        columns = {row[1] for row in self._sql.execute("PRAGMA table_info(requests)")}
        if "mark" not in columns:
            self._sql.execute("ALTER TABLE requests ADD COLUMN mark TEXT NOT NULL DEFAULT ''")

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open the one transaction; an exception inside undoes all of it."""
        me = threading.get_ident()
        if self._owner == me:
            raise RuntimeError(
                "a transaction is open already: pass its tx on, and never await in it"
            )
        with self._lock:
            self._owner = me
            try:
                self._sql.execute("BEGIN IMMEDIATE")
                try:
                    yield Tx(self._sql)
                except BaseException:
                    self._sql.execute("ROLLBACK")
                    raise
                self._sql.execute("COMMIT")
            finally:
                self._owner = None

    def reset(self) -> None:
        """Forget everything. Numbers go on counting, so that no id is ever given twice."""
        with self.transaction() as tx:
            for table in ("documents", "keys", "requests"):
                tx.sql.execute(f"DELETE FROM {table}")  # noqa: S608

    def close(self) -> None:
        with self._lock:
            self._sql.close()


def _load(text: str) -> Json:
    data: Json = json.loads(text)
    return data
