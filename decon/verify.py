"""Every lemma, theorem and certificate, held against runs: one row a statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import analysis
from analysis import Trajectory
from decon.attacks import Attack, Gaussian, NoAttack, View
from decon.byzantine import draw_byzantine
from decon.costs import Costs
from decon.costs.base import Array
from decon.engine import Method, iterate
from decon.errors import OptionError
from decon.links import LocalLinks
from decon.minimizer import minimizer
from decon.penalty import choose_penalty
from decon.promises import hessians_of
from decon.rate import fit_rate
from decon.streams import stream
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Picture", "verify"]

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
class _Sized(Attack):
    """The error of another attack, scaled to the norm first · ratio^k."""

    attack: Attack
    first: float
    ratio: float

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        error = self.attack(view, rng) - view.own
        norm = float(np.linalg.norm(error))
        return np.asarray(view.own + error * (self.first * self.ratio**view.k / norm if norm > 0 else 0.0))


@dataclass(frozen=True)
class _Check:
    """One statement on one run: bounds and measured values, entry by entry, or a residual."""

    statement: str
    proved: str
    kind: str
    bound: Array
    measured: Array
    condition: bool | None = None

    def row(self) -> dict[str, Any]:
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


def verify(
    topo: Topology,
    costs: Costs,
    *,
    penalty: float | str = "auto",
    byzantine: int | Sequence[int] = 3,
    attack: Attack | None = None,
    iterations: int = 300,
    seeds: Sequence[int] = (0, 1),
) -> pd.DataFrame:
    """Hold every statement of docs/theory.md against runs on one topology.

    The runs start from random x⁰ and α⁰ (P1, section 5). There are four for each seed: without errors, with the
    attack as it is, with its errors decaying (Corollary 1) and with its errors at Theorem 4's budget.

    Parameters
    ----------
    topo : Topology
    costs : Costs
        Strongly convex and smooth.
    penalty : float or str
        As for :func:`decon.solve`.
    byzantine : int or sequence of int
        How many agents falsify, or which.
    attack : Attack, optional
        A broadcast attack, as P1's errors are; ``Gaussian(1, 1)`` unless given.
    iterations : int
        At least 20.
    seeds : sequence of int

    Returns
    -------
    pandas.DataFrame
        One row a statement and kind of run: ``run``, ``statement``, ``proved`` (where), ``kind`` ("identity", "upper
        bound", "exact" or "relation"), ``condition`` (whether the statement's condition is met; missing if it has
        none), ``holds`` (missing where the condition is not met), ``slack`` (smallest relative gap
        (bound - measured)/measured over iterations and seeds; for an identity 1e-10 less the residual) and
        ``tightness`` (bound ÷ measured, the median over iterations; for rates the ratio of log rates, how many times
        too slow the bound is).

    Raises
    ------
    OptionError
        If the costs are not strongly convex and smooth, or the attack equivocates.

    Examples
    --------
    >>> import decon, topologies
    >>> costs = decon.costs.Quadratic(np.full((6, 1, 1), 2.0), np.arange(6.0)[:, None])
    >>> table = verify(topologies.make("ring", 6), costs, byzantine=[1], iterations=60, seeds=[0])
    >>> bool(table["holds"].dropna().all())
    True
    """
    import pandas as pd

    falsify = attack or Gaussian(1.0, 1.0)
    if falsify.per_arc:
        raise OptionError("P1's theorems are about broadcast errors; an equivocating attack has no single e_i")
    if not (costs.strong_convexity > 0 and np.isfinite(costs.smoothness)):
        raise OptionError(
            "the theorems need strongly convex, smooth costs; these have "
            f"ν = {costs.strong_convexity:g}, ℓ = {costs.smoothness:g}"
        )
    if iterations < 20:
        raise OptionError(f"verify needs at least 20 iterations to see a tail, not {iterations}")
    c, _ = choose_penalty(topo, costs, penalty)
    who = draw_byzantine(topo, byzantine) if isinstance(byzantine, int) else np.unique(np.asarray(byzantine))
    theory = _Theory(topo, costs, c, who)
    star = minimizer(costs)
    rows: list[tuple[str, _Check]] = []
    pictures: dict[str, Picture] = {}
    for seed in seeds:
        quiet = _trajectory(topo, costs, c, who, NoAttack(), iterations, seed, star)
        rows += _rows("no attack", theory, quiet)
        pictures.setdefault("no attack", _picture(theory, quiet))
        if not who.size:
            continue
        attacked = _trajectory(topo, costs, c, who, falsify, iterations, seed, star)
        rows += _rows("attack", theory, attacked)
        pictures.setdefault("attack", _picture(theory, attacked))
        # errors of Corollary 1 decay a little slower than the run; those of Theorem 4 fill its budget, which is
        # then share · ρ^k V⁰ exactly, so that both are known before the run
        budget = analysis.theorem4(topo.spectrum, **theory.curvature, penalty=c)
        first = float(np.sqrt(budget.share * quiet.energy[0] / budget.rate))
        for name, sized in (
            ("decaying attack", _Sized(falsify, float(quiet.distance[0]), 0.95)),
            ("attack within budget", _Sized(falsify, first * (1 - 1e-12), float(np.sqrt(budget.rate)))),
        ):
            rows += _rows(name, theory, _trajectory(topo, costs, c, who, sized, iterations, seed, star))
    table = pd.DataFrame([{"run": name, **check.row()} for name, check in rows])
    worst = _worst_over_seeds(table)
    worst.attrs["pictures"] = pictures
    return worst


@dataclass(frozen=True, eq=False)
class Picture:
    """One run's measured distance beside what theory says of it, for :func:`decon.plots.verification`.

    Attributes
    ----------
    topology : str
    distance : (K+1,) ndarray
        ‖x^k - x*‖, stacked over all agents.
    envelope : (K+1,) ndarray
        Theorem 3's distance envelope; missing at k = 0.
    certified_rate, exact_rate : float or None
    certified_radius : float or None
        In the limit, stacked over the honest agents; None without errors.
    """

    topology: str
    distance: Array
    envelope: Array
    certified_rate: float
    exact_rate: float | None
    certified_radius: float | None

    def __deepcopy__(self, memo: dict[int, Any]) -> Picture:
        """Return self: pandas copies its attrs at every operation, and pictures do not change."""
        return self


def _picture(theory: _Theory, run: Trajectory) -> Picture:
    bound = float(run.error_norm.max())
    unit = theory.unit_certified_radius
    return Picture(
        topology=run.topo.name,
        distance=run.distance,
        envelope=np.concatenate([[np.nan], theory.theorem3.distance_envelope(run.energy[0], run.error_norm[1:])]),
        certified_rate=theory.certified,
        exact_rate=theory.exact,
        certified_radius=unit * bound if unit is not None and bound > 0 else None,
    )


def _worst_over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run and statement, the worst of all seeds."""
    keys = ["run", "statement", "proved", "kind"]

    def all_known(values: pd.Series[Any]) -> Any:
        known = values.dropna()
        return bool(known.all()) if len(known) else None

    grouped = table.groupby(keys, sort=False)
    worst = grouped.agg(
        condition=("condition", all_known),
        holds=("holds", all_known),
        slack=("slack", "min"),
        tightness=("tightness", "median"),
    )
    return worst.reset_index()


