"""One random instance of everything, and every bound of the theory compared with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import analysis
from decon.costs import LogisticRegression
from tests.analysis import runs

SLACK = 1e-9
"""Relative, for rounding alone; the absolute part below is what V and a distance are worth at machine precision."""


@dataclass(frozen=True)
class Instance:
    label: str
    run: analysis.Trajectory
    low: float
    high: float


def draw(seed: int, iterations: int = 60) -> Instance:
    rng = np.random.default_rng(seed)
    family = str(rng.choice(runs.FAMILIES))
    n = int(rng.integers(2, 41)) if rng.random() < 0.8 else int(rng.integers(2, 6))
    weighted = bool(rng.random() < 0.4)
    topo = runs.graph(family, n, rng, weighted=weighted)
    dim = int(rng.integers(1, 4))
    high = float(10 ** rng.uniform(-1, 1))
    low = high if rng.random() < 0.1 else high * float(10 ** rng.uniform(-3, 0))
    penalty = float(10 ** rng.uniform(-3, 2))
    if rng.random() < 0.2:
        penalty = analysis.theorem3(topo.spectrum, strong_convexity=low, smoothness=high).penalty
    hess = runs.hessians(topo.n, dim, low, high, rng)
    costs = runs.Quadratics(hess, rng.standard_normal((topo.n, dim)))
    kind = str(rng.choice(runs.ATTACKS))
    errors = runs.attack(kind, iterations, topo.n, dim, rng)
    start = rng.standard_normal((2, topo.n, dim)) * rng.choice([0.0, 1.0])
    run = runs.run(topo, costs, penalty, errors, start[0], start[1] - start[1].mean(axis=0))
    return Instance(f"{seed}: {topo} {family} {kind} c={penalty:.3g} {low:.3g}..{high:.3g}", run, low, high)


def draw_logistic(seed: int, iterations: int = 40) -> Instance:
    """Return the same with logistic costs, whose curvature changes along the run; ν is the ridge."""
    rng = np.random.default_rng(seed)
    topo = runs.graph(str(rng.choice(runs.FAMILIES)), int(rng.integers(2, 21)), rng, weighted=bool(rng.random() < 0.4))
    dim = int(rng.integers(1, 4))
    features = rng.standard_normal((topo.n, 6, dim)) * float(10 ** rng.uniform(-1, 1))
    labels = np.sign(rng.standard_normal((topo.n, 6)))
    costs = LogisticRegression(features, labels, ridge=float(10 ** rng.uniform(-2, 0)))
    law = costs.strong_convexity, costs.smoothness
    penalty = float(10 ** rng.uniform(-2, 1))
    kind = str(rng.choice(runs.ATTACKS))
    errors = runs.attack(kind, iterations, topo.n, dim, rng)
    minimizer = np.zeros(dim)
    for _ in range(100):  # damped Newton on the sum
        spread = np.broadcast_to(minimizer, (topo.n, dim))
        step = np.linalg.solve(costs.hessian(spread).sum(0), costs.gradient(spread).sum(0))
        size = min(1.0, 1 / max(float(np.linalg.norm(step)) * float(np.abs(features).max()), 1e-300))
        minimizer = minimizer - size * step
    x, z, alpha = runs.iterate(topo, costs, penalty, errors, rng.standard_normal((topo.n, dim)))
    slope = np.array([costs.gradient(row) for row in x])
    at = costs.gradient(np.broadcast_to(minimizer, (topo.n, dim)).copy())
    run = analysis.Trajectory(topo, penalty, x, z, alpha, slope, minimizer, at)
    return Instance(f"logistic {seed}: {topo} {kind} c={penalty:.3g} {law}", run, *law)


def exceeds(measured: np.ndarray, bound: np.ndarray, floor: float) -> float:
    """Return the largest (measured - floor - bound)/bound, at most SLACK if the bound holds."""
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = (measured - floor - bound) / bound
    return float(np.nanmax(np.where(np.isinf(bound), -1.0, excess)))


def violations(instance: Instance) -> dict[str, float]:
    """Return by how much, relatively, each bound is exceeded along the run (negative: it holds with room)."""
    run, spectrum = instance.run, instance.run.topo.spectrum
    law = {"strong_convexity": instance.low, "smoothness": instance.high}
    errors = run.error_norm[1:]
    energy, distance, v0 = run.energy, run.distance, float(run.energy[0])
    # a sum of squares of numbers of this size cannot be told from zero below eps² times itself; 1e6 of them for n, K, κ
    floor = 1e6 * np.finfo(float).eps ** 2 * float(energy.max() + (run.x**2).sum(axis=(1, 2)).max())
    found: dict[str, float] = {}

    one = analysis.theorem1(spectrum, penalty=run.penalty, **law)
    right = one.next_energy(energy[:-1], run.error_work, errors)
    scale = energy[:-1] + np.abs(run.error_work) + one.error_gain * errors**2
    found["theorem 1"] = float(((energy[1:] - right - floor) / np.maximum(scale, floor)).max())
    ratio = ((run.z - run.minimizer) ** 2).sum(axis=(1, 2))
    for objective in ("rate", "radius"):
        bound = analysis.theorem2(spectrum, penalty=run.penalty, objective=objective, **law)
        found[f"energy {objective}"] = exceeds(energy[1:], bound.envelope(v0, errors)[1:], floor)
        found[f"distance {objective}"] = exceeds(
            distance[1:], bound.distance_envelope(v0, errors), np.sqrt(floor / instance.low)
        )
        found[f"ratio {objective}"] = exceeds(ratio, bound.ratio.envelope(run.ratio_start, errors), floor)
        found[f"condition {objective}"] = 1.0 if bound.network_condition or bound.ratio.rate < 1 else -1.0
    top = float(errors.max())
    two = analysis.corollary2(spectrum, penalty=run.penalty, error_bound=top, splits=bound.splits, **law)
    found["corollary 2"] = exceeds(energy[1:], two.envelope(v0, len(errors))[1:], floor)
    decay = 0.95
    scale0 = float((errors**2 / decay ** np.arange(1, len(errors) + 1)).max())
    corollary = analysis.corollary1(
        spectrum, penalty=run.penalty, decay=decay, scale=scale0, splits=bound.splits, **law
    )
    found["corollary 1"] = exceeds(energy[1:], corollary.envelope(v0, len(errors))[1:], floor)
    plan = analysis.theorem4(spectrum, penalty=run.penalty, splits=bound.splits, **law)
    if plan.met(v0, errors):
        found["theorem 4"] = exceeds(energy[1:], plan.envelope(v0, len(errors))[1:], floor)
    return found
