from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

import topologies
from decon import Stochastic, solve
from decon.attacks import Constant, Equivocate, Gaussian, NoAttack, NonFinite, SameValue, Scheduled, SignFlip, View
from decon.baselines import coordinate_median, geometric_median, krum, mean, rsa, sgd, trimmed_mean
from decon.costs import LeastSquares, Ridge, WithHub
from decon.errors import OptionError
from decon.streams import minibatch, stream


def one_sample_each(m: int = 5, dim: int = 2, seed: int = 0) -> LeastSquares:
    """One sample a worker: any minibatch of it is the full gradient."""
    rng = np.random.default_rng(seed)
    return LeastSquares(rng.normal(size=(m, 1, dim)), rng.normal(size=(m, 1)))


def many_samples(m: int = 8, dim: int = 3, each: int = 30, seed: int = 0) -> LeastSquares:
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(m, each, dim)) / np.sqrt(each)
    return LeastSquares(A, A @ np.array([1.0, -2.0, 0.5]) + 0.01 * rng.normal(size=(m, each)))


def minimiser(costs: LeastSquares, workers: list[int], ridge: float) -> np.ndarray:
    """Of Σ_workers f_i + (ridge/2)‖·‖², by the normal equations (worker i is row i - 1)."""
    rows = np.array(workers) - 1
    return np.linalg.solve(costs.H[rows].sum(axis=0) + ridge * np.eye(costs.dim), costs.b[rows].sum(axis=0))


@pytest.mark.parametrize("ridge", [0.0, 0.01, 3.0])
def test_full_gradients_and_the_mean_reach_the_minimiser_of_p2_2(ridge: float) -> None:
    costs = one_sample_each()
    run = sgd(costs, step=1.0, ridge=ridge, batch_size=4, iterations=4_000, record_every=4_000)
    assert run.status == "finished"
    # gradient descent on the mean, whose steps sum to 2·sqrt(4,000): e^(-126 · 0.1) = 3e-6 for these rows
    assert np.linalg.eigvalsh(costs.H.mean(axis=0))[0] > 0.1
    assert np.abs(run.x - minimiser(costs, [1, 2, 3, 4, 5], ridge)).max() < 3e-6


def test_ideal_sgd_reaches_the_minimiser_of_the_honest_ones() -> None:
    costs = one_sample_each(m=6)
    run = sgd(
        costs, byzantine=[2, 5], attack=Gaussian(std=100.0), ideal=True, step=1.0, ridge=0.5, iterations=4_000,
        record_every=4_000,
    )  # fmt: skip
    assert np.abs(run.x - minimiser(costs, [1, 3, 4, 6], 0.5)).max() < 3e-6  # as above


def test_the_recursion_written_out() -> None:
    """Three workers, the last lies; every draw is taken from its stream by hand."""
    costs, x = many_samples(m=3), np.zeros(3)
    for k in range(1, 21):
        rows = stream(5, "minibatch", k).integers(0, 30, size=(3, 4))
        gradients = []
        for i in range(3):
            A, y = costs._rows.stacked[30 * i + rows[i]], costs._y[30 * i + rows[i]]
            gradients.append(30 / 4 * A.T @ (A @ x - y))  # a sum of 30 estimated by 4
        gradients[2] = stream(5, "attack", k).normal(0.0, 2.0, size=(1, 3))[0]
        x = x - 0.3 / np.sqrt(k) * (np.median(gradients, axis=0) + 0.1 / 3 * x)
    run = sgd(
        costs, coordinate_median, byzantine=[3], attack=Gaussian(std=2.0, replace=True), step=0.3, batch_size=4,
        iterations=20, ridge=0.1, seed=5,
    )  # fmt: skip
    assert np.abs(run.x - x).max() < 1e-13  # sums in another order, 20 times


def test_minibatches_are_the_streams_and_the_same_for_every_method() -> None:
    samples = np.array([3, 50, 7])
    rows = minibatch(4, 9, samples, 1000)
    assert np.array_equal(rows, stream(4, "minibatch", 9).integers(0, samples[:, None], size=(3, 1000)))
    for row, count in zip(rows, samples, strict=True):
        assert row.min() == 0
        assert row.max() == count - 1


@dataclass(frozen=True)
class Recorder(Gaussian):
    """A Gaussian attack that notes its draws."""

    noted: list[np.ndarray] = field(default_factory=list)

    def __call__(self, view: View, rng: np.random.Generator) -> np.ndarray:
        assert view.byzantine.tolist() == [4, 5]
        assert len(view.x) == 6
        sent = super().__call__(view, rng)
        self.noted.append(np.concatenate([[[view.k] * 3], sent]))
        return sent


