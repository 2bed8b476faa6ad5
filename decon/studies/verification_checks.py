"""The statements of docs/theory.md as checks on a recorded run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import analysis
from analysis import Trajectory
from decon.costs import Costs
from decon.costs.base import Array
from decon.runs.rate import fit_rate
from decon.studies.predictions import hessians_of
from topologies import Topology

__all__ = ["Check", "Theory", "checks"]

TOLERANCE = 1e-9
"""Relative: a bound holds if it is not below the measured value by more than this share of it."""

IDENTITY = 1e-10
"""Relative residual up to which an identity holds; rounding of a few hundred iterations is far below."""

FINITE, TAIL = 1.05, 50
"""An asymptotic rate is compared with a fit to at least 50 iterations, where other modes still matter, to 5 %."""

ROUNDING = 1e-10
"""Distances below this share of the largest one are what an iterative prox leaves (its residual is 1e-12), and no
bound is asked to be above them."""


@dataclass(frozen=True)
class Check:
    """One statement on one run: bounds and measured values, entry by entry, or a residual."""

    statement: str
    proved: str
    kind: str
    bound: Array
    measured: Array
    condition: bool | None = None

    def row(self) -> dict[str, Any]:
        """Return the check as a table's row."""
        tiny = np.finfo(float).tiny
        identity = self.kind == "identity"
        with np.errstate(over="ignore"):  # far above a value that is zero
            gaps = self.bound - self.measured if identity else self.bound / np.maximum(self.measured, tiny) - 1
        slack = float(gaps.min())
        return {
            "statement": self.statement,
            "proved": self.proved,
            "kind": self.kind,
            "condition": self.condition,
            "holds": slack >= -TOLERANCE if self.condition in (None, True) else None,
            "slack": slack,
            "tightness": np.nan if identity else float(np.median(gaps)) + 1,
        }


class Theory:
    """What theory says of one topology, costs and penalty, worked out once."""

    def __init__(self, topo: Topology, costs: Costs, penalty: float, who: NDArray[np.int64]) -> None:
        self.topo, self.penalty, self.byzantine = topo, penalty, who
        self.honest = np.setdiff1d(np.arange(topo.n), who)
        self.curvature: dict[str, Any] = {"strong_convexity": costs.strong_convexity, "smoothness": costs.smoothness}
        self.spectrum = topo.spectrum
        self.theorem1 = analysis.theorem1(self.spectrum, **self.curvature, penalty=penalty)
        self.theorem3 = analysis.theorem3(self.spectrum, **self.curvature, penalty=penalty)
        self.tight = analysis.theorem3(self.spectrum, **self.curvature, penalty=penalty, objective="radius")
        self.certified = analysis.certified_rate(topo, **self.curvature, penalty=penalty)
        self.hessians = hessians_of(costs)
        self.unit_certified_radius = self.unit_worst_case = None  # radii are linear in the size of the errors
        if who.size:
            self.unit_certified_radius = analysis.certified_radius(
                topo, **self.curvature, penalty=penalty, byzantine=who.tolist(), error_bound=1.0
            )
            if self.hessians is not None:
                self.unit_worst_case = analysis.exact_radius(topo, self.hessians, penalty, who, 1.0).upper
        self.exact = None if self.hessians is None else analysis.exact_rate(topo, self.hessians, penalty)


def checks(name: str, theory: Theory, run: Trajectory) -> list[Check]:
    """Return every statement that says something of a run of this kind."""
    found = [*_lemmas(run), *_one_step(theory, run), *_neighbourhood(theory, run), *_consequences(theory, run)]
    if name == "no attack":
        found += _rates(theory, run)
    elif name == "attack":
        found += _radii(theory, run)
    return found


def _floored(run: Trajectory, values: Array, power: int = 1) -> Array:
    """Return measured values, zero where they are rounding."""
    floor = (ROUNDING * max(float(run.distance.max()), float(np.linalg.norm(run.minimizer)))) ** power
    scale = run.penalty * run.topo.spectrum.signless_max if power == 2 else 1.0
    return np.where(values > floor * max(1.0, scale), values, 0.0)


def _lemmas(run: Trajectory) -> Iterator[Check]:
    residuals = analysis.lemma_residuals(run)
    for number in range(1, 6):
        value = np.array([getattr(residuals, f"lemma{number}")])
        yield Check(f"Lemma {number}", "theory.md 2", "identity", np.array([IDENTITY]), value)


def _one_step(theory: Theory, run: Trajectory) -> Iterator[Check]:
    bound = theory.theorem1.next_energy(run.energy[:-1], run.error_work, run.error_norm[1:])
    yield Check(
        "Theorem 1: energy after one step", "theory.md 3", "upper bound", bound, _floored(run, run.energy[1:], 2)
    )


