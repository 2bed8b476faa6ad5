import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from decon.studies import Store, Study, figure
from decon.studies import sweeping as sweep
from decon.studies.cell import solve_cell

STUDY = """
[grid]
topology = ["ring", { family = "erdos_renyi", p = 0.6 }]
n = 6
seed = { start = 0, stop = 1, step = 1 }
byzantine = [0.0, 0.17]
attack = "Gaussian"
method = ["admm", "bounded"]
penalty = 0.4
[methods.bounded]
dual_bound = 3.0
[run]
iterations = 20
"""
TIMES = ["seconds", "finished"]


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    return file


def same(a, b):
    pd.testing.assert_frame_equal(a.drop(columns=TIMES), b.drop(columns=TIMES), check_exact=True)


def test_a_study_gives_each_cell_its_row_once_and_the_same_rows_again(study):
    first = sweep.run(study, jobs=1)
    assert (len(first.rows), first.done, first.failed) == (16, 16, 0)
    again = sweep.run(study, jobs=1)
    assert again.done == 0
    pd.testing.assert_frame_equal(first.rows, again.rows, check_exact=True)  # times too: nothing ran again
    assert sorted(file.name for file in first.folder.iterdir() if not file.name.startswith((".", "rows-"))) == [
        "figure.svg",
        "summary.csv",
    ]


def test_rows_say_what_solve_says(study):
    rows = sweep.run(study, jobs=1).rows
    for cell, (_, row) in zip(Study.load(study).cells(), rows.iterrows(), strict=True):
        result = solve_cell(cell)
        assert row["key"] == cell.key
        assert row["distance"] == result.distance[-1]
        assert row["objective"] == result.objective[-1]


def test_every_method_of_a_cell_meets_the_same_graph_data_and_draws(study):
    runs = {}
    for cell in Study.load(study).cells():
        at = tuple(value for axis, value in cell.labels.items() if axis != "method")
        runs.setdefault(at, []).append(solve_cell(cell))
    assert len(runs) == 8
    for one, other in runs.values():
        np.testing.assert_array_equal(one.edges, other.edges)
        np.testing.assert_array_equal(one.byzantine, other.byzantine)
        np.testing.assert_array_equal(one.minimizer, other.minimizer)
        np.testing.assert_allclose(one.error_norm, other.error_norm, rtol=1e-14)  # (x + e) - x, rounded


def test_a_study_that_lost_rows_runs_only_those(study):
    whole = sweep.run(study, jobs=1)
    store = Store(whole.folder)
    (pack,) = whole.folder.glob("rows-*.parquet")
    pack.unlink()
    kept = whole.rows.to_dict("records")[:11]
    store.pack(kept)
    resumed = sweep.run(study, jobs=1)
    assert resumed.done == 5
    same(whole.rows, resumed.rows)
    assert resumed.rows["finished"][:11].tolist() == [row["finished"] for row in kept]


def test_a_row_that_a_power_cut_damaged_is_run_again(study):
    whole = sweep.run(study, jobs=1)
    store = Store(whole.folder)
    next(whole.folder.glob("rows-*.parquet")).unlink()
    kept = whole.rows.to_dict("records")
    for row in kept:
        store.add(row)
    store.flush(kept)
    pd.testing.assert_frame_equal(store.rows(), whole.rows.sort_values("key", ignore_index=True), check_exact=True)
    parts = [whole.folder / f"part-{row['key']}-0.parquet" for row in kept]
    told = parts[0].read_bytes()
    place = told.index(repr(kept[0]["distance"]).encode())
    parts[0].write_bytes(told[:place] + bytes(8) + told[place + 8 :])  # a block that never reached the disk
    parts[1].write_bytes(b"")
    parts[2].write_bytes(told[:-100])
    assert set(store.rows()["key"]) == {row["key"] for row in kept[3:]}
    resumed = sweep.run(study, jobs=1)
    assert resumed.done == 3
    same(whole.rows, resumed.rows)


def test_a_failing_cell_is_recorded_and_can_be_tried_again(study, monkeypatch):
    real = sweep.run_cell

    def flaky(cell, attempt):
        return real(cell, attempt) if cell.labels["seed"] == 0 else broken(cell, attempt)

    def broken(cell, attempt):
        with monkeypatch.context() as patch:
            patch.setattr("decon.studies.cell.solve", lambda *a, **k: 1 / 0)
            return real(cell, attempt)

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "run_cell", flaky)
        first = sweep.run(study, jobs=1)
    assert (first.done, first.failed) == (16, 8)
    assert first.summary["failed"].tolist() == [1] * 8
    assert first.rows.loc[first.rows["status"] == "error", "message"].str.contains("ZeroDivisionError").all()
    assert sweep.run(study, jobs=1).done == 0
    retried = sweep.run(study, jobs=1, retry_failed=True)
    assert (retried.done, retried.failed) == (8, 0)
    same(
        sweep.run(study, jobs=1, out=study.parent / "fresh").rows.drop(columns="attempt"),
        retried.rows.drop(columns="attempt"),
    )


def test_the_summary_is_the_median_over_seeds(study):
    outcome = sweep.run(study, jobs=1)
    by_hand = outcome.rows.groupby(["topology", "byzantine", "method"])["worst_distance"].min()
    low = outcome.summary.reset_index().set_index(["topology", "byzantine", "method"])["worst_distance low"]
    pd.testing.assert_series_equal(by_hand.sort_index(), low.sort_index(), check_names=False)  # of two seeds
    assert (outcome.summary["runs"] == 2).all()


