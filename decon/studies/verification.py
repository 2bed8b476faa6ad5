"""Every lemma, theorem and certificate, held against runs: one row a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import analysis
from analysis import Trajectory
from decon.attacks import Attack, NoAttack, View
from decon.attacks.liars import Liars, choose
from decon.costs import Costs
from decon.costs.base import Array
from decon.errors import OptionError
from decon.methods import Admm
from decon.methods.penalty import choose_penalty
from decon.options import require_instance
from decon.problem.minimizer import minimizer
from decon.runs.inputs import check_falsification
from decon.runs.round import Setup, iterate
from decon.spec.defaults import ATTACK, COMPARED
from decon.spec.objects import make_attack
from decon.streams import stream
from decon.studies.verification_checks import Check, Theory, checks
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Picture", "verify"]


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


def verify(
    topo: Topology,
    costs: Costs,
    *,
    penalty: float | str = "auto",
    byzantine: Liars = COMPARED["byzantine"],
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
    byzantine : int, float or list
        How many agents falsify, drawn with the first of ``seeds``, or which; as for :func:`decon.compare`.
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

    require_instance("topo", topo, Topology, "topologies")
    require_instance("costs", costs, Costs, "decon.costs")
    falsify = attack or make_attack(ATTACK)
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
    if not len(seeds):
        raise OptionError("verify needs at least one seed")
    who = choose(topo, byzantine, seeds[0])
    if attack is not None:
        check_falsification(who, attack)
    theory = Theory(topo, costs, c, who)
    star = minimizer(costs)
    rows: list[tuple[str, Check]] = []
    pictures: dict[str, Picture] = {}
    for seed in seeds:
        quiet = _trajectory(topo, costs, c, who, NoAttack(), iterations, seed, star)
        rows += [("no attack", check) for check in checks("no attack", theory, quiet)]
        pictures.setdefault("no attack", _picture(theory, quiet))
        if not who.size:
            continue
        attacked = _trajectory(topo, costs, c, who, falsify, iterations, seed, star)
        rows += [("attack", check) for check in checks("attack", theory, attacked)]
        pictures.setdefault("attack", _picture(theory, attacked))
        # errors of Corollary 1 decay a little slower than the run; those of Theorem 4 fill its budget, which is
        # then share · ρ^k V⁰ exactly, so that both are known before the run
        budget = analysis.theorem4(topo.spectrum, **theory.curvature, penalty=c)
        first = float(np.sqrt(budget.share * quiet.energy[0] / budget.rate))
        for name, sized in (
            ("decaying attack", _Sized(falsify, float(quiet.distance[0]), 0.95)),
            ("attack within budget", _Sized(falsify, first * (1 - 1e-12), float(np.sqrt(budget.rate)))),
        ):
            run = _trajectory(topo, costs, c, who, sized, iterations, seed, star)
            rows += [(name, check) for check in checks(name, theory, run)]
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


def _picture(theory: Theory, run: Trajectory) -> Picture:
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
    shape = (costs.n, costs.dim)
    x0, alpha0 = stream(seed, "x0").normal(size=shape), stream(seed, "alpha0").normal(size=shape)
    method = Admm(penalty, alpha0=alpha0 - alpha0.mean(axis=0))
    setup = Setup(topo, costs, method, who, attack, seed=seed)
    states = list(islice(iterate(setup, x0=x0), iterations + 1))
    consensus = np.broadcast_to(star, shape)
    slope = costs.gradient(consensus)
    return Trajectory(
        topo=topo,
        penalty=penalty,
        x=np.stack([state.x for state in states]),
        z=np.stack([state.z for state in states]),
        alpha=np.stack([state.inner.alpha for state in states]),
        gradient=np.stack([costs.gradient(state.x) for state in states]),
        minimizer=star,
        minimizer_gradient=slope - slope.mean(axis=0),
    )
