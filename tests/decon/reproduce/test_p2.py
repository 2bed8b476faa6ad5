"""P2's comparison: what must be equal by construction, and the judge of claims on curves made by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from decon.attacks.liars import draw_byzantine
from decon.datasets import synthetic_classification, synthetic_regression
from decon.errors import DataError, OptionError
from decon.reproduce import p2, p2_graphs
from decon.reproduce.claims import claims
from decon.reproduce.star import METHODS, SCENARIOS, Scenario, Star, hold_out
from decon.reproduce.tuning import BUDGET, grid, tune_all, tuned


@pytest.fixture(scope="module")
def data():
    return synthetic_classification(600, 4, classes=10, separation=5.0)


def test_the_stated_table_has_every_method_and_scenario_from_its_grid():
    table = tuned()
    assert list(table) == [scenario.name for scenario in SCENARIOS]
    for scenario in SCENARIOS:
        assert set(table[scenario.name]) == set(METHODS)
        for method in METHODS:
            candidates = grid(method, scenario.q)
            assert len(candidates) == BUDGET["candidates"]  # the same budget for all
            assert table[scenario.name][method] in candidates


@pytest.mark.parametrize("q", [4, 8])
def test_kept_share_is_the_share_of_classes_that_honest_workers_hold(data, q):
    star = Star(data, Scenario("same-value", q), 0)
    assert star.kept_share == np.isin(data.y_test, np.arange(10 - q // 2)).mean()  # two workers a class
    assert Star(data, Scenario("gaussian", q), 0).kept_share == 1.0
    assert star.byzantine.tolist() == list(range(21 - q, 21))


def test_held_out_samples_are_training_samples_and_none_is_lost(data):
    held = hold_out(data)
    both = np.vstack([held.X, held.X_test])
    order, given = np.lexsort(both.T), np.lexsort(data.X.T)
    np.testing.assert_array_equal(both[order], data.X[given])


def test_without_an_effective_attack_sgd_is_ideal_sgd_of_all(data):
    # the mean of m equal-sized messages and of the honest ones are both unbiased: no attack, q = 0
    none = Scenario("gaussian", 0)
    star = Star(data, none, 3)
    settings = {"step": 1.0}
    ideal, plain = (star.run(m, settings, iterations=30) for m in ("ideal SGD", "SGD"))
    np.testing.assert_array_equal(ideal.accuracy, plain.accuracy)
    trimmed = star.run("trimmed mean", settings, iterations=30)
    np.testing.assert_array_equal(ideal.accuracy, trimmed.accuracy)  # trims nothing


def test_two_runs_are_equal_and_a_diverged_run_has_a_full_curve(data):
    star = Star(data, Scenario("gaussian", 8), 0)
    settings = {"dual_bound": 0.01, "beta": 0.1, "scale": 0.1}
    first, again = (star.run("ADMM", settings, iterations=25, record_every=10) for _ in range(2))
    np.testing.assert_array_equal(first.accuracy, again.accuracy)
    assert first.iterations.tolist() == [0, 10, 20, 25]
    wild = star.run("SGD", {"step": 1e308}, iterations=25, record_every=10)
    assert wild.iterations.tolist() == [0, 10, 20, 25]
    with pytest.raises(OptionError, match="unknown method"):
        star.run("voting", settings)
    with pytest.raises(DataError, match="regression"):
        Star(synthetic_regression(100, 3), Scenario("gaussian", 4), 0)


def test_interrupted_tuning_goes_on(tmp_path, data, monkeypatch):
    calls = []
    monkeypatch.setattr("decon.reproduce.tuning.tune", lambda *args, **_: calls.append(args[1:]) or {"step": 1.0})
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"gaussian q=4": {"SGD": {"step": 7.0}}}))
    table = tune_all(data, path, methods=["SGD", "Krum"], scenarios=SCENARIOS[:2])
    assert [(m, s.q) for m, s in calls] == [("Krum", 4), ("SGD", 8), ("Krum", 8)]
    assert table["gaussian q=4"]["SGD"] == {"step": 7.0}
    assert tuned(path) == table
    with pytest.raises(OptionError, match="no table"):
        tuned(tmp_path / "nowhere.json")


def test_a_killed_report_goes_on_from_its_finished_runs(tmp_path, data, monkeypatch):
    options = {"methods": ["SGD"], "scenarios": SCENARIOS[:1], "seeds": 2, "iterations": 20, "out": tmp_path}
    whole = p2.curves(data, tuned(), **options)
    store = tmp_path / "p2_runs.jsonl"
    lines = store.read_text().splitlines(keepends=True)
    assert len(lines) == 4  # two seeds of SGD, two of the ADMM as printed
    store.write_text(lines[0] + lines[1] + lines[2][:30])  # killed while writing the third
    made = []
    original = Star.run
    monkeypatch.setattr(Star, "run", lambda self, *a, **k: made.append(a[0]) or original(self, *a, **k))
    again = p2.curves(data, tuned(), **options)
    assert len(made) == 2
    pd.testing.assert_frame_equal(whole, again)


def made_up(changes):
    """Return curves that reach their end at once: 0.9 for everyone but SGD, and what ``changes`` says."""
    rows = []
    for scenario in SCENARIOS:
        for method in METHODS:
            end = changes.get((scenario.name, method), 0.2 if method == "SGD" else 0.9)
            rows += [(scenario.name, method, 0, k, end) for k in (0, 10)]
    return pd.DataFrame(rows, columns=["scenario", "method", "seed", "iteration", "accuracy"])


def test_claims_hold_exactly_when_the_numbers_say_so():
    best = {scenario.name: 0.8 for scenario in SCENARIOS}

    def verdict(changes, text):
        table = claims(made_up(changes), best)
        (row,) = table[table["claim"].str.contains(text, regex=False)].itertuples()
        return row.holds

    assert verdict({}, "q=4: SGD is worst")
    assert not verdict({("gaussian q=4", "median"): 0.1}, "q=4: SGD is worst")
    assert verdict({("sign-flip q=4", "ADMM"): 0.88}, "q=4: ADMM is close")
    assert not verdict({("sign-flip q=4", "ADMM"): 0.86}, "q=4: ADMM is close")
    assert not verdict({("same-value q=8", "RSA"): 0.95}, "q=8: ADMM is better than RSA")
    assert verdict({("gaussian q=8", "ADMM"): 0.89}, "gaussian q=8: ADMM within .01")
    assert not verdict({("gaussian q=8", "ADMM"): 0.88}, "gaussian q=8: ADMM within .01")


def test_quick_report_leaves_its_files(tmp_path, data):
    report = p2.run(data, quick=True, iterations=10, seeds=1, out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "p2_runs.jsonl", "p2_curves.csv", "p2_finals.csv", "p2_claims.csv", "p2.svg",
    }  # fmt: skip
    assert report.finals.loc["classes left", "same-value q=8"] == pytest.approx(0.6, abs=0.05)
    assert report.curves["accuracy"].between(0, 1).all()
    with pytest.raises(OptionError, match="seeds"):
        p2.run(data, seeds=0)


def test_agents_that_talk_to_nobody_do_not_depend_on_the_graph(data):
    settings = {"dual_bound": 0.01, "beta": 0.1, "scale": 0.1}
    found = {}
    for name in ("ring", "torus"):
        honest = np.setdiff1d(np.arange(20), draw_byzantine(p2_graphs.GRAPHS[name](0), p2_graphs.LIARS, 0))
        scores = p2_graphs._scores(data, name, "gaussian", "alone", settings, 0, 20)
        found[name] = dict(zip(honest.tolist(), scores, strict=True))
    both = found["ring"].keys() & found["torus"].keys()
    assert len(both) >= 12
    # duals of 1e-12 cannot change a decision
    assert {agent: found["ring"][agent] for agent in both} == {agent: found["torus"][agent] for agent in both}