def _neighbourhood(theory: Theory, run: Trajectory) -> Iterator[Check]:
    errors = run.error_norm[1:]
    energy, distance = _floored(run, run.energy, 2), _floored(run, run.distance)
    for label, bound in (("Theorem 2", theory.tight), ("Theorem 3", theory.theorem3)):
        envelope = bound.envelope(run.energy[0], errors)
        yield Check(f"{label}: energy envelope", "theory.md 4", "upper bound", envelope[1:], energy[1:])
    envelope = theory.theorem3.distance_envelope(run.energy[0], errors)
    yield Check("Theorem 3: distance envelope", "theory.md 4", "upper bound", envelope, distance[1:])
    ratio = theory.theorem3.ratio
    sent = ((run.z - run.minimizer) ** 2).sum(axis=(1, 2))
    limit = ratio.envelope(run.ratio_start, errors)
    yield Check(
        "Theorem 2, ratio form (25): distance sent",
        "theory.md 4",
        "upper bound",
        limit[1:],
        sent[1:],
        ratio.network_condition,
    )


def _consequences(theory: Theory, run: Trajectory) -> Iterator[Check]:
    errors, count, spectrum = run.error_norm[1:], len(run.error_norm) - 1, theory.spectrum
    energy = _floored(run, run.energy, 2)
    if not errors.any():
        return
    options = {**theory.curvature, "penalty": theory.penalty}
    decay = 0.95**2
    scale = float((errors**2 / decay ** np.arange(1, count + 1)).max())
    dying = bool(errors[-1] < 1e-3 * errors[0])
    first = analysis.corollary1(spectrum, **options, decay=decay, scale=scale * (1 + TOLERANCE))
    yield Check(
        "Corollary 1: exact limit if errors decay",
        "theory.md 5",
        "upper bound",
        first.envelope(run.energy[0], count)[1:],
        energy[1:],
        dying and first.met(errors),
    )
    second = analysis.corollary2(spectrum, **options, error_bound=float(errors.max()))
    yield Check(
        "Corollary 2: energy under bounded errors",
        "theory.md 5",
        "upper bound",
        second.envelope(run.energy[0], count)[1:],
        energy[1:],
        second.met(errors),
    )
    fourth = analysis.theorem4(spectrum, **options)
    yield Check(
        "Theorem 4: exact limit within the budget",
        "theory.md 5",
        "upper bound",
        fourth.envelope(run.energy[0], count)[1:],
        energy[1:],
        fourth.met(run.energy[0], errors),
    )


def _rates(theory: Theory, run: Trajectory) -> Iterator[Check]:
    """Check rates on an error-free run; a fit to finitely many iterations is judged to its error and 5 %."""
    fit = fit_rate(run.distance)
    measured = fit.rate - 3 * fit.error
    known = np.isfinite(fit.rate) and fit.error < 0.01 and fit.last - fit.first >= TAIL
    slowest = theory.certified if theory.exact is None else theory.exact

    def speed(rate: float) -> Array:
        """Return the iterations that a factor e takes."""
        return np.array([-1 / np.log(rate)]) if 0 < rate < 1 else np.array([np.inf])

    if theory.exact is not None:
        yield Check(
            "exact rate: measured decay is no slower",
            "theory.md 6",
            "exact",
            speed(theory.exact),
            speed(measured) / FINITE,
            bool(known),
        )
        yield Check(
            "certified rate ≥ exact rate", "theory.md 7", "relation", speed(theory.certified), speed(theory.exact)
        )
    yield Check(
        "certified rate: measured decay is no slower",
        "theory.md 7",
        "upper bound",
        speed(theory.certified),
        speed(measured) / FINITE,
        bool(known),
    )
    yield Check(
        "Theorem 3's rate ≥ " + ("certified" if theory.exact is None else "exact") + " rate",
        "theory.md 4",
        "relation",
        speed(theory.theorem3.distance_rate),
        speed(slowest),
    )


def _radii(theory: Theory, run: Trajectory) -> Iterator[Check]:
    """Check radii on the last fifth of a run with errors, where the start is forgotten if the rate allows."""
    count = len(run.distance)
    tail = slice(count - count // 5, None)
    bound = float(run.error_norm.max())
    honest = np.sqrt(((run.x[tail][:, theory.honest] - run.minimizer) ** 2).sum(axis=(1, 2)))
    transient = theory.certified ** (count - count // 5) * float(run.distance[0])
    forgotten = bool(transient < 1e-3 * honest.max())
    where = (np.array([float(honest.max())]), forgotten)
    yield Check("Theorem 3's radius", "theory.md 4", "upper bound", np.array([theory.tight.radius(bound)]), *where)
    if theory.unit_certified_radius is None:
        return
    certified = np.array([theory.unit_certified_radius * bound])
    yield Check("certified radius", "theory.md 7", "upper bound", certified, *where)
    if theory.unit_worst_case is not None:
        yield Check("exact worst case", "theory.md 6", "exact", np.array([theory.unit_worst_case * bound]), *where)
