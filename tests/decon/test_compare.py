"""The comparison's table against the runs behind it, and its figure."""

from __future__ import annotations

import numpy as np
import pytest

import decon
import topologies
from decon import attacks, plots
from tests.decon.problems import quadratic


@pytest.fixture(scope="module")
def topos() -> list[topologies.Topology]:
    return [topologies.make("ring", 8), topologies.make("complete", 8), topologies.make("ring", 8)]


def test_one_row_a_topology_and_every_number_is_the_run_s(topos: list[topologies.Topology]) -> None:
    attack = attacks.Gaussian(0.5, 0.1)
    table = decon.compare(topos, quadratic(8), penalty=0.8, byzantine=2, attack=attack, iterations=600)
    assert table.index.tolist() == ["ring", "complete", "ring-2"]
    for (_, row), (topo, honest, attacked) in zip(table.iterrows(), table.attrs["runs"].rows, strict=True):
        assert row["n"] == topo.n
        assert row["edges"] == topo.n_edges
        assert row["connectivity"] == topo.spectrum.algebraic_connectivity
        assert row["graph_condition"] == pytest.approx(np.sqrt(row["signless_max"] / row["connectivity"]))
        assert row["rate"] == honest.rate().rate
        assert row["final_error"] == honest.distance[-1]
        first = int(row["iterations_to_1e-6"])
        assert honest.distance[first] <= 1e-6 < honest.distance[first - 1]
        assert row["attacked_error"] == attacked.distance[-60:].max()
        assert row["attacked_error"] > 1e-3 > row["final_error"]
        assert len(attacked.byzantine) == 2
        assert row["penalty"] == 0.8
        assert row["penalty_from"] == "given"


def test_promises_bound_what_is_measured(topos: list[topologies.Topology]) -> None:
    attack = attacks.Gaussian(0.5, 0.1)
    table = decon.compare(topos[:2], quadratic(8), penalty=0.3, byzantine=2, attack=attack, iterations=600)
    for _, row in table.iterrows():
        # the fit sees a finite tail, so it may exceed the asymptotic rate by its own error
        assert row["rate"] <= row["exact_rate"] + max(1e-3, 3 * row["rate_error"])
        assert row["exact_rate"] <= row["certified_rate"] + 1e-9
        assert row["certified_rate"] <= row["theorem3_rate"]
        assert row["attacked_error"] <= row["certified_radius"] <= row["theorem3_radius"]


def test_costs_may_depend_on_the_size_and_topologies_be_named() -> None:
    given = {"small": topologies.make("ring", 5), "large": topologies.make("ring", 9)}
    table = decon.compare(given, quadratic, penalty=0.3, byzantine=0, iterations=5)
    assert table.index.tolist() == ["small", "large"]
    assert table["n"].tolist() == [5, 9]
    assert "attacked_error" not in table


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(decon.OptionError, match="no topology"):
        decon.compare([], quadratic(3))


def test_figure_has_a_line_a_topology_and_labels(topos: list[topologies.Topology]) -> None:
    import matplotlib.pyplot as plt

    table = decon.compare(topos, quadratic(8), penalty=0.3, byzantine=[1], iterations=20)
    figure = plots.comparison(table)
    lines = [ax for ax in figure.axes if ax.get_xlabel() == "iteration"]
    assert [len(ax.lines) for ax in lines] == [3, 3]
    assert lines[0].get_yscale() == "log"
    assert lines[0].get_ylabel()
    assert len(lines[0].lines[0].get_xdata()) == 21
    plt.close(figure)


def test_line_styles_never_repeat_within_twenty_four() -> None:
    drawn = {(plots.style(i)["color"], str(plots.style(i)["linestyle"])) for i in range(24)}
    assert len(drawn) == 24


@pytest.mark.parametrize("name", ["path", "ring", "star", "barbell", "erdos_renyi", "binary_tree"])
@pytest.mark.parametrize("seed", range(3))
def test_drawn_liars_leave_the_honest_connected(name: str, seed: int) -> None:
    topo = topologies.make(name, 15, seed=seed)
    who = decon.draw_byzantine(topo, 5, seed)
    assert len(set(who.tolist())) == 5
    assert topo.is_connected_among(np.setdiff1d(np.arange(15), who))
    assert np.array_equal(who, decon.draw_byzantine(topo, 5, seed))


def test_too_many_liars_are_refused() -> None:
    with pytest.raises(decon.OptionError, match="8 of 15"):
        decon.draw_byzantine(topologies.make("ring", 15), 8)


def test_large_networks_are_not_certified_but_still_compared_and_screened() -> None:
    """Certificates of an irregular graph this large take minutes, those of a regular one need all its eigenvalues."""
    topos = [topologies.make("star", 400), topologies.make("random_regular", 2400, d=4, seed=0)]
    table = decon.compare(topos, quadratic, iterations=3)
    assert table["penalty_from"].tolist() == ["theorem3", "theorem3"]
    assert table["certified_rate"].isna().all()
    assert table["theorem3_rate"].notna().all()
    run = decon.solve(topos[0], quadratic(400), screening=decon.Profiling(), iterations=3)
    assert run.status == "completed"
