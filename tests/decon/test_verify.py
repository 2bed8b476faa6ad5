"""Verification: what holds is said to hold, and what is broken is caught."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import analysis
import decon
import topologies
from decon import attacks, plots
from tests.decon.problems import quadratic

MUST = {
    "Lemma 1",
    "Lemma 2",
    "Lemma 3",
    "Lemma 4",
    "Lemma 5",
    "Theorem 1: energy after one step",
    "Theorem 2: energy envelope",
    "Theorem 3: energy envelope",
    "Theorem 3: distance envelope",
    "Corollary 1: exact limit if errors decay",
    "Corollary 2: energy under bounded errors",
    "Theorem 4: exact limit within the budget",
    "Theorem 3's radius",
    "certified radius",
    "exact worst case",
    "certified rate ≥ exact rate",
    "certified rate: measured decay is no slower",
}


@pytest.fixture(scope="module")
def table():
    topo = topologies.make("ring", 8)
    return decon.verify(topo, quadratic(8), penalty=0.8, byzantine=2, iterations=300, seeds=[0, 1])


def test_every_statement_is_judged_and_holds(table) -> None:
    judged = table[table["holds"].notna()]
    assert set(judged["statement"]) >= MUST
    assert judged["holds"].all()


def test_conditions_say_which_runs_meet_a_hypothesis(table) -> None:
    by = table.set_index(["statement", "run"])["condition"]
    assert by["Corollary 1: exact limit if errors decay", "decaying attack"]
    assert not by["Corollary 1: exact limit if errors decay", "attack"]
    assert by["Theorem 4: exact limit within the budget", "attack within budget"]
    assert not by["Theorem 4: exact limit within the budget", "attack"]
    ratio = table[table["statement"].str.startswith("Theorem 2, ratio form")]
    assert not ratio["condition"].any()  # the proposition of docs/theory.md section 4


def test_bounds_are_tighter_the_more_they_know(table) -> None:
    attacked = table[table["run"] == "attack"].set_index("statement")["tightness"]
    assert 1 <= attacked["exact worst case"] <= attacked["certified radius"] <= attacked["Theorem 3's radius"]


@pytest.mark.parametrize("cost", ["logistic", "weighted"])
def test_other_costs_and_weights_hold_too(cost: str) -> None:
    rng = np.random.default_rng(0)
    topo, costs = topologies.make("davis_women"), None
    if cost == "logistic":
        topo = topologies.make("grid", 8)
        X = rng.normal(size=(8, 10, 2))
        costs = decon.costs.LogisticRegression(X, rng.integers(0, 2, size=(8, 10)), ridge=0.3)
    else:
        ring = topologies.make("ring", 7)
        topo, costs = topologies.Topology.from_edges(7, ring.edges, rng.uniform(0.2, 5.0, 7)), quadratic(7)
    found = decon.verify(topo, costs, byzantine=1, attack=attacks.SignFlip(-0.5), iterations=120, seeds=[0])
    assert found["holds"].dropna().all()


@pytest.mark.parametrize(
    ("name", "factor", "caught"),
    [
        ("exact_rate", 0.8, "exact rate: measured decay is no slower"),
        ("certified_rate", 0.8, "certified rate ≥ exact rate"),
        ("certified_radius", 0.05, "certified radius"),
    ],
)
def test_a_wrong_bound_is_caught(monkeypatch: pytest.MonkeyPatch, name: str, factor: float, caught: str) -> None:
    right = getattr(analysis, name)
    monkeypatch.setattr(analysis, name, lambda *args, **options: factor * right(*args, **options))
    topo = topologies.make("ring", 8)
    table = decon.verify(topo, quadratic(8), penalty=0.8, byzantine=2, iterations=300, seeds=[0])
    failed = table[table["holds"].isin([False])]
    assert caught in set(failed["statement"])


def test_a_wrong_dual_step_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = importlib.import_module("decon.methods.admm")
    right = engine.node_step

    def wrong(links, penalty, *rest, **options):
        return right(links, 1.01 * penalty, *rest, **options)

    monkeypatch.setattr(engine, "node_step", wrong)
    table = decon.verify(
        topologies.make("complete", 6), quadratic(6), penalty=0.5, byzantine=0, iterations=60, seeds=[0]
    )
    assert {"Lemma 1", "Lemma 2", "Lemma 4"} & set(table[table["holds"].isin([False])]["statement"])


def test_what_cannot_be_verified_is_refused() -> None:
    topo, costs = topologies.make("ring", 6), quadratic(6)
    with pytest.raises(decon.OptionError, match="equivocating"):
        decon.verify(topo, costs, attack=attacks.Equivocate())
    with pytest.raises(decon.OptionError, match=r"topo must be a topologies\.Topology, not int"):
        decon.verify(5, costs)
    with pytest.raises(decon.OptionError, match=r"costs must be a decon\.costs\.Costs, not int"):
        decon.verify(topo, 5)
    with pytest.raises(decon.OptionError, match="20 iterations"):
        decon.verify(topo, costs, iterations=5)
    flat = decon.costs.Quadratic(np.zeros((6, 1, 1)), np.zeros((6, 1)))
    with pytest.raises(decon.OptionError, match="ν = 0"):
        decon.verify(topo, flat)


def test_figures_have_a_panel_a_run_and_a_legend(table) -> None:
    import matplotlib.pyplot as plt

    figure = plots.verification([table.attrs["pictures"]] * 2)
    assert len(figure.axes) == 4
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["measured", "Theorem 3's envelope"]
    plt.close(figure)
    trade = decon.penalty_tradeoff(topologies.make("complete", 6), quadratic(6), [0.1, 1.0], iterations=100)
    assert (trade["exact"] <= trade["certified"] + 1e-9).all()
    assert (trade["certified"] <= trade["theorem3"]).all()
    ax = plots.penalty_tradeoff(trade)
    assert len(ax.get_legend().get_texts()) == 4
    plt.close(ax.figure)
