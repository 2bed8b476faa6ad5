"""Run under mpiexec: every case is solved over MPI and compared by rank 0 with what one process gives.

With ``all``: every attack × screening rule × local step × finite and infinite dual bound.
"""

import itertools
import sys

import numpy as np
from mpi4py import MPI

import decon
import topologies
from decon import attacks

HUGE = 1e-12


def quadratic(n, dim=3, seed=0):
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(n, dim, dim))
    return decon.costs.Quadratic(M @ M.transpose(0, 2, 1) / dim + np.eye(dim), rng.normal(size=(n, dim)))


def least_squares(n, dim=2, seed=0):
    rng = np.random.default_rng(seed)
    return decon.costs.LeastSquares(
        [rng.normal(size=(3 + i % 3, dim)) for i in range(n)], [rng.normal(size=3 + i % 3) for i in range(n)], ridge=0.5
    )


class Loud(attacks.Attack):
    """A user's attack that looks at everything."""

    def __call__(self, view, rng):
        assert view.active is None or len(view.active) == len(view.topo.senders)
        return view.own + view.x.mean(axis=0) - view.z.sum(axis=0) * 0.01 + rng.normal(size=view.own.shape)


RULES = [
    decon.Profiling(),
    decon.Profiling(warmup=3, threshold=1.0, decay=0.9, score="median", patience=4),
    decon.Profiling(warmup=3, threshold=1.0, score_threshold=0.5, patience=2),
    decon.Road(4.0),
    decon.MedianDistance(),
]


STEPS = [
    decon.Exact(),
    decon.Stochastic(sigma=decon.SquareRoot(30.0)),
    decon.Stochastic(sigma=30.0, batch_size=2),
]

ATTACKS = [
    attacks.Gaussian(1.0, 1.0),
    attacks.SignFlip(-0.5),
    attacks.Constant(0.3),
    attacks.Outlier(3.0),
    attacks.Zero(),
    attacks.SameValue(),
    attacks.SameValue(agent=7),
    attacks.NonFinite(),
    attacks.NonFinite(float("inf")),
    attacks.Equivocate(0.0, 1.0),
    attacks.Decaying(attacks.Equivocate(), 0.9),
    attacks.Scheduled(attacks.Gaussian(), start=3, stop=20, every=2),
    attacks.Scaled(attacks.Gaussian(), 0.5),
    attacks.ALIE(),
    attacks.InnerProduct(0.5),
    attacks.Colluding(),
    attacks.Dissensus(0.5),
    attacks.Stealth(0.1, 0.9),
    attacks.WorstCase(np.random.default_rng(0).normal(size=(10, 3, 3))),
    Loud(),
]


def product():
    """Every attack × rule × local step × dual bound, on a regular graph, where the rules' rate is quickly certified."""
    regular = topologies.make("circulant", 13, offsets=(1, 2, 5))
    costs = least_squares(13, dim=3)
    for attack, rule, step, bound in itertools.product(ATTACKS, [None, *RULES], STEPS, (np.inf, 2.0)):
        options = {"byzantine": [1, 4, 9], "attack": attack, "screening": rule, "local_step": step, "dual_bound": bound}
        yield regular, costs, {**options, "penalty": 0.4, "iterations": 20}


def cases():
    er = topologies.make("erdos_renyi", 13, p=0.4, seed=3)
    weighted = topologies.Topology.from_edges(er.n, er.edges, np.linspace(0.5, 2.0, er.n_edges))
    regular = topologies.make("circulant", 13, offsets=(1, 2, 5))
    liars = [1, 4, 9]
    for number, attack in enumerate(ATTACKS):
        for bound in (np.inf, 2.0):
            options = {"byzantine": liars, "attack": attack, "dual_bound": bound, "penalty": 0.4}
            yield weighted, quadratic(13), options
            if np.isinf(bound) == bool(number % 2):  # regular, so that the rate that rules use is quickly certified
                yield regular, quadratic(13), {**options, "screening": RULES[number % len(RULES)], "iterations": 20}
    for step in STEPS:
        for bound in (np.inf, 1.0):
            yield er, least_squares(13), {"local_step": step, "dual_bound": bound, "penalty": 0.3, "x0": "normal",
                                          "byzantine": liars, "attack": attacks.Gaussian()}  # fmt: skip
    hub = decon.costs.WithHub(decon.costs.Ridge(2, 0.5), least_squares(8))
    for step in STEPS:
        yield topologies.make("star", 9), hub, {"local_step": step, "dual_bound": 1.0, "penalty": 0.3}
    for form in ({}, {"dual_bound": 5.0}):
        yield topologies.make("path", 4), quadratic(4), {"penalty": 0.3, "x0": "normal", "alpha0": "normal", **form}
    yield topologies.make("complete", 5), quadratic(5), {"penalty": 0.3, "tol": 1e-3, "record_every": 7}
    yield er, quadratic(13), {"penalty": 0.4, "byzantine": liars, "attack": attacks.SignFlip(-9.0), "iterations": 500}
    yield er, quadratic(13), {"penalty": "theorem3"}


def gap(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    assert a.shape == b.shape, (a.shape, b.shape)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.max(np.where(same, 0.0, np.abs(a - b) / np.maximum(1.0, np.abs(b))), initial=0.0))


def main():
    rank = MPI.COMM_WORLD.rank
    worst = 0.0
    for number, (topo, costs, options) in enumerate(product() if "all" in sys.argv else cases()):
        options = {"iterations": 40, "seed": number, **options}
        whole = decon.solve(topo, costs, **options)
        given = costs.subset if number % 2 else costs  # all costs everywhere, or each rank its own
        if options["penalty"] == "theorem3" or isinstance(costs, decon.costs.WithHub):
            given = costs
        share = decon.solve(topo, given, engine="mpi", **options)
        assert share.x.shape == (len(share.agents), costs.dim)
        result = share.gather()
        told = f"case {number}: {options}"
        assert (result.status, result.message.split(" is ")[0]) == (whole.status, whole.message.split(" is ")[0]), (
            told, result.message, whole.message
        )  # fmt: skip
        assert result.iterations == whole.iterations, told
        assert result.severed.tolist() == whole.severed.tolist(), told
        assert result.readmitted.tolist() == whole.readmitted.tolist(), told
        scale = 1e9 if whole.status == "diverged" else 1.0  # rounding grows with an unstable run
        for name in ("x", "minimizer", "distance", "distance_all", "consensus_error", "objective", "error_norm"):
            found = gap(getattr(result, name), getattr(whole, name)) / scale
            worst = max(worst, found)
            assert found <= HUGE, (told, name, found)
    if rank == 0:
        sys.stdout.write(f"{number + 1} cases agree to {worst:.1e}\n")


if __name__ == "__main__":
    main()
