"""Theorem 4 and Corollaries 1 and 2: errors that keep to a budget, decay, or are bounded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import HypothesisError
from analysis.hypotheses import require_scale
from analysis.neighborhood import Neighborhood, theorem3
from analysis.splits import Objective, Splits
from topologies import Spectrum

__all__ = ["AttackBudget", "BoundedErrors", "DecayingErrors", "corollary1", "corollary2", "theorem4"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AttackBudget:
    r"""Theorem 4: errors within the budget cannot keep the run from converging at ``rate``.

    Attributes
    ----------
    rate : float
        ρ, of V: V^k ≤ ρ^k V⁰.
    neighborhood : Neighborhood
        The energy form it stands on.
    """

    rate: float
    neighborhood: Neighborhood

    @property
    def share(self) -> float:
        """((ρ(1 + δ_θ) - 1)/P̄): the part of Φ^k that ‖e^{k+1}‖² may reach."""
        return (self.rate * (1 + self.neighborhood.contraction) - 1) / self.neighborhood.error_gain

    def budget(self, energy0: float, error_norm: Array) -> Array:
        """Return (K+1,) the largest ‖e^{k+1}‖ allowed after the errors so far, k = 0 … K.

        Parameters
        ----------
        energy0 : float
            V⁰.
        error_norm : (K,) ndarray
            ‖e¹‖ … ‖e^K‖; entry k of the result is what iteration k + 1 may add.
        """
        return np.asarray(np.sqrt(self.share * self.neighborhood.envelope(energy0, error_norm)))

    def met(self, energy0: float, error_norm: Array) -> bool:
        """Whether every error of the run kept to the budget, P1 (27)."""
        errors = np.asarray(error_norm, dtype=float)
        return bool((errors <= self.budget(energy0, errors)[:-1]).all())

    def envelope(self, energy0: float, iterations: int) -> Array:
        """Return (iterations + 1,) ρ^k V⁰, an upper bound on V^k where the budget was met."""
        return np.asarray(energy0 * self.rate ** np.arange(iterations + 1))


def theorem4(
    spectrum: Spectrum,
    *,
    strong_convexity: float,
    smoothness: float,
    penalty: float | None = None,
    rate: float | None = None,
    splits: Splits | None = None,
    objective: Objective = "radius",
) -> AttackBudget:
    r"""Largest errors that still leave exact linear convergence; a sufficient condition, docs/theory.md section 5.

    If :math:`\bar P\|e^{k+1}\|^2 \le (\rho(1+\delta_\theta)-1)\Phi^k` for all k, with Φ the energy envelope of all past
    errors, then :math:`V^k \le \rho^k V^0`.

    Parameters
    ----------
    spectrum, strong_convexity, smoothness, penalty, splits, objective
        As for :func:`analysis.theorem3`.
    rate : float, optional
        ρ between 1/(1 + δ_θ) and 1; the middle of the two unless given. A slower rate allows larger errors.

    Returns
    -------
    AttackBudget

    Raises
    ------
    HypothesisError
        If a constant is out of range; the message names it.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, Theorem 4, (27)-(28).

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> plan = theorem4(Topology(nx.complete_graph(5)).spectrum, strong_convexity=1.0, smoothness=4.0)
    >>> plan.met(1.0, np.zeros(3)), plan.met(1.0, np.ones(3))
    (True, False)
    """
    bound = theorem3(
        spectrum,
        strong_convexity=strong_convexity,
        smoothness=smoothness,
        penalty=penalty,
        splits=splits,
        objective=objective,
    )
    chosen = (1 + bound.rate) / 2 if rate is None else rate
    if not bound.rate < 1:
        raise HypothesisError(
            f"the rate 1/(1 + δ) rounds to 1, as δ = {bound.contraction:.3g}: there is no room for errors"
        )
    if not (bound.rate < chosen < 1):
        raise HypothesisError(f"the rate must lie between {bound.rate:g} and 1, not {chosen:g}")
    return AttackBudget(chosen, bound)


@dataclass(frozen=True)
class DecayingErrors:
    """Corollary 1: ‖e^k‖² ≤ E₀R^k with R < 1.

    Attributes
    ----------
    decay : float
        R.
    scale : float
        E₀.
    neighborhood : Neighborhood
        The energy form it stands on.
    """

    decay: float
    scale: float
    neighborhood: Neighborhood

    @property
    def rate(self) -> float:
        """max(R, 1/(1 + δ_θ)), the linear rate of V; with a factor k where the two are equal."""
        return max(self.decay, self.neighborhood.rate)

    def met(self, error_norm: Array) -> bool:
        """Whether ‖e¹‖ … ‖e^K‖, (K,), obey the hypothesis."""
        errors = np.asarray(error_norm, dtype=float)
        return bool((errors**2 <= self.scale * self.decay ** np.arange(1, len(errors) + 1)).all())

    def envelope(self, energy0: float, iterations: int) -> Array:
        """Return (iterations + 1,) upper bounds on V^k, for k = 0 … iterations."""
        errors = np.sqrt(self.scale * self.decay ** np.arange(1, iterations + 1))
        return self.neighborhood.envelope(energy0, errors)


def corollary1(
    spectrum: Spectrum,
    *,
    strong_convexity: float,
    smoothness: float,
    decay: float,
    scale: float,
    penalty: float | None = None,
    splits: Splits | None = None,
    objective: Objective = "rate",
) -> DecayingErrors:
    """Errors that decay linearly leave exact linear convergence; an upper bound, docs/theory.md section 5.

    Parameters
    ----------
    spectrum, strong_convexity, smoothness, penalty, splits, objective
        As for :func:`analysis.theorem3`.
    decay, scale : float
        0 < R < 1 and E₀ ≥ 0 with ‖e^k‖² ≤ E₀R^k for k ≥ 1.

    Returns
    -------
    DecayingErrors

    Raises
    ------
    HypothesisError
        If a constant is out of range; the message names it.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, Corollary 1.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> bound = corollary1(Topology(nx.complete_graph(5)).spectrum, strong_convexity=1.0, smoothness=4.0,
    ...                    decay=0.99, scale=1.0)
    >>> bound.rate
    0.99
    """
    if not (0 < decay < 1):
        raise HypothesisError(f"the decay must lie in (0, 1), not {decay:g}")
    require_scale("the scale of the errors", scale)
    bound = theorem3(
        spectrum,
        strong_convexity=strong_convexity,
        smoothness=smoothness,
        penalty=penalty,
        splits=splits,
        objective=objective,
    )
    return DecayingErrors(decay, scale, bound)


@dataclass(frozen=True)
class BoundedErrors:
    """Corollary 2: ‖e^k‖ ≤ ē for every k.

    Attributes
    ----------
    error_bound : float
        ē.
    neighborhood : Neighborhood
        The energy form it stands on.
    """

    error_bound: float
    neighborhood: Neighborhood

    @property
    def energy_limit(self) -> float:
        """P̄ē²/δ_θ, an upper bound on limsup V^k."""
        return self.neighborhood.error_gain * self.error_bound**2 / self.neighborhood.contraction

    @property
    def radius(self) -> float:
        """Upper bound on limsup ‖x^k - x*‖, stacked over all agents."""
        return self.neighborhood.radius(self.error_bound)

    def met(self, error_norm: Array) -> bool:
        """Whether ‖e¹‖ … ‖e^K‖, (K,), obey the hypothesis."""
        return bool((np.asarray(error_norm, dtype=float) <= self.error_bound).all())

    def envelope(self, energy0: float, iterations: int) -> Array:
        """Return (iterations + 1,) upper bounds β^kV⁰ + (1 - β^k)P̄ē²/δ_θ on V^k, β = 1/(1 + δ_θ)."""
        power = np.exp(-math.log1p(self.neighborhood.contraction) * np.arange(iterations + 1))
        return np.asarray(power * energy0 + (1 - power) * self.energy_limit)


def corollary2(
    spectrum: Spectrum,
    *,
    strong_convexity: float,
    smoothness: float,
    error_bound: float,
    penalty: float | None = None,
    splits: Splits | None = None,
    objective: Objective = "radius",
) -> BoundedErrors:
    """Bounded errors keep every iterate in a bounded neighbourhood; an upper bound, docs/theory.md section 5.

    Parameters
    ----------
    spectrum, strong_convexity, smoothness, penalty, splits, objective
        As for :func:`analysis.theorem3`.
    error_bound : float
        ē ≥ 0 with ‖e^k‖ ≤ ē, stacked over the agents, for k ≥ 1.

    Returns
    -------
    BoundedErrors

    Raises
    ------
    HypothesisError
        If a constant is out of range; the message names it.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, Corollary 2.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> bound = corollary2(Topology(nx.complete_graph(5)).spectrum, strong_convexity=1.0, smoothness=4.0,
    ...                    error_bound=0.0)
    >>> bound.radius
    0.0
    """
    require_scale("the error bound", error_bound)
    bound = theorem3(
        spectrum,
        strong_convexity=strong_convexity,
        smoothness=smoothness,
        penalty=penalty,
        splits=splits,
        objective=objective,
    )
    return BoundedErrors(error_bound, bound)
