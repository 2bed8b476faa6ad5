import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import decon
from decon.attacks import Gaussian
from decon.attacks.liars import draw_byzantine
from decon.reproduce.p1 import ATTACKS, Setting, curves, figure, p1
from decon.reproduce.p1_claims import claims, label

SMALL = Setting(n=10, degree=4, byzantine=1, iterations=150)


@pytest.fixture(scope="module")
def table():
    return curves(SMALL, [3])


def test_one_curve_is_one_run(table):
    topo, costs = SMALL.problem(3)
    liars = draw_byzantine(topo, 1, 3)
    rows = table.query("figure == 'A' and method == 'plain' and attack == 'N(1, 1²)'")
    again = decon.solve(
        topo, costs, penalty="certified", byzantine=liars, attack=Gaussian(1.0, 1.0), iterations=150, seed=3,
        x0="normal", alpha0="normal",
    )  # fmt: skip
    np.testing.assert_array_equal(rows["distance_all"], again.distance_all)
    np.testing.assert_array_equal(rows["k"], np.arange(151))
    assert (rows["missed"] == 4).all()  # all four neighbours of the liar keep listening


def test_plain_radius_is_proportional_to_the_deviation(table):
    """Least squares make the run linear in the error, and the draws are the same: ten times the error, ten times it."""
    plain = table.query("figure == 'A' and method == 'plain' and k >= 100")
    radius = plain.groupby("attack")["distance_all"].mean()
    # what is left of the start at k = 100 is the difference
    np.testing.assert_allclose(radius["N(0, 10²)"], 10 * radius["N(0, 1²)"], rtol=1e-3)
    np.testing.assert_allclose(radius["N(0, 1²)"], 10 * radius["N(0, 0.1²)"], rtol=1e-2)


def test_same_seeds_same_curves(table):
    pd.testing.assert_frame_equal(curves(SMALL, [3]), table)


def made_up(**changes):
    """Return curves that bear out every claim, but for ``changes``: {(method, attack or choice): final distance}."""
    k = np.arange(201)
    rows = []

    def add(figure_, method, attack, choice, rate, floor, missed=0):
        final = changes.get(f"{method} {attack if figure_ == 'A' else choice}")
        distance = np.maximum(rate**k, floor if final is None else final)
        same = {"figure": figure_, "method": method, "attack": attack, "choice": choice, "penalty": 1.0, "seed": 0}
        rows.append(
            pd.DataFrame(
                {**same, "k": k, "distance": distance, "distance_all": distance, "missed": missed * (k < 30)}
            ).assign(wronged=0)
        )

    add("A", "plain", "none", "certified", 0.8, 1e-16)
    for rule in ("robust", "P1's rule"):
        add("A", rule, "none", "certified", 0.8, 1e-16)
    for attack in ATTACKS:
        add("A", "plain", label(attack), "certified", 0.8, 0.01 * (attack.std + attack.mean))
        for rule in ("robust", "P1's rule"):
            add("A", rule, label(attack), "certified", 0.78, 1e-16, missed=5)
    for choice, rate in (("certified", 0.7), ("c*", 0.75), ("c*/5", 0.8), ("5 c*", 0.85), ("1", 0.82)):
        for method in ("robust", "plain"):
            add("B", method, "N(1, 1²)" if method == "robust" else "none", choice, rate, 1e-16)
    return pd.concat(rows, ignore_index=True)


def test_claims_hold_on_curves_made_to_bear_them_out():
    assert claims(made_up(), ATTACKS)["passed"].all()


@pytest.mark.parametrize(
    "change, claim",
    [
        ({"plain none": 1e-3}, "plain ADMM converges"),
        ({"plain N(0, 1²)": 1e-9}, "does not converge"),
        ({"plain N(0, 1²)": 5.0}, "grows with the deviation"),
        ({"plain N(5, 1²)": 1e-3}, "grows with the mean"),
        ({"robust N(1, 1²)": 1e-3}, "robust ADMM converges to the honest"),
        ({"P1's rule N(1, 1²)": 1e-3}, "P1's rule converges to the honest"),
        ({"robust certified": 1e-3}, "robust ADMM under attack: the certified"),
        ({"robust c*": 1e-3}, "robust ADMM under attack: c\\*"),
        ({"plain c*": 1e-3}, "plain ADMM without attack: c\\*"),
    ],
)
def test_each_claim_can_fail(change, claim):
    held = claims(made_up(**change), ATTACKS)["passed"]
    assert not held[held.index.str.contains(claim)].any()


def test_links_decide_whether_all_were_found():
    table = made_up()
    table.loc[(table["method"] == "robust") & (table["attack"] == "N(1, 1²)") & (table["k"] == 200), "wronged"] = 1
    held = claims(table, ATTACKS)
    assert not held.loc["robust ADMM identifies all Byzantine agents, and no honest one", "passed"]
    assert "N(1, 1²): 0 of 1" in held.loc["robust ADMM identifies all Byzantine agents, and no honest one", "measured"]
    assert held.loc["P1's rule identifies all Byzantine agents, and no honest one", "passed"]


def test_figure_draws_every_curve_and_says_its_setting(table):
    drawn = figure(SMALL, table)
    assert [len(ax.get_lines()) for ax in drawn.axes] == [6, 6, 6, 5]
    assert "1 Byzantine of n = 10" in drawn.get_supxlabel().replace("\n", " ")
    plt.close(drawn)


@pytest.mark.slow
def test_p1_at_full_size(tmp_path):
    _, held = p1(tmp_path, quick=True)
    assert {path.name for path in tmp_path.iterdir()} == {"p1.png", "p1-curves.csv", "p1-claims.csv"}
    assert held["passed"].iloc[:4].all()