def _trajectory(
    topo: Topology,
    costs: Costs,
    penalty: float,
    who: NDArray[np.int64],
    attack: Attack,
    iterations: int,
    seed: int,
    star: Array,
) -> Trajectory:
    """Run the engine and keep every state."""
    method = Method(topo, costs, penalty, who, attack, seed=seed)
    links = LocalLinks(topo)
    shape = (costs.n, costs.dim)
    x0, alpha0 = stream(seed, "x0").normal(size=shape), stream(seed, "alpha0").normal(size=shape)
    states = list(islice(iterate(method, links, x0=x0, alpha0=alpha0 - alpha0.mean(axis=0)), iterations + 1))
    consensus = np.broadcast_to(star, shape)
    slope = costs.gradient(consensus)
    return Trajectory(
        topo=topo,
        penalty=penalty,
        x=np.stack([state.x for state in states]),
        z=np.stack([state.z for state in states]),
        alpha=np.stack([state.alpha(links) for state in states]),
        gradient=np.stack([costs.gradient(state.x) for state in states]),
        minimizer=star,
        minimizer_gradient=slope - slope.mean(axis=0),
    )


class _Theory:
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


def _rows(name: str, theory: _Theory, run: Trajectory) -> list[tuple[str, _Check]]:
    checks = [*_lemmas(run), *_one_step(theory, run), *_neighbourhood(theory, run), *_consequences(theory, run)]
    if name == "no attack":
        checks += _rates(theory, run)
    elif name == "attack":
        checks += _radii(theory, run)
    return [(name, check) for check in checks]


def _floored(run: Trajectory, values: Array, power: int = 1) -> Array:
    """Return measured values, zero where they are rounding."""
    floor = (ROUNDING * max(float(run.distance.max()), float(np.linalg.norm(run.minimizer)))) ** power
    scale = run.penalty * run.topo.spectrum.signless_max if power == 2 else 1.0
    return np.where(values > floor * max(1.0, scale), values, 0.0)


def _lemmas(run: Trajectory) -> Iterator[_Check]:
    residuals = analysis.lemma_residuals(run)
    for number in range(1, 6):
        value = np.array([getattr(residuals, f"lemma{number}")])
        yield _Check(f"Lemma {number}", "theory.md 2", "identity", np.array([IDENTITY]), value)


def _one_step(theory: _Theory, run: Trajectory) -> Iterator[_Check]:
    bound = theory.theorem1.next_energy(run.energy[:-1], run.error_work, run.error_norm[1:])
    yield _Check(
        "Theorem 1: energy after one step", "theory.md 3", "upper bound", bound, _floored(run, run.energy[1:], 2)
    )


