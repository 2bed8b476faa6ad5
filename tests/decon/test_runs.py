"""What every run offers whatever its method: methods of the user's, callbacks, records, warm starts, fingerprints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import cvxpy as cp
import numpy as np
import pytest

import decon
import topologies
from decon.attacks import Gaussian
from decon.costs import FromCVXPY, Huber, LeastSquares, LogisticRegression, Quadratic, Ridge, SoftmaxRegression, WithHub
from decon.errors import OptionError
from decon.fingerprint import content_hash
from decon.methods import Proposal
from tests.decon.problems import quadratic

TOPO = topologies.make("erdos_renyi", 10, p=0.5, seed=1)
COSTS = quadratic(10)


class Iterate(NamedTuple):
    x: np.ndarray


@dataclass(frozen=True)
class Descent:
    """Plain decentralized gradient descent, as a user would write it in a file of their own."""

    step: float = 0.02

    def begin(self, costs, links, x0):
        return Iterate(x0)

    def propose(self, costs, links, state, k):
        return Proposal(state.x, state.x)

    def absorb(self, costs, links, state, proposal, heard, k):
        mixed = links.arc_sum(heard.gaps() / (1 + links.degrees.max()))
        return Iterate(proposal.x + mixed - self.step * costs.gradient(proposal.x))


def test_a_users_method_runs_as_its_textbook_recursion_does():
    weights = TOPO.adjacency.toarray() / (1 + TOPO.degrees.max())
    W = np.diag(1 - weights.sum(axis=1)) + weights
    x = np.zeros((10, 3))
    for _ in range(50):
        x = W @ x - 0.02 * COSTS.gradient(x)
    found = decon.solve(TOPO, COSTS, method=Descent(), iterations=50)
    np.testing.assert_allclose(found.x, x, rtol=0, atol=1e-13)  # sums of ten terms of order one, 50 times
    assert np.isnan(found.penalty)


@pytest.mark.parametrize("screening", [None, decon.Profiling(), decon.MedianDistance(), decon.Road(50.0)])
def test_a_users_method_meets_liars_screens_and_checkpoints(tmp_path, screening):
    options = {
        "method": Descent(),
        "byzantine": [2],
        "attack": Gaussian(1.0, 1.0),
        "screening": screening,
        "iterations": 60,
        "checkpoint_every": 7,
    }
    whole = decon.solve(TOPO, COSTS, **options)
    decon.solve(TOPO, COSTS, **{**options, "iterations": 30, "checkpoint": tmp_path})
    resumed = decon.solve(TOPO, COSTS, **options, checkpoint=tmp_path)  # more iterations than first asked for
    np.testing.assert_array_equal(resumed.x, whole.x)
    np.testing.assert_array_equal(resumed.distance, whole.distance)


def test_shorthands_and_the_method_are_one_thing():
    short = decon.solve(TOPO, COSTS, penalty=0.4, dual_bound=2.0, iterations=30)
    long = decon.solve(TOPO, COSTS, method=decon.Admm(0.4, dual_bound=2.0), iterations=30)
    np.testing.assert_array_equal(short.x, long.x)
    with pytest.raises(OptionError, match=r"options of decon\.Admm"):
        decon.solve(TOPO, COSTS, method=Descent(), penalty=0.4)
    with pytest.raises(OptionError, match="method must be an object"):
        decon.solve(TOPO, COSTS, method=Descent)


def test_a_callback_sees_every_iteration_and_may_stop():
    seen = []
    run = decon.solve(TOPO, COSTS, penalty=0.4, iterations=50, callback=lambda k, moment: seen.append(k) or k == 20)
    assert seen == list(range(1, 21))
    assert (run.status, run.iterations, run.recorded[-1]) == ("stopped", 20, 20)
    assert run.require() is run


def test_what_is_recorded_is_what_the_run_went_through(tmp_path):
    probes = {"spread": lambda moment: np.ptp(moment.x), "x": lambda moment: moment.x}
    run = decon.solve(TOPO, COSTS, penalty=0.4, iterations=23, record_every=10, record=probes)
    assert run.recorded.tolist() == [0, 10, 20, 23]
    np.testing.assert_array_equal(run.trajectories["x"][-1], run.x)
    np.testing.assert_array_equal(run.trajectories["spread"], np.ptp(run.trajectories["x"], axis=(1, 2)))
    named = decon.solve(TOPO, COSTS, penalty=0.4, iterations=23, record_every=10, record=("distance", "x", "total"))
    np.testing.assert_array_equal(named.trajectories["x"], run.trajectories["x"])
    again = decon.Result.load(named.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.trajectories["total"], named.trajectories["total"])
    with pytest.raises(OptionError, match="no 'y' to record; known: distance"):
        decon.solve(TOPO, COSTS, penalty=0.4, record=("y",))


def test_records_survive_a_checkpoint(tmp_path):
    options = {"penalty": 0.4, "record": ("x",), "checkpoint_every": 4}
    whole = decon.solve(TOPO, COSTS, **options, iterations=20)
    decon.solve(TOPO, COSTS, **options, iterations=9, checkpoint=tmp_path)
    resumed = decon.solve(TOPO, COSTS, **options, iterations=20, checkpoint=tmp_path)
    np.testing.assert_array_equal(resumed.trajectories["x"], whole.trajectories["x"])


def test_stopping_at_rest_needs_no_minimiser(monkeypatch):
    def never(*_):
        raise AssertionError("nobody asked for a minimiser")

    monkeypatch.setattr("decon.runs.where.minimizer", never)
    run = decon.solve(TOPO, COSTS, penalty=2.0, tol=decon.Residuals(1e-9, 1e-9), iterations=2000)
    assert run.status == "converged"
    assert run.minimizer is None
    assert np.isnan(run.distance).all()
    monkeypatch.undo()
    # at rest: off by the last change times 1/(1 - rate), some ten here
    assert np.abs(run.x - decon.minimizer(COSTS)).max() < 1e-7


FORMS = {
    "node": {},
    "edge store": {"dual_bound": 3.0},
    "screened": {"screening": decon.Profiling()},
    "stochastic": {"local_step": decon.Stochastic(30.0)},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("saved", [False, True])
def test_a_warm_start_goes_on_as_if_the_run_had_not_stopped(tmp_path, form, saved):
    options = {"penalty": 0.5, "x0": "normal", **FORMS[form]}
    whole = decon.solve(TOPO, COSTS, iterations=40, **options)
    part = decon.solve(TOPO, COSTS, iterations=25, **options)
    if saved:
        part = decon.Result.load(part.save(tmp_path / "part"))
    rest = decon.solve(TOPO, COSTS, iterations=15, start=part, **options)
    # the edge store is spread over arcs and gathered again: the same bits; so are all
    np.testing.assert_array_equal(rest.x, whole.x)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("then", FORMS)
def test_a_warm_start_at_another_penalty_in_another_form_ends_at_the_minimiser(form, then):
    before = decon.solve(TOPO, COSTS, iterations=30, penalty=0.5, **FORMS[form])
    after = decon.solve(TOPO, COSTS, iterations=3000, penalty=1.3, start=before, **FORMS[then])
    bound = FORMS[then].get("dual_bound", np.inf)
    if np.isfinite(bound) and decon.tv_threshold(TOPO, COSTS) > bound:
        pytest.skip("the bound binds: the end is another point, by design")
    assert after.distance[-1] < 1e-9  # 3,000 iterations at rates of .97 to .99


def test_cuts_outlive_the_run_that_made_them():
    attacked = {"byzantine": [2], "attack": Gaussian(1.0, 1.0), "penalty": 0.5}
    found = decon.solve(TOPO, COSTS, screening=decon.Profiling(), iterations=60, **attacked)
    assert len(found.severed)
    bare = decon.solve(TOPO, COSTS, iterations=300, start=found, **attacked)  # nothing screens any more
    assert bare.distance[-1] < 1e-10  # the liar's links stay cut


def test_a_start_that_does_not_fit_is_refused():
    run = decon.solve(TOPO, COSTS, penalty=0.4, iterations=3)
    with pytest.raises(OptionError, match="another method"):
        decon.solve(TOPO, COSTS, method=Descent(), start=run)
    with pytest.raises(OptionError, match="shape"):
        decon.solve(topologies.make("ring", 4), quadratic(4), start=run)


def data(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(10, 6, 2)), rng.normal(size=(10, 6)), rng.integers(2, size=(10, 6))


X, Y, LABELS = data()
V = cp.Variable(2)
SHIFT = np.arange(20.0).reshape(10, 2)


def shifted(b):
    return FromCVXPY([cp.sum_squares(V - row) for row in b], strong_convexity=2.0, smoothness=2.0)


def moved(array, by=1e-9):
    changed = np.array(array, dtype=float)
    changed[-1, ..., -1] += by
    return changed


FLIPPED = LABELS.copy()
FLIPPED[3, 2] = 1 - FLIPPED[3, 2]
PAIRS = {
    "b": (Quadratic(COSTS.H, COSTS.b), Quadratic(COSTS.H, moved(COSTS.b))),
    "permuted agents": (COSTS, COSTS.subset(np.roll(np.arange(10), 1))),
    "y": (LeastSquares(X, Y, ridge=1.0), LeastSquares(X, moved(Y), ridge=1.0)),
    "labels": (LogisticRegression(X, LABELS, ridge=0.1), LogisticRegression(X, FLIPPED, ridge=0.1)),
    "classes": (SoftmaxRegression(X, LABELS, 2, ridge=0.1), SoftmaxRegression(X, FLIPPED, 2, ridge=0.1)),
    "delta": (Huber(X, Y, delta=1.0, ridge=1.0), Huber(X, Y, delta=1.1, ridge=1.0)),
    "ridge": (LeastSquares(X, Y, ridge=1.0), LeastSquares(X, Y, ridge=1.1)),
    "expression": (shifted(SHIFT), shifted(moved(SHIFT))),
    "hub": (
        WithHub(Ridge(2, 1.0), LeastSquares(X[1:], Y[1:], ridge=1.0)),
        WithHub(Ridge(2, 1.1), LeastSquares(X[1:], Y[1:], ridge=1.0)),
    ),
}


@pytest.mark.parametrize("change", PAIRS)
def test_a_checkpoint_goes_on_with_the_same_data_only(tmp_path, change):
    costs, other = PAIRS[change]
    options = {"penalty": 1.0, "iterations": 4, "checkpoint": tmp_path, "checkpoint_every": 2}
    decon.solve(TOPO, costs, **options)
    with pytest.raises(OptionError, match="another run"):
        decon.solve(TOPO, other, **options)
    assert content_hash(costs)[0] != content_hash(other)[0]


@pytest.mark.parametrize("change", PAIRS)
def test_a_fingerprint_does_not_change_with_use(change):
    costs, _ = PAIRS[change]
    before = content_hash(costs)
    decon.solve(TOPO, costs, penalty=1.0, iterations=3)
    assert content_hash(costs) == before


def test_what_cannot_be_compared_is_not_resumed(tmp_path):
    step = decon.Stochastic(lambda k: 30.0)
    options = {"penalty": 1.0, "local_step": step, "iterations": 4, "checkpoint": tmp_path, "checkpoint_every": 2}
    decon.solve(TOPO, COSTS, **options)
    with pytest.raises(OptionError, match="the function <lambda> has no content to compare"):
        decon.solve(TOPO, COSTS, **options)


@dataclass(frozen=True)
class WrongShape(Gaussian):
    def __call__(self, view, rng):
        return super().__call__(view, rng)[0]


def test_an_attack_of_the_wrong_shape_is_one_line():
    with pytest.raises(OptionError, match=r"must return an array of shape \(1, 3\), not \(3,\)"):
        decon.solve(TOPO, COSTS, penalty=1.0, byzantine=[2], attack=WrongShape())


def test_results_keep_labels_and_duals():
    run = decon.solve(TOPO, COSTS, penalty=0.5, iterations=5, dual_bound=9.0)
    assert run.labels == TOPO.labels
    assert run.final.inner.duals.shape == (len(TOPO.receivers), 3)
    np.testing.assert_array_equal(run.final.inner.duals, -run.final.inner.duals[TOPO.reverse])  # P2 (12a)
    assert replace(run, minimizer=None).minimizer is None