class Watched(LeastSquares):
    """Costs that note the minibatches drawn from them."""

    def stochastic_gradient(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        self.__dict__.setdefault("noted", []).append(rows)
        return super().stochastic_gradient(x, rows)


def test_the_admm_sgd_and_rsa_meet_the_same_data_and_the_same_lies() -> None:
    rng = np.random.default_rng(0)
    seen, lies = [], []
    for method in ("admm", "sgd", "rsa"):
        costs, attack = Watched(rng.normal(size=(5, 9, 3)), rng.normal(size=(5, 9))), Recorder(std=2.0, replace=True)
        if method == "admm":
            solve(
                topologies.make("star", 6), WithHub(Ridge(3, 0.01), costs), penalty=0.1, dual_bound=0.5,
                local_step=Stochastic(sigma=9.0, batch_size=4), byzantine=[4, 5], attack=attack, iterations=7, seed=6,
            )  # fmt: skip
        elif method == "sgd":
            sgd(costs, coordinate_median, byzantine=[5, 4], attack=attack, batch_size=4, iterations=7, seed=6)
        else:
            rsa(costs, dual_bound=0.5, byzantine=[4, 5], attack=attack, batch_size=4, iterations=7, seed=6)
        seen.append(costs.__dict__["noted"])
        lies.append(attack.noted)
    for noted in (seen, lies):
        assert len(noted[0]) == 7
        assert np.array_equal(noted[0], noted[1])
        assert np.array_equal(noted[0], noted[2])


def test_no_attackers_equals_no_attack_and_the_same_seed_gives_the_same_bytes() -> None:
    costs = many_samples()
    plain = sgd(costs, iterations=30, batch_size=5, seed=3)
    again = sgd(costs, iterations=30, batch_size=5, seed=3)
    nobody = sgd(costs, iterations=30, batch_size=5, seed=3, attack=Gaussian(std=9.0))
    honest = sgd(costs, iterations=30, batch_size=5, seed=3, byzantine=[1, 2], attack=NoAttack())
    other = sgd(costs, iterations=30, batch_size=5, seed=4)
    for run in (again, nobody, honest):
        assert plain.history.tobytes() == run.history.tobytes()
    assert plain.history.tobytes() != other.history.tobytes()


@pytest.mark.parametrize(
    "rule",
    [coordinate_median, geometric_median, partial(trimmed_mean, trim=2), partial(krum, byzantine=2)],
)
@pytest.mark.parametrize(
    "attack",
    [Gaussian(std=100.0, replace=True), SignFlip(-3.0), NonFinite(), NonFinite(np.inf), Constant(1e300), Equivocate()],
)
def test_robust_rules_end_near_the_truth_where_the_mean_does_not_matter(rule, attack) -> None:  # type: ignore[no-untyped-def]
    costs = many_samples()
    run = sgd(costs, rule, byzantine=[7, 8], attack=attack, step=0.5, ridge=0.0, iterations=300, record_every=300)
    assert run.status == "finished"
    # all workers share one least-squares solution up to noise of 0.01; minibatch noise and bias stay below this
    assert np.linalg.norm(run.x - [1.0, -2.0, 0.5]) < 0.15


def test_the_mean_diverges_under_a_strong_flip_and_says_so() -> None:
    costs = many_samples()
    run = sgd(
        costs, mean, byzantine=[4, 5, 6, 7, 8], attack=SignFlip(-1e3), step=10.0, iterations=2000, record_every=10
    )
    assert run.status == "diverged"
    assert run.iterations < 2000
    assert np.isfinite(run.x).all()
    assert np.isfinite(run.history).all()
    assert len(run.recorded) == len(run.history)


def test_a_nan_reaches_the_mean_at_once() -> None:
    run = sgd(many_samples(), byzantine=[1], attack=Scheduled(NonFinite(), start=4), iterations=9)
    assert (run.status, run.iterations, run.recorded.tolist()) == ("diverged", 3, [0, 1, 2, 3])


def test_same_value_copies_the_star_agent_it_names() -> None:
    costs = one_sample_each(m=3)
    only_first = LeastSquares(costs._rows.stacked[:1][None], costs._y[:1][None])
    copied = sgd(costs, byzantine=[2, 3], attack=SameValue(agent=1), ridge=0.0, iterations=50)
    assert np.array_equal(copied.x, sgd(only_first, ridge=0.0, iterations=50).x)
    default = sgd(costs, byzantine=[2, 3], attack=SameValue(), ridge=0.0, iterations=50)
    assert np.array_equal(copied.x, default.x)  # the first honest worker, not the hub


def test_record() -> None:
    costs = many_samples()
    run = sgd(costs, iterations=25, record_every=10, evaluate=lambda x: float(x @ x))
    assert run.recorded.tolist() == [0, 10, 20, 25]
    full = sgd(costs, iterations=25)
    assert full.history.shape == (26, 3)
    assert np.array_equal(run.history, [float(x @ x) for x in full.history[[0, 10, 20, 25]]])
    assert np.array_equal(full.x, full.history[-1])
    nothing = sgd(costs, iterations=0)
    assert (nothing.recorded.tolist(), nothing.x.tolist()) == ([0], [0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"byzantine": [0]}, "1 … 8 .0 is the hub., not 0"),
        ({"byzantine": [9]}, "not 9"),
        ({"byzantine": [2, 2]}, "twice"),
        ({"byzantine": range(1, 9)}, "all 8 workers"),
        ({"step": 0.0}, "step"),
        ({"step": float("nan")}, "step"),
        ({"ridge": -1.0}, "ridge"),
        ({"batch_size": 0}, "batch_size"),
        ({"iterations": -1}, "iterations"),
        ({"iterations": 1.5}, "iterations"),
        ({"record_every": 0}, "record_every"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        sgd(many_samples(), **options)  # type: ignore[arg-type]
