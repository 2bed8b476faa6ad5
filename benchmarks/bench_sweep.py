"""What a study adds to its runs: at most 5 % for 1,000 runs of 50 ms; and how fast 100,000 rows can be read."""

import time

import pytest
from joblib.externals.loky import get_reusable_executor

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


def _iterations(tmp_path, jobs):
    """Return how many make a run of 50 ms on so many workers at once, from two lengths of 100 runs."""
    low, high = (
        sweep.run(_study(tmp_path, 100, length), jobs=jobs, out=tmp_path / f"{jobs}-{length}").rows["seconds"].median()
        for length in (50, 150)
    )
    return max(1, round(50 + 100 * (0.05 - low) / (high - low)))


@pytest.mark.parametrize(
    ("jobs", "starts"), [(1, ["in this process"]), (2, ["with their start", "that are there already"])]
)
def test_overhead(tmp_path, jobs, starts):
    """Worker seconds (wall clock times workers) over the seconds of the runs themselves, summary and figure included.

    Each number of workers has its own iterations, so that a run takes 50 ms there: two at once on two cores are slower
    than one alone, and that slowness is the runs' own, no overhead. What the first run of each worker takes longer than
    the median, for imports of its own, counts as overhead. Workers start once a process and serve all its studies; the
    first of them pays for it.
    """
    study = _study(tmp_path, RUNS, _iterations(tmp_path, jobs))
    get_reusable_executor().shutdown(wait=True)
    print()
    for number, how in enumerate(starts):
        began = time.perf_counter()
        outcome = sweep.run(study, jobs=jobs, out=tmp_path / f"rows{number}")
        wall = time.perf_counter() - began
        seconds = outcome.rows["seconds"].sort_values()
        runs = seconds[:-jobs].sum() + jobs * seconds.median()
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