def _neighbourhood(theory: _Theory, run: Trajectory) -> Iterator[_Check]:
    errors = run.error_norm[1:]
    energy, distance = _floored(run, run.energy, 2), _floored(run, run.distance)
    for label, bound in (("Theorem 2", theory.tight), ("Theorem 3", theory.theorem3)):
        envelope = bound.envelope(run.energy[0], errors)
        yield _Check(f"{label}: energy envelope", "theory.md 4", "upper bound", envelope[1:], energy[1:])
    envelope = theory.theorem3.distance_envelope(run.energy[0], errors)
    yield _Check("Theorem 3: distance envelope", "theory.md 4", "upper bound", envelope, distance[1:])
    ratio = theory.theorem3.ratio
    sent = ((run.z - run.minimizer) ** 2).sum(axis=(1, 2))
    limit = ratio.envelope(run.ratio_start, errors)
    yield _Check(
        "Theorem 2, ratio form (25): distance sent",
        "theory.md 4",
        "upper bound",
        limit[1:],
        sent[1:],
        ratio.network_condition,
    )


def _consequences(theory: _Theory, run: Trajectory) -> Iterator[_Check]:
    errors, count, spectrum = run.error_norm[1:], len(run.error_norm) - 1, theory.spectrum
    energy = _floored(run, run.energy, 2)
    if not errors.any():
        return
    options = {**theory.curvature, "penalty": theory.penalty}
    decay = 0.95**2
    scale = float((errors**2 / decay ** np.arange(1, count + 1)).max())
    dying = bool(errors[-1] < 1e-3 * errors[0])
    first = analysis.corollary1(spectrum, **options, decay=decay, scale=scale * (1 + TOLERANCE))
    yield _Check(
        "Corollary 1: exact limit if errors decay",
        "theory.md 5",
        "upper bound",
        first.envelope(run.energy[0], count)[1:],
        energy[1:],
        dying and first.met(errors),
    )
    second = analysis.corollary2(spectrum, **options, error_bound=float(errors.max()))
    yield _Check(
        "Corollary 2: energy under bounded errors",
        "theory.md 5",
        "upper bound",
        second.envelope(run.energy[0], count)[1:],
        energy[1:],
        second.met(errors),
    )
    fourth = analysis.theorem4(spectrum, **options)
    yield _Check(
        "Theorem 4: exact limit within the budget",
        "theory.md 5",
        "upper bound",
        fourth.envelope(run.energy[0], count)[1:],
        energy[1:],
        fourth.met(run.energy[0], errors),
    )


def _rates(theory: _Theory, run: Trajectory) -> Iterator[_Check]:
    """Check rates on an error-free run; a fit to finitely many iterations is judged to its error and 5 %."""
    fit = fit_rate(run.distance)
    measured = fit.rate - 3 * fit.error
    known = np.isfinite(fit.rate) and fit.error < 0.01 and fit.last - fit.first >= TAIL
    slowest = theory.certified if theory.exact is None else theory.exact

    def speed(rate: float) -> Array:
        """Return the iterations that a factor e takes."""
        return np.array([-1 / np.log(rate)]) if 0 < rate < 1 else np.array([np.inf])

    if theory.exact is not None:
        yield _Check(
            "exact rate: measured decay is no slower",
            "theory.md 6",
            "exact",
            speed(theory.exact),
            speed(measured) / FINITE,
            bool(known),
        )
        yield _Check(
            "certified rate ≥ exact rate", "theory.md 7", "relation", speed(theory.certified), speed(theory.exact)
        )
    yield _Check(
        "certified rate: measured decay is no slower",
        "theory.md 7",
        "upper bound",
        speed(theory.certified),
        speed(measured) / FINITE,
        bool(known),
    )
    yield _Check(
        "Theorem 3's rate ≥ " + ("certified" if theory.exact is None else "exact") + " rate",
        "theory.md 4",
        "relation",
        speed(theory.theorem3.distance_rate),
        speed(slowest),
    )


def _radii(theory: _Theory, run: Trajectory) -> Iterator[_Check]:
    """Check radii on the last fifth of a run with errors, where the start is forgotten if the rate allows."""
    count = len(run.distance)
    tail = slice(count - count // 5, None)
    bound = float(run.error_norm.max())
    honest = np.sqrt(((run.x[tail][:, theory.honest] - run.minimizer) ** 2).sum(axis=(1, 2)))
    transient = theory.certified ** (count - count // 5) * float(run.distance[0])
    forgotten = bool(transient < 1e-3 * honest.max())
    where = (np.array([float(honest.max())]), forgotten)
    yield _Check("Theorem 3's radius", "theory.md 4", "upper bound", np.array([theory.tight.radius(bound)]), *where)
    if theory.unit_certified_radius is None:
        return
    certified = np.array([theory.unit_certified_radius * bound])
    yield _Check("certified radius", "theory.md 7", "upper bound", certified, *where)
    if theory.unit_worst_case is not None:
        yield _Check("exact worst case", "theory.md 6", "exact", np.array([theory.unit_worst_case * bound]), *where)
