"""The store: atomic, ordered, and never two transactions at once."""

from pathlib import Path

import pytest

from sandboxes.store import Store


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "sandboxes.db")
    yield opened
    opened.close()


def test_finds_documents_by_all_their_keys_oldest_first(store: Store):
    with store.transaction() as tx:
        tx.put("order", "b", {"id": "b"}, keys={"offer": "1", "state": "live"})
        tx.put("order", "a", {"id": "a"}, keys={"offer": "1", "state": "gone"})
        tx.put("order", "c", {"id": "c"}, keys={"offer": "1", "state": "live"})
    with store.transaction() as tx:
        assert [row["id"] for row in tx.find("order", offer="1")] == ["b", "a", "c"]
        assert [row["id"] for row in tx.find("order", offer="1", state="live")] == ["b", "c"]
        assert tx.find("order", offer="2") == []


def test_replacing_a_document_keeps_its_place_and_drops_old_keys(store: Store):
    with store.transaction() as tx:
        tx.put("x", "1", {"id": "1"}, keys={"state": "new"})
        tx.put("x", "2", {"id": "2"})
        tx.put("x", "1", {"id": "1", "more": True}, keys={"state": "old"})
        assert [row["id"] for row in tx.all("x")] == ["1", "2"]
        assert tx.find("x", state="new") == []
        assert tx.find("x", state="old") == [{"id": "1", "more": True}]


def test_an_exception_undoes_everything(store: Store):
    def fail() -> None:
        with store.transaction() as tx:
            tx.put("x", "1", {"id": "1"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.transaction() as tx:
        assert tx.get("x", "1") is None


def test_refuses_a_transaction_inside_another(store: Store):
    with store.transaction(), pytest.raises(RuntimeError), store.transaction():
        pass
    with store.transaction() as tx:
        assert tx.next_number("n") == 1


def test_numbers_go_on_after_a_reset(store: Store):
    with store.transaction() as tx:
        assert tx.next_number("n") == 1
        tx.put("x", "1", {})
    store.reset()
    with store.transaction() as tx:
        assert tx.all("x") == []
        assert tx.next_number("n") == 2


def test_a_second_opening_of_the_file_sees_what_the_first_wrote(store: Store, tmp_path: Path):
    with store.transaction() as tx:
        tx.put("x", "1", {"kept": True})
    other = Store(tmp_path / "sandboxes.db")
    with other.transaction() as tx:
        assert tx.get("x", "1") == {"kept": True}
    other.close()
