"""The front door: what it refuses, how runs end, and what a result keeps."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis
import decon
import topologies
from decon import attacks
from decon.attacks import Attack, View
from decon.costs import Costs, LeastSquares, LogisticRegression, Quadratic
from decon.runs.solve import solve
from tests.decon.problems import centred, quadratic


def refused(match: str, **changes: Any) -> None:
    options: dict[str, Any] = {"topo": topologies.make("ring", 6), "costs": quadratic(6), "penalty": 0.3}
    options |= changes
    with pytest.raises(ValueError, match=match):
        solve(options.pop("topo"), options.pop("costs"), **options)


@pytest.mark.parametrize(
    ("match", "changes"),
    [
        ("6 agents need 6 costs, not 5", {"costs": quadratic(5)}),
        ("must be a topologies.Topology, not int", {"topo": 3}),
        ("must be a decon.costs.Costs, not str", {"costs": "ridge"}),
        ("0 … 5, found 6", {"byzantine": [1, 6]}),
        ("0 … 5, found -1", {"byzantine": [-1]}),
        ("list of agent indices", {"byzantine": [0.5]}),
        ("4 of 6 agents Byzantine is a majority", {"byzantine": [0, 1, 2, 3]}),
        ("positive and finite, not 0", {"penalty": 0.0}),
        ("positive and finite, not nan", {"penalty": float("nan")}),
        ("unknown penalty 'best'", {"penalty": "best"}),
        ("dual bound must be positive, not 0", {"dual_bound": 0}),
        ("dual bound must be positive, not nan", {"dual_bound": float("nan")}),
        ("iterations must be an integer of at least 0, not -1", {"iterations": -1}),
        ("record_every must be an integer of at least 1, not 0", {"record_every": 0}),
        ("seed must be an integer", {"seed": -4}),
        ("tol must be positive", {"tol": 0.0}),
        (re.escape("shape (6, 3), not (6, 2)"), {"x0": np.zeros((6, 2))}),
        ("finite array", {"x0": np.full((6, 3), np.nan)}),
        ("\"normal\", not 'random'", {"alpha0": "random"}),
        ("sum to zero", {"alpha0": np.ones((6, 3))}),
        ("not one with NaN or infinity", {"x0": np.full((6, 3), np.inf)}),
        ("x0 must be .* of real numbers", {"x0": [["a"] * 3] * 6}),
        ("x0 must be .* of real numbers", {"x0": 1j * np.ones((6, 3))}),
        ("list of agent indices", {"byzantine": [[1], [2, 3]]}),
        ("penalty must be a number or one of auto", {"penalty": None}),
        ("penalty must be a number or one of auto", {"penalty": [1.0, 2.0]}),
        ("penalty must lie between 1e-30 and 1e\\+30, not 1e\\+308", {"penalty": 1e308}),
        ("dual bound must be positive, not 'x'", {"dual_bound": "x"}),
        ("tol must be positive, not 'x'", {"tol": "x"}),
        ("screening must be an object such as decon.Profiling", {"screening": "profiling"}),
        ("screening must be an object such as", {"screening": decon.Profiling}),
        ("attack must be an object such as", {"attack": "gaussian"}),
        ("attack must be an object such as", {"attack": attacks.Gaussian}),
        ("local_step must be an object such as", {"local_step": decon.Exact}),
    ],
)
def test_refuses_what_cannot_run_and_names_it(match: str, changes: dict[str, Any]) -> None:
    refused(match, **changes)


def test_non_convex_costs_are_refused_before_any_run() -> None:
    with pytest.raises(decon.CostError, match="agent 1 is not convex"):
        Quadratic([[[1.0]], [[-1.0]]], [[0.0], [0.0]])


def test_exact_penalty_needs_quadratic_costs() -> None:
    X, y = np.ones((6, 2, 3)), np.tile([0, 1], (6, 1))
    refused("needs Quadratic", costs=decon.costs.LogisticRegression(X, y, ridge=0.1), penalty="exact")


def test_a_function_of_agent_numbers_stands_for_its_costs() -> None:
    topo, made = topologies.make("ring", 6), decon.datasets.quadratics(range(6), dim=2)
    for costs in (made, lambda agents: decon.datasets.quadratics(agents, dim=2)):
        result = solve(topo, costs, penalty=0.3, iterations=5)
        np.testing.assert_array_equal(result.x, solve(topo, made, penalty=0.3, iterations=5).x)
    refused("Costs, not list", costs=lambda agents: [])


def test_half_of_the_agents_may_lie() -> None:
    result = solve(topologies.make("path", 2), quadratic(2), penalty=0.3, byzantine=[1], attack=attacks.Zero())
    assert result.status == "completed"


class TestEndings:
    def test_converged_stops_at_the_tolerance(self) -> None:
        result = solve(topologies.make("complete", 6), quadratic(6), penalty=0.3, tol=1e-6)
        assert result.status == "converged"
        assert result.distance[-1] <= 1e-6 < result.distance[-2]
        assert result.iterations == result.recorded[-1] == len(result.distance) - 1
        assert result.require() is result

    def test_non_finite_message_names_agent_and_iteration(self) -> None:
        attack = attacks.Scheduled(attacks.NonFinite(), start=7)
        for bad in (attack, attacks.Scheduled(attacks.NonFinite(float("inf")), start=7)):
            result = solve(topologies.make("ring", 6), quadratic(6), penalty=0.3, byzantine=[4], attack=bad)
            assert result.status == "nonfinite"
            assert "agent 4" in result.message
            assert "iteration 7" in result.message
            assert result.iterations == 6
            assert np.isfinite(result.x).all()
            with pytest.raises(decon.RunError, match="agent 4"):
                result.require()

    def test_non_finite_equivocation_is_caught_too(self) -> None:
        class Infinite(attacks.Equivocate):
            def __call__(self, view: View, rng: np.random.Generator) -> np.ndarray:
                return np.full((len(view.outgoing), view.x.shape[1]), np.inf)

        result = solve(topologies.make("ring", 6), quadratic(6), penalty=0.3, byzantine=[2], attack=Infinite())
        assert result.status == "nonfinite"
        assert "agent 2" in result.message

    def test_divergence_is_a_status_with_an_agent(self) -> None:
        result = solve(
            topologies.make("complete", 6), quadratic(6), penalty=1.0, byzantine=[0], attack=attacks.SignFlip(-8.0)
        )
        assert result.status == "diverged"
        assert re.search(r"agent \d+ is .* off the minimizer at iteration \d+", result.message)

    def test_huge_message_ends_the_run_without_warnings(self) -> None:
        result = solve(
            topologies.make("ring", 6), quadratic(6), penalty=0.3, byzantine=[0], attack=attacks.Outlier(1e300)
        )
        assert result.status == "nonfinite"
        assert "agent 0 sent" in result.message
        assert np.isfinite(result.x).all()

    @pytest.mark.parametrize("value", [1e300, -1.7e308])
    def test_huge_message_to_newton_steps_is_a_status_too(self, value: float) -> None:
        rng = np.random.default_rng(0)
        costs = LogisticRegression(rng.normal(size=(6, 8, 3)), rng.integers(0, 2, (6, 8)), ridge=0.1)
        result = solve(topologies.make("ring", 6), costs, penalty=0.3, byzantine=[2], attack=attacks.Outlier(value))
        assert result.status == "nonfinite"
        assert "agent 2 sent" in result.message

    @pytest.mark.parametrize("value", [1e20, 1e50, 1e300, np.inf])
    @pytest.mark.parametrize("rule", [decon.Profiling(), decon.Profiling(warmup=10, threshold=0.5)])
    def test_what_overflows_single_precision_is_screened(self, value: float, rule: decon.Profiling) -> None:
        rng = np.random.default_rng(0)
        costs = LogisticRegression(rng.normal(size=(6, 8, 3)), rng.integers(0, 2, (6, 8)), ridge=0.1)
        result = solve(
            topologies.make("complete", 6),
            costs,
            penalty=0.3,
            byzantine=[2],
            attack=attacks.Outlier(value) if np.isfinite(value) else attacks.NonFinite(value),
            screening=rule,
            precision="single",
            iterations=30,
        )
        assert result.status == "completed"
        assert np.isfinite(np.delete(result.x, 2, axis=0)).all()

    @pytest.mark.parametrize(
        "costs",
        [
            LeastSquares(np.tile(np.eye(3)[None, :2], (6, 1, 1)) + np.arange(6)[:, None, None] / 9, np.ones((6, 2))),
            LogisticRegression(
                np.random.default_rng(1).normal(size=(6, 60, 3)), np.arange(360).reshape(6, 60) % 2, ridge=0.0
            ),
        ],
    )
    def test_an_agent_cut_off_by_all_stays_when_its_cost_is_flat(self, costs: Costs) -> None:
        result = solve(
            topologies.make("complete", 6),
            costs,
            penalty=0.3,
            byzantine=[2],
            attack=attacks.NonFinite(),
            screening=decon.Profiling(warmup=5, threshold=5.0),
            iterations=400,
        )
        assert result.status == "completed"
        assert np.isfinite(result.x).all()
        assert result.distance[-1] < 0.05 * result.distance[0]  # flat costs converge slowly, but they do

    def test_ctrl_c_returns_what_there_is(self) -> None:
        class Impatient(Attack):
            def __call__(self, view: View, rng: np.random.Generator) -> np.ndarray:
                if view.k == 5:
                    raise KeyboardInterrupt
                return view.own

        result = solve(topologies.make("ring", 6), quadratic(6), penalty=0.3, byzantine=[0], attack=Impatient())
        assert result.status == "interrupted"
        assert result.iterations == 4
        assert len(result.distance) == 5

    def test_no_iterations_give_the_initial_state(self) -> None:
        result = solve(topologies.make("ring", 6), quadratic(6), penalty=0.3, iterations=0)
        assert result.iterations == 0
        assert result.distance == pytest.approx([np.linalg.norm(result.minimizer)])


def test_histories_are_what_they_say() -> None:
    """Each history against its definition, from the states of the same run."""
    from itertools import islice

    from tests.decon.problems import admm, iterate

    topo, costs, who = topologies.make("wheel", 7), quadratic(7), np.array([2, 5])
    attack = attacks.Gaussian(0.3, 0.1)
    result = solve(topo, costs, penalty=0.3, byzantine=who, attack=attack, seed=9, iterations=20)
    zero = np.zeros((7, 3))
    states = islice(iterate(admm(topo, costs, 0.3, who, attack, seed=9), x0=zero, alpha0=zero), 21)
    honest = [0, 1, 3, 4, 6]
    star, star_all = decon.minimizer(costs, honest), decon.minimizer(costs)
    for k, state in enumerate(states):
        x = state.x[honest]
        assert result.distance[k] == pytest.approx(np.linalg.norm(x - star, axis=1).mean(), rel=1e-12)
        assert result.distance_all[k] == pytest.approx(np.linalg.norm(x - star_all, axis=1).mean(), rel=1e-12)
        spread = np.linalg.norm(x - x.mean(axis=0), axis=1).mean()
        assert result.consensus_error[k] == pytest.approx(spread, rel=1e-9, abs=1e-15)
        # the engine's gradient comes from optimality of the prox: exact to rounding of order-one terms
        assert result.objective[k] == pytest.approx(costs.value(state.x)[honest].sum(), abs=1e-12)
        assert result.error_norm[k] == pytest.approx(np.linalg.norm(state.z - state.x), rel=1e-12)


def test_recording_every_third_iteration_keeps_the_same_numbers_and_the_end() -> None:
    topo, costs = topologies.make("ring", 6), quadratic(6)
    every = solve(topo, costs, penalty=0.3, iterations=80)
    third = solve(topo, costs, penalty=0.3, iterations=80, record_every=3)
    assert third.recorded.tolist() == [*range(0, 80, 3), 80]
    assert np.array_equal(third.distance, every.distance[third.recorded])
    assert third.rate().rate == pytest.approx(every.rate().rate, abs=0.01)  # other points, same decay


def test_normal_starts_are_standard_and_multipliers_are_centred() -> None:
    topo = topologies.make("ring", 4000)
    result = solve(topo, quadratic(4000), penalty=0.3, x0="normal", alpha0="normal", iterations=0)
    assert np.mean(result.x) == pytest.approx(0, abs=0.05)  # 12,000 draws: five standard errors are 0.046
    assert np.std(result.x) == pytest.approx(1, abs=0.04)


def test_any_centred_multipliers_reach_the_same_point() -> None:
    topo, costs = topologies.make("complete", 6), quadratic(6)
    result = solve(topo, costs, penalty=0.3, alpha0=10 * centred(6), x0="normal", iterations=500)
    assert result.distance[-1] < 1e-12


def test_named_penalties_and_their_origin() -> None:
    topo, costs = topologies.make("ring", 6), quadratic(6)
    for name in ("theorem3", "certified", "exact"):
        result = solve(topo, costs, penalty=name, iterations=1)
        assert result.manifest["penalty"]["source"] == name
        assert result.penalty > 0
    assert solve(topo, costs, iterations=1).manifest["penalty"]["source"] == "certified"


def test_flat_costs_need_a_number_or_auto() -> None:
    costs = Quadratic([[[1.0]], [[0.0]]], [[1.0], [0.0]])
    topo = topologies.make("path", 2)
    with pytest.raises(decon.OptionError, match="ν = 0"):
        solve(topo, costs, penalty="certified")
    result = solve(topo, costs, iterations=3000)
    assert "not strongly convex" in result.manifest["penalty"]["source"]
    assert result.distance[-1] < 1e-9


class TestResult:
    @staticmethod
    def run() -> decon.Result:
        return solve(
            topologies.make("ring", 6),
            quadratic(6),
            penalty=0.3,
            byzantine=[1],
            attack=attacks.Gaussian(),
            iterations=9,
        )

    def test_saved_result_comes_back_bit_for_bit(self, tmp_path: Path) -> None:
        result = self.run()
        path = result.save(tmp_path / "deep" / "run")
        assert path == tmp_path / "deep" / "run.npz"
        back = decon.Result.load(path)
        for name, value in vars(result).items():
            if isinstance(value, np.ndarray):
                assert value.dtype == getattr(back, name).dtype
                assert value.tobytes() == getattr(back, name).tobytes()
        assert (back.status, back.message, back.penalty) == (result.status, result.message, result.penalty)
        assert sorted(file.name for file in path.parent.iterdir()) == ["run.json", "run.npz"]

    def test_manifest_says_how_it_was_made(self, tmp_path: Path) -> None:
        self.run().save(tmp_path / "run")
        manifest = json.loads((tmp_path / "run.json").read_text())["manifest"]
        assert manifest["seed"] == 0
        assert manifest["attack"] == {"kind": "Gaussian", "mean": 0.0, "std": 1.0, "replace": False}
        assert {"decon", "numpy", "scipy", "python"} <= manifest["versions"].keys()

    def test_load_names_what_is_missing_or_wrong(self, tmp_path: Path) -> None:
        with pytest.raises(decon.OptionError, match=r"no result at .*nothing\.json"):
            decon.Result.load(tmp_path / "nothing")
        (tmp_path / "bad.json").write_text("{}")
        np.savez(tmp_path / "bad.npz", x=np.zeros(2))
        with pytest.raises(decon.OptionError, match="does not hold a decon result"):
            decon.Result.load(tmp_path / "bad")

    def test_arrays_are_not_pickled(self, tmp_path: Path) -> None:
        path = self.run().save(tmp_path / "run")
        with np.load(path, allow_pickle=False) as stored:
            assert all(stored[name].dtype != object for name in stored)

    def test_iterations_to_a_tolerance_count_from_where_it_stays_below(self) -> None:
        from dataclasses import replace

        result = replace(self.run(), distance=np.array([5.0, 0.5, 3.0, 0.1, 0.05]), recorded=np.arange(0, 10, 2))
        assert result.iterations_to(1.0) == 6
        assert result.iterations_to(0.01) is None
        assert result.iterations_to(10.0) == 0


@pytest.mark.parametrize("rate", [0.5, 0.99, 1.02])
def test_fitted_rate_is_exact_on_a_geometric_sequence(rate: float) -> None:
    fit = decon.fit_rate(3.0 * rate ** np.arange(200))
    assert fit.rate == pytest.approx(rate, rel=1e-9)  # rounding of logarithms over 100 points
    assert fit.error < 1e-9


def test_fitted_rate_stops_at_the_floor_and_owns_up_to_noise() -> None:
    floor = np.maximum(0.5 ** np.arange(200.0), 1e-17)
    assert decon.fit_rate(floor).rate == pytest.approx(0.5, rel=1e-9)
    kinked = np.maximum(0.8 ** np.arange(400.0), 1.5e-12 * 0.99 ** np.arange(400.0))  # a plateau just above the floor
    assert decon.fit_rate(kinked).rate == pytest.approx(0.8, rel=1e-9)
    noisy = 0.9 ** np.arange(200) * np.exp(np.random.default_rng(0).normal(0, 0.3, 200))
    fit = decon.fit_rate(noisy)
    assert abs(fit.rate - 0.9) < 4 * fit.error  # four standard errors
    assert np.isnan(decon.fit_rate([1.0, 0.5]).rate)


def test_a_dot_in_a_result_name_is_kept_and_bad_files_are_named(tmp_path: Path) -> None:
    kept = [solve(topologies.make("ring", 6), quadratic(6), penalty=c, iterations=3) for c in (0.3, 0.5)]
    for result in kept:
        assert result.save(tmp_path / f"c{result.penalty}").name == f"c{result.penalty}.npz"
    for result in kept:
        assert decon.Result.load(tmp_path / f"c{result.penalty}.npz").penalty == result.penalty
    whole = (tmp_path / "c0.3.npz").read_bytes()
    for part in (b"", whole[: len(whole) // 2]):
        (tmp_path / "c0.3.npz").write_bytes(part)
        with pytest.raises(decon.OptionError, match=r"c0\.3 does not hold a decon result"):
            decon.Result.load(tmp_path / "c0.3")
    with pytest.raises(decon.OptionError, match="needs a file name"):
        decon.Result.load("")


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda: decon.minimizer(quadratic(6), [6]), "agents must be indices in 0 … 5, not .6."),
        (lambda: decon.minimizer(quadratic(6), [-1]), "agents must be indices"),
        (lambda: decon.minimizer(quadratic(6), [0.5]), "agents must be indices"),
        (lambda: decon.compare(topologies.make("ring", 6), quadratic(6)), "as a list or a dict, not as Topology"),
        (lambda: decon.compare(["ring"], quadratic(6)), "must be a topologies.Topology, not 'ring'"),
        (lambda: decon.Profiling(threshold="x"), "threshold must be positive and finite, not 'x'"),
        (lambda: decon.Profiling(threshold=0.5, warmup=np.nan), "warmup must be an integer, not nan"),
        (lambda: decon.Profiling(threshold=0.5, patience=1.5), "patience must be an integer, not 1.5"),
        (lambda: decon.Road(threshold=None), "threshold must be positive and finite, not None"),
        (lambda: Quadratic([[["a"]]], [[1.0]]), "must be an array of real numbers"),
        (lambda: Quadratic([[[1]], [[1, 2], [3, 4]]], [[1], [2]]), "must be an array of real numbers"),
        (
            lambda: analysis.certified_rate(topologies.make("ring", 6), strong_convexity=1, smoothness=2, penalty="x"),
            "'x'",
        ),
        (
            lambda: analysis.exact_radius(topologies.make("ring", 6), np.ones(6), 0.3, [1.5], 1.0),
            "integer indices, not .1.5.",
        ),
        (
            lambda: analysis.exact_radius(topologies.make("ring", 6), np.ones(6), 0.3, None, 1.0),
            "integer indices, not None",
        ),
    ],
)
def test_other_doors_name_what_is_wrong(wrong: Callable[[], object], match: str) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        wrong()
    assert type(caught.value) is not ValueError  # one of ours


@pytest.mark.parametrize("ask", [decon.solve, decon.verify, decon.design, decon.penalty_tradeoff])
def test_what_is_no_problem_is_named_by_every_door(ask: Callable[..., Any]) -> None:
    topo = topologies.make("ring", 6)
    for wrong, name in ((topo.to_networkx(), "Graph"), (None, "NoneType")):
        with pytest.raises(decon.OptionError, match=f"topo must be a topologies.Topology, not {name}"):
            ask(wrong, quadratic(6))
    with pytest.raises(decon.OptionError, match=r"costs must be a decon.costs.Costs, not int"):
        ask(topo, 3)
    with pytest.raises(decon.OptionError, match=r"costs must be a decon.costs.Costs, not NoneType"):
        decon.compare([topo], None)  # type: ignore[arg-type]


def test_the_rate_is_fitted_against_iterations_not_entries():
    """A last gap that is shorter than the others must not bend the line: the history is exactly 0.9^k."""
    topo = topologies.make("ring", 4)
    costs = Quadratic(np.ones((4, 1, 1)), np.arange(4.0)[:, None])
    run = decon.solve(topo, costs, penalty=0.5, iterations=101, record_every=10)
    assert run.recorded[-2:].tolist() == [100, 101]
    exact = dataclasses.replace(run, distance=0.9**run.recorded)
    assert exact.rate().rate == pytest.approx(0.9, rel=1e-12)  # rounding of logarithms
