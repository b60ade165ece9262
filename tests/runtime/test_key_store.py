"""The folder of keys: first wins, destroyed is for ever, and nothing of a key stays in a file."""

import itertools
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from runtime.key_store import KeyDestroyed, KeyName, KeyStore

ANA = KeyName("aa-owner", "aa-owner")
CHILD = KeyName("aa-owner", "child")
BEN = KeyName("bb-owner", "bb-owner")


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_the_first_key_stands_whoever_comes_at_once(store: KeyStore) -> None:
    assert store.read(ANA) is None
    kept: list[str] = []

    def keep(number: int) -> None:
        kept.append(store.keep(ANA, f"key{number}"))

    threads = [threading.Thread(target=keep, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(kept)) == 1
    assert store.read(ANA) == kept[0]
    store.replace(ANA, "wrapped anew")
    assert store.read(ANA) == "wrapped anew"
    assert list(store.names()) == [ANA]


def test_a_key_that_was_destroyed_is_gone_and_none_is_made_again(
    store: KeyStore, tmp_path: Path
) -> None:
    for name in (ANA, CHILD, BEN):
        store.keep(name, f"secret of {name.subject}")
    store.destroy(CHILD)
    store.destroy(CHILD)
    for again in (store.read, lambda name: store.keep(name, "x"), lambda n: store.replace(n, "x")):
        with pytest.raises(KeyDestroyed):
            again(CHILD)
    assert b"secret of child" not in everything(tmp_path)
    assert store.read(ANA) == "secret of aa-owner"
    store.destroy_all("aa-owner")
    for name in (ANA, KeyName("aa-owner", "newcomer")):
        with pytest.raises(KeyDestroyed):
            store.keep(name, "x")
    assert list(store.names()) == [BEN]
    assert set(store.gone()) == {ANA, CHILD}
    assert b"aa-owner" not in everything(tmp_path)
    # An account that never had a key can be marked all the same.
    store.destroy_all("cc-owner")
    with pytest.raises(KeyDestroyed):
        store.keep(KeyName("cc-owner", "cc-owner"), "x")


def test_a_key_made_while_the_account_is_destroyed_does_not_survive(
    store: KeyStore, tmp_path: Path
) -> None:
    for number in range(40):
        owner = f"{number:02}owner"
        name = KeyName(owner, owner)

        def make(name: KeyName = name) -> None:
            with suppress(KeyDestroyed):
                for turn in itertools.count():
                    store.keep(KeyName(name.owner, f"s{turn}"), "made meanwhile")

        maker = threading.Thread(target=make)
        maker.start()
        store.destroy_all(owner)
        maker.join()
    assert list(store.names()) == []
    assert b"made meanwhile" not in everything(tmp_path)


def test_nobody_else_reads_them_and_names_lead_nowhere(store: KeyStore, tmp_path: Path) -> None:
    store.keep(ANA, "secret")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").rglob("*")}
    assert modes <= {0o700, 0o600}
    for odd in ("../x", "a/b", "", "."):
        with pytest.raises(ValueError, match="names no key"):
            store.keep(KeyName("aa", odd), "x")
    store.check()
