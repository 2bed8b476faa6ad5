import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import decon
from decon.attacks import Gaussian
from decon.attacks.liars import draw_byzantine
from decon.reproduce import phase, phase_figures


@pytest.fixture(scope="module")
def runs():
    return phase.phase_runs([1], counts=(1, 3), strengths=(0.5, 5.0), networks=("star", "complete"), iterations=60)


def test_a_cell_is_a_run(runs):
    topo, costs = phase._problem("complete", 1)
    liars = draw_byzantine(topo, 3, 1)
    again = decon.solve(
        topo, costs, penalty="certified", byzantine=liars, attack=Gaussian(5.0, 5.0), screening=decon.Profiling(),
        iterations=60, seed=1,
    )  # fmt: skip
    (row,) = runs.query("topology == 'complete' and byzantine == 3 and strength == 5").itertuples()
    assert row.final == again.distance[-1]
    assert len(runs) == 8


@pytest.mark.slow
def test_processes_do_not_change_the_table(runs):
    again = phase.phase_runs(
        [1], counts=(1, 3), strengths=(0.5, 5.0), networks=("star", "complete"), iterations=60, jobs=2
    )
    pd.testing.assert_frame_equal(again, runs)


def test_breakdown_stops_at_the_first_count_with_a_failed_run():
    grid = [
        {
            "topology": name,
            "byzantine": b,
            "strength": s,
            "seed": seed,
            "final": 1.0 if (name, b, s, seed) in lost else 0.0,
        }
        for lost in [{("b", 4, 1.0, 1), ("b", 1, 10.0, 0)}]
        for name in ("b", "a")
        for b in (1, 2, 4, 8)
        for s in (1.0, 10.0)
        for seed in (0, 1)
    ]
    points = phase.breakdown(pd.DataFrame(grid))
    assert points.index.tolist() == ["b", "a"]
    assert points.loc["b"].tolist() == [2, 0, 0]
    assert points.loc["a"].tolist() == [8, 8, 8]


def test_heat_maps_show_the_table(runs):
    drawn = phase_figures.heat_maps(runs)
    maps = [ax for ax in drawn.axes if ax.images]
    shown = np.asarray(maps[1].images[0].get_array())
    (cell,) = runs.query("topology == 'complete' and byzantine == 3 and strength == 0.5")["detected"]
    assert len(maps) == 4
    assert shown[1, 0] == cell
    plt.close(drawn)


def test_roc_of_thresholds_nobody_reaches_is_zero(monkeypatch):
    monkeypatch.setattr(phase, "RULES", {name: ((1e9,), make) for name, (_, make) in phase.RULES.items()})
    monkeypatch.setattr(phase, "N", 8)
    table = phase.roc_runs([0], strengths=(0.1,)).set_index("rule")
    assert table.drop(index="default")[["hits", "false_alarms", "recovered"]].to_numpy().sum() == 0
    drawn = phase_figures.roc(table)
    assert len(drawn.axes) == 1
    plt.close(drawn)
