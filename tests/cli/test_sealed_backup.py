"""What a backup is sealed in, and what is refused before anything is restored."""

import io
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.archive import (  # fmt: skip
    POSTGRES,
    TEMPORAL,
    JournalMark,
    Manifest,
    digest_of,
    read_manifest,
    unpack,
    write_archive,
)
from cli.exits import Exit
from cli.main import app
from cli.restoring import CannotRestore, check_folder, entries_since
from cli.sealed_file import CannotOpen, SealedReader, SealedWriter
from cli.secrets_check import check_of, opens_with
from cli.secrets_file import ensure_secrets, read_env_file
from runtime.clock import system_now
from runtime.journal import Journal
from runtime.settings import Settings, load_settings

MIB = 1 << 20
RIGHT, WRONG = "a passphrase of sixteen and more", "another passphrase, just as long"


def sealed(content: bytes) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, RIGHT, cost=2)  # nobody guesses here
    for start in range(0, len(content), 700_000):
        writer.write(content[start : start + 700_000])
    writer.close()
    return file.getvalue()


@pytest.mark.parametrize("size", [0, 1, MIB, 2 * MIB + 1])
def test_what_was_sealed_opens_whole_or_not_at_all(size: int) -> None:
    content = os.urandom(size)
    whole = sealed(content)
    assert SealedReader(io.BytesIO(whole), RIGHT).read() == content
    assert content[:64] not in whole or size < 2
    spoiled = bytearray(whole)
    spoiled[-1] ^= 1
    chunk = MIB + 16
    for broken in (whole[:-1], whole[: len(whole) - chunk], bytes(spoiled), whole + b"x"):
        with pytest.raises(CannotOpen):
            SealedReader(io.BytesIO(broken), RIGHT).read()
    with pytest.raises(CannotOpen, match="passphrase"):
        SealedReader(io.BytesIO(whole), WRONG).read()


def settings_in(folder: Path) -> Settings:
    values = ensure_secrets(folder) | {"PARKER_STATE_DIR": str(folder)}
    return load_settings(values, env_files=(), require=())


def archive_of(folder: Path, settings: Settings, mark: JournalMark) -> Path:
    files = {name: folder / f"made-{name}" for name in (TEMPORAL, POSTGRES)}
    for name, file in files.items():
        file.write_bytes(name.encode() * 1000)
    manifest = Manifest(
        began_at=system_now(),
        version="1",
        schema_revision="x",
        journal=mark,
        secrets_check=check_of(settings),
        files={name: digest_of(file) for name, file in files.items()},
    )
    with (folder / "one.backup").open("wb") as to:
        write_archive(to, RIGHT, manifest, files, lambda _done: None)
    return folder / "one.backup"


def test_a_backup_says_of_itself_what_it_is_and_unpacks_as_it_was(tmp_path: Path) -> None:
    settings, journal = settings_in(tmp_path), Journal(tmp_path / "journal.jsonl")
    journal.append([{"number": 1}])
    archive = archive_of(tmp_path, settings, JournalMark(**journal.state()._asdict()))
    manifest = read_manifest(archive, RIGHT)
    assert opens_with(settings, manifest.secrets_check)
    other = tmp_path / "other"
    assert not opens_with(settings_in(other), manifest.secrets_check)
    assert unpack(archive, RIGHT, other, lambda _done: None) == manifest
    assert (other / TEMPORAL).read_bytes() == TEMPORAL.encode() * 1000
    secrets = read_env_file(tmp_path / "secrets.env").values()
    assert not any(secret.encode() in archive.read_bytes() for secret in secrets)


def test_a_restore_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    journal, other = Journal(tmp_path / "one.jsonl"), Journal(tmp_path / "other.jsonl")
    journal.append([{"number": 1}])
    other.append([{"number": 2}])
    mark = JournalMark(**journal.state()._asdict())
    assert entries_since(journal, mark) == []
    assert entries_since(Journal(tmp_path / "none.jsonl"), mark) is None
    with pytest.raises(CannotRestore, match="goes on from this backup"):
        entries_since(other, mark)
    with pytest.raises(CannotRestore, match="goes on from this backup"):
        entries_since(journal, mark.model_copy(update={"lines": 2}))
    journal.file.write_text(journal.file.read_text().replace("1", "3", 1))
    with pytest.raises(CannotRestore):
        entries_since(journal, mark)
    check_folder(tmp_path)
    (tmp_path / "postgres").mkdir()
    with pytest.raises(CannotRestore, match="empty folder"):
        check_folder(tmp_path)


@pytest.mark.parametrize(
    ("passphrase", "code", "word"),
    [(RIGHT, Exit.CONFLICT, "parker up"), ("short", Exit.USAGE, "at least 16")],
)
def test_the_command_says_what_is_missing_and_leaves_nothing(
    tmp_path: Path, passphrase: str, code: Exit, word: str
) -> None:
    settings = settings_in(tmp_path / "state")
    env = read_env_file(tmp_path / "state" / "secrets.env") | {
        "PARKER_ENV_FILE": "",
        "PARKER_STATE_DIR": str(settings.state_dir),
        "PARKER_DATABASE_URL": "postgresql://nobody@/nothing",
        "PARKER_BACKUP_PASSPHRASE": passphrase,
    }
    one = archive_of(tmp_path, settings, JournalMark(lines=0, digest="0" * 64))
    command = {
        Exit.CONFLICT: ["backup", "--out", str(tmp_path)],
        Exit.USAGE: ["restore", "--from", str(one), "--dry-run"],
    }[code]
    done = CliRunner().invoke(app, command, env=env)
    assert done.exit_code == code, done.output
    assert word in done.stderr
    assert [path.name for path in tmp_path.glob("*.part")] == []
    if code is Exit.USAGE:
        looked = CliRunner().invoke(app, command, env=env | {"PARKER_BACKUP_PASSPHRASE": RIGHT})
        assert looked.exit_code == Exit.OK, looked.output
        told = json.loads(looked.stdout)
        assert (told["journal"], told["done"]) == ("missing", False)
        # In earnest, as it is written: into a folder that knows of no database yet.
        fresh = {**env, "PARKER_STATE_DIR": str(tmp_path / "new"), "PARKER_DATABASE_URL": ""}
        other = fresh | {"PARKER_BACKUP_PASSPHRASE": RIGHT[::-1]}
        secrets = ["--secrets", str(tmp_path / "state" / "secrets.env")]
        done = CliRunner().invoke(app, ["restore", "--from", str(one), *secrets], env=other)
        assert (done.exit_code, "passphrase is another" in done.stderr) == (Exit.USAGE, True)
