import numpy as np
import pytest

from decon.errors import OptionError
from decon.studies import Store


def row(key, attempt=0, status="completed"):
    return {"key": key, "attempt": attempt, "status": status, "distance": 0.1 + 0.2, "n": 5}


def keys(store):
    return store.rows()["key"].tolist()


def test_rows_are_read_once_at_every_step_of_packing(tmp_path, monkeypatch):
    store = Store(tmp_path)
    rows = [row(f"{i:02d}") for i in range(5)]
    for one in rows:
        store.add(one)
    expected = [one["key"] for one in rows]
    assert keys(store) == expected
    seen = []
    unlink = type(tmp_path).unlink

    def watched(path, **options):  # between any two file operations every key is there, once
        seen.append(keys(store))
        unlink(path, **options)

    monkeypatch.setattr(type(tmp_path), "unlink", watched)
    store.pack(rows)
    seen.append(keys(store))
    assert len(seen) == 6
    assert all(one == expected for one in seen)


def test_a_kill_between_packing_and_deleting_leaves_each_row_once(tmp_path, monkeypatch):
    store = Store(tmp_path)
    for i in range(3):
        store.add(row(f"{i}"))
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "unlink", lambda *a, **k: None)  # killed before the small files went
        store.pack([row(f"{i}") for i in range(3)])
    assert keys(store) == ["0", "1", "2"]
    store.tidy()
    assert keys(store) == ["0", "1", "2"]
    assert not list(tmp_path.glob("part-*"))


def test_the_latest_attempt_counts_and_the_first_writer_stays(tmp_path):
    store = Store(tmp_path)
    store.add(row("a", 0, "error"))
    store.add(row("a", 1))
    store.add(row("a", 1, "written again by a worker that outlived its study"))
    assert store.rows()["status"].tolist() == ["completed"]
    assert store.rows()["distance"].item() == 0.1 + 0.2  # exact through parquet


def test_attempts_are_those_of_the_rows(tmp_path):
    store = Store(tmp_path)
    assert store.attempts() == {}
    store.pack([row("a", 0, "error"), row("b")])
    store.add(row("a", 1, "error"))
    store.add({**row("c"), "rate": float("nan"), "objective": float("-inf"), "message": "λ = ∞"})
    assert store.attempts() == {"a": (1, True), "b": (0, False), "c": (0, False)}
    last = store.rows().set_index("key").loc["c"]
    assert np.isnan(last["rate"])
    assert (last["objective"], last["message"]) == (float("-inf"), "λ = ∞")


def test_a_half_written_file_is_not_read_and_is_cleared(tmp_path):
    store = Store(tmp_path)
    store.add(row("a"))
    (tmp_path / ".partial-123").write_bytes(b"PAR1")
    assert keys(store) == ["a"]
    store.tidy()
    assert not list(tmp_path.glob(".partial-*"))


def test_many_packs_become_one(tmp_path):
    store = Store(tmp_path)
    for i in range(40):
        store.pack([row(f"{i:02d}")])
    store.tidy()
    assert len(list(tmp_path.glob("rows-*.parquet"))) == 1
    assert len(keys(store)) == 40


def test_a_foreign_file_is_named(tmp_path):
    (tmp_path / "rows-x.parquet").write_bytes(b"no parquet")
    with pytest.raises(OptionError, match=r"rows-x\.parquet does not hold rows"):
        Store(tmp_path).rows()


def test_a_folder_serves_one_study_at_a_time(tmp_path):
    with Store(tmp_path).lock(), pytest.raises(OptionError, match="another process"), Store(tmp_path).lock():
        pass
    with Store(tmp_path).lock():
        pass
