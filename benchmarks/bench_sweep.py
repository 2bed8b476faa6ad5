"""What a study adds to its runs: at most 5 % for 1,000 runs of 50 ms; and how fast 100,000 rows can be read."""

import time

import pytest

from decon import sweep
from decon.studies import Store

pytestmark = pytest.mark.benchmark

RUNS = 1000


def _study(tmp_path, seeds, iterations):
    file = tmp_path / "study.toml"
    file.write_text(
        f"[grid]\nn = 30\nbyzantine = 0.2\nattack = 'Gaussian'\nmethod = 'bounded'\npenalty = 0.4\n"
        f"seed = {{ start = 0, stop = {seeds - 1}, step = 1 }}\n"
        f"[methods.bounded]\ndual_bound = 5.0\n[run]\niterations = {iterations}\n"
    )
    return file


def test_overhead(tmp_path):
    """Worker seconds (wall clock times workers) over the seconds of the runs themselves, summary and figure included.

    Workers start once a process and serve all its studies; the first of them pays for it.
    """
    warm = sweep.run(_study(tmp_path, 12, 400), jobs=1, out=tmp_path / "warm").rows["seconds"].to_numpy()[2:]
    iterations = max(1, round(400 * 0.05 / float(sorted(warm)[len(warm) // 2])))
    study = _study(tmp_path, RUNS, iterations)
    print()
    for number, (jobs, how) in enumerate(
        [(1, "in this process"), (2, "with their start"), (2, "that are there already")]
    ):
        began = time.perf_counter()
        outcome = sweep.run(study, jobs=jobs, out=tmp_path / f"rows{number}")
        wall = time.perf_counter() - began
        runs = outcome.rows["seconds"].sum()
        print(
            f"{RUNS:,} runs of {1e3 * runs / RUNS:.0f} ms on {jobs} workers {how}: {wall:.1f} s, "
            f"overhead {jobs * wall / runs - 1:+.1%}"
        )
        assert len(outcome.rows) == RUNS
        assert outcome.failed == 0


def test_reading_100_000_rows(tmp_path):
    store = Store(tmp_path)
    row = {"attempt": 0, "topology": "ring", "n": 20, "status": "completed", "distance": 0.5, "seconds": 0.05}
    for block in range(100):
        store.pack([{**row, "key": f"{block:03d}{i:05d}", "seed": i} for i in range(1000)])
    files = len(list(tmp_path.glob("*.parquet")))
    store.tidy()  # as every study does when it ends
    began = time.perf_counter()
    rows = store.rows()
    grouped = rows.groupby(["topology", "n"])["distance"].median()
    took = time.perf_counter() - began
    print(f"\n{len(rows):,} rows in {files} packed files: after the study has ended read and grouped in {took:.2f} s")
    assert len(rows) == 100_000
    assert len(grouped) == 1
