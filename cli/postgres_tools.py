"""The programs that come with the embedded Postgres, for copying what is in a database."""

import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from cli.embedded import binaries
from cli.progress import Advance
from runtime.database_roles import BACKUP

_BLOCK = 1 << 20


class ToolFailed(Exception):
    """A program of Postgres ended badly; the message is its last words."""


def as_backup_role(url: str) -> str:
    """Return the address for the role that reads everything and writes nothing."""
    address = make_url(url).set(username=BACKUP, drivername="postgresql")
    return address.render_as_string(hide_password=False)


def size_of(url: str) -> int:
    """Return about how many bytes a database takes."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def dump(url: str, to: Path, advance: Advance) -> None:
    """Write every row to a file, all as of one instant; the schema is our own code's business."""
    command = [
        str(binaries() / "pg_dump"), "--format=custom", "--data-only", "--enable-row-security",
        f"--dbname={url}",
    ]  # fmt: skip
    with (
        to.open("wb") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running,
    ):
        assert running.stdout is not None
        assert running.stderr is not None
        try:
            done = 0
            while block := running.stdout.read(_BLOCK):
                file.write(block)
                done += len(block)
                advance(done)
        except BaseException:  # Ctrl-C as well: a dump that nobody reads would wait for ever
            running.kill()
            raise
        said = running.stderr.read().decode(errors="replace")
    if running.returncode:
        raise ToolFailed(said.strip()[-500:])


def load(url: str, file: Path) -> None:
    """Put the rows of a dump into a database that has their schema: all or none."""
    with psycopg.connect(url) as connection:
        # What migrations put there, the schema's version above all, comes with the dump.
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        for (name,) in connection.execute(query).fetchall():
            table = sql.Identifier(name)
            filled = connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table))
            if filled.fetchone():
                connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(table))
    done = subprocess.run(
        [
            str(binaries() / "pg_restore"), "--data-only", "--disable-triggers",
            "--single-transaction", "--exit-on-error", f"--dbname={url}", str(file),
        ],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ToolFailed(done.stderr.decode(errors="replace").strip()[-500:])