def test_the_figure_has_a_panel_for_each_attack_and_graph(study):
    drawing = figure(sweep.run(study, jobs=1).rows)
    assert [axes.get_title() for axes in drawing.axes] == ["erdos_renyi(p=0.6), Gaussian", "ring, Gaussian"]
    for axes in drawing.axes:
        assert len(axes.lines) == 2  # one a method
        assert axes.lines[0].get_xdata().tolist() == [0.0, 0.17]


def test_a_worker_imports_nothing_slow_for_a_quadratic_cell(study, tmp_path):
    work = (
        "import sys; from pathlib import Path; from decon.studies import Study, sweeping as sweep\n"
        "for cell in Study.load(sys.argv[1]).cells(): sweep._run_and_keep(cell, 0, Path(sys.argv[2]))\n"
        "print([name for name in ('cvxpy', 'matplotlib', 'pandas', 'scipy.stats', 'sklearn') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", work, str(study), str(tmp_path / "out")], check=True, capture_output=True, text=True
    )
    assert told.stdout == "[]\n"
    assert len(Store(tmp_path / "out").rows()) == 16


@pytest.mark.slow
def test_processes_and_dask_give_the_rows_of_one_process(study, tmp_path):
    distributed = pytest.importorskip("distributed")
    alone = sweep.run(study, jobs=1, out=tmp_path / "alone").rows
    same(alone, sweep.run(study, jobs=2, out=tmp_path / "two").rows)
    with distributed.LocalCluster(n_workers=1, processes=True, threads_per_worker=1, dashboard_address=None) as cluster:
        same(alone, sweep.run(study, dask=cluster.scheduler_address, out=tmp_path / "dask").rows)


@pytest.mark.slow
def test_killed_at_twenty_random_moments_a_study_loses_and_repeats_nothing(study, tmp_path):
    study.write_text(STUDY.replace("stop = 1", "stop = 29").replace("iterations = 20", "iterations = 300"))
    whole = sweep.run(study, jobs=2, out=tmp_path / "whole").rows
    folder = tmp_path / "killed"
    command = [
        sys.executable,
        "-c",
        "import sys; from decon import sweep; sweep.run(sys.argv[1], out=sys.argv[2], jobs=2)",
    ]
    finished: dict[str, float] = {}
    chance = random.Random(0)
    kills = 0
    while kills < 20:
        process = subprocess.Popen([*command, str(study), str(folder)], start_new_session=True)
        rows_before = len(finished)
        while process.poll() is None and len(Store(folder).rows()) <= rows_before + 1:
            time.sleep(0.02)  # it is at work
        time.sleep(chance.uniform(0.0, 0.15))
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGKILL) if kills % 2 else process.kill()  # with its workers, or without
        process.wait()
        kills += 1
        now = Store(folder).rows().set_index("key")["finished"].to_dict()
        assert all(now.get(key) == when for key, when in finished.items())  # nothing lost, nothing done twice
        finished = now
    subprocess.run([*command, str(study), str(folder)], check=True)
    resumed = sweep.run(study, jobs=1, out=folder)
    assert resumed.done == 0
    same(whole, resumed.rows)
    assert all(resumed.rows.set_index("key")["finished"][key] == when for key, when in finished.items())
    assert len(finished) < len(whole)
    assert kills == 20


@pytest.mark.parametrize("jobs", [-1, -2, 2])
def test_a_study_on_one_visible_core_runs_in_this_process(study, jobs):
    """One core, as ``taskset`` or a container gives it: joblib then runs serially, in the process that asked."""
    code = "import sys; from decon import sweep; print(sweep.run(sys.argv[1], jobs=int(sys.argv[2])).done)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(study), str(jobs)],
        env={**os.environ, "LOKY_MAX_CPU_COUNT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1


def test_penalties_are_summarised_in_the_order_of_numbers(study):
    study.write_text('[grid]\nn = 5\npenalty = ["auto", 0.1, 100.0, 20.0, 2.0, 10.0, 1.0]\n[run]\niterations = 3\n')
    outcome = sweep.run(study, jobs=1)
    shown = [str(value) for value in outcome.summary.reset_index()["penalty"]]
    assert shown == ["0.1", "1.0", "2.0", "10.0", "20.0", "100.0", "auto"]
    numbers = outcome.rows[outcome.rows["penalty"] != "auto"]
    drawn = figure(numbers).axes[0].lines[0].get_xdata()
    np.testing.assert_array_equal(drawn, [0.1, 1.0, 2.0, 10.0, 20.0, 100.0])


def test_a_study_in_which_every_run_diverged_has_a_table_and_a_figure_that_says_so(study):
    study.write_text(
        '[grid]\nn = 6\npenalty = 0.5\nbyzantine = 0.34\nattack = { kind = "SignFlip", scale = -50.0 }\n'
        "[run]\niterations = 300\n"
    )
    outcome = sweep.run(study, jobs=1)
    assert outcome.rows["status"].tolist() == ["diverged"]
    assert np.isinf(outcome.summary["worst_distance"]).all()
    assert [text.get_text() for text in figure(outcome.rows).axes[0].texts] == ["no run ended well"]
