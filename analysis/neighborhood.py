"""Theorems 2 and 3: linear convergence to a neighbourhood of the minimiser, its radius, and the best penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import HypothesisError
from analysis.hypotheses import require_class, require_penalty, require_scale, require_spectrum
from analysis.one_step import RATE_FIRST, contraction_and_gain, error_slope
from analysis.ratio import RatioBound, ratio_bound
from analysis.splits import Objective, Splits, balanced_lambda2, best_lambda2, best_splits
from topologies import Spectrum

__all__ = ["Neighborhood", "theorem2", "theorem3"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Neighborhood:
    r"""The energy form, :math:`V^{k+1} \le (V^k + \bar P\|e^{k+1}\|^2)/(1+\delta_\theta)`, and what follows from it.

    Attributes
    ----------
    penalty : float
        c; Theorem 3's c* unless another was asked for.
    strong_convexity : float
        ν.
    contraction : float
        δ_θ > 0.
    error_gain : float
        P̄.
    error_slope : float
        S, the Lipschitz constant of s in x.
    max_degree : float
        Largest weighted degree.
    splits : Splits
        The constants used.
    ratio : RatioBound
        P1's form of the same theorem, with its condition on the network, which no graph meets.
    """

    penalty: float
    strong_convexity: float
    contraction: float
    error_gain: float
    error_slope: float
    max_degree: float
    splits: Splits
    ratio: RatioBound

    @property
    def rate(self) -> float:
        """1/(1 + δ_θ) < 1, of V, the square of a distance, per iteration."""
        return 1 / (1 + self.contraction)

    @property
    def distance_rate(self) -> float:
        """√rate, to set beside rates of distances (exact or certified)."""
        return math.sqrt(self.rate)

    @property
    def network_ratio(self) -> float:
        """μ₊/Λ, the left side of the ratio form's condition, P1 (25)."""
        return self.ratio.network_ratio

    @property
    def network_threshold(self) -> float:
        """(1 + 2b/(cΛ))/(1 + δ), its right side."""
        return self.ratio.network_threshold

    @property
    def network_condition(self) -> bool:
        """Whether the left side exceeds the right; never so, docs/theory.md section 4. The energy form needs it not."""
        return self.ratio.network_condition

    def distance(self, energy: Array | float, error_norm: Array | float) -> Array:
        r"""Bound ‖x^{k+1} - x*‖, stacked over all agents, by V^k and ‖e^{k+1}‖.

        It is the root of :math:`\nu X^2 = V + 2cd_{\max}\|e\|^2 + S\|e\|X`, the best over all shares θ at once.

        Parameters
        ----------
        energy, error_norm : array_like
            V^k and ‖e^{k+1}‖.

        Returns
        -------
        ndarray
        """
        error = np.asarray(error_norm, dtype=float)
        rest = np.asarray(energy) + 2 * self.penalty * self.max_degree * error**2
        linear = self.error_slope * error
        return np.asarray(
            (linear + np.sqrt(linear**2 + 4 * self.strong_convexity * rest)) / (2 * self.strong_convexity)
        )

    def radius(self, error_bound: float) -> float:
        """Return an upper bound on limsup ‖x^k - x*‖, stacked over all agents, if ‖e^k‖ ≤ error_bound for all k.

        Parameters
        ----------
        error_bound : float
            ē, a bound on the stacked error of every iteration.

        Raises
        ------
        HypothesisError
            If the bound is negative or not finite.
        """
        require_scale("the error bound", error_bound)
        return float(self.distance(self.error_gain * error_bound**2 / self.contraction, error_bound))

    def envelope(self, energy0: float, error_norm: Array) -> Array:
        """Return (K+1,) Φ⁰ … Φ^K, upper bounds on V⁰ … V^K from the errors met.

        Parameters
        ----------
        energy0 : float
            V⁰.
        error_norm : (K,) ndarray
            ‖e¹‖ … ‖e^K‖.
        """
        bound = [float(energy0)]
        for gain in (self.error_gain * np.asarray(error_norm, dtype=float) ** 2).tolist():
            bound.append((bound[-1] + gain) / (1 + self.contraction))
        return np.array(bound)

    def distance_envelope(self, energy0: float, error_norm: Array) -> Array:
        """Return (K,) upper bounds on ‖x^k - x*‖, stacked over all agents, k = 1 … K; arguments as ``envelope``."""
        return self.distance(self.envelope(energy0, error_norm)[:-1], error_norm)


def theorem2(
    spectrum: Spectrum,
    *,
    strong_convexity: float,
    smoothness: float,
    penalty: float,
    splits: Splits | None = None,
    objective: Objective = "rate",
) -> Neighborhood:
    r"""Upper bound: any run converges linearly to a neighbourhood of x*, docs/theory.md section 4.

    .. math::
        V^{k+1} \le \frac{V^k + \bar P\|e^{k+1}\|^2}{1+\delta_\theta},\quad
        \bar P = P(\delta_\theta) + 2cd_{\max} + \frac{S^2}{4\theta\nu},\quad
        S = \max_i \max(|2cd_i-\nu|, |2cd_i-\ell|).

    Any connected graph, bipartite ones included; any errors; every cost of the class. P1's own shape of the theorem,
    which needs a condition on the network, is in ``.ratio``. Costs O(1) once the spectrum is there.

    Parameters
    ----------
    spectrum : Spectrum
        Of a connected graph.
    strong_convexity, smoothness : float
        0 < ν ≤ ℓ, in cost per squared unit of x.
    penalty : float
        c > 0, in the same unit.
    splits : Splits, optional
        λ₁, λ₂, λ₃ and 0 < theta < 1; chosen unless given.
    objective : {"rate", "radius"}
        What to choose the splits for: the largest δ_θ up to a few per cent, or the smallest radius.

    Returns
    -------
    Neighborhood

    Raises
    ------
    HypothesisError
        If ν, ℓ, c or theta is out of range; the message names it.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, Theorem 2, (14)-(19).

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> bound = theorem2(Topology(nx.cycle_graph(4)).spectrum, strong_convexity=1.0, smoothness=2.0, penalty=0.5)
    >>> bound.rate < 1, bound.network_condition
    (True, False)
    """
    require_penalty(penalty)
    return _neighborhood(spectrum, strong_convexity, smoothness, penalty, splits, objective)


def theorem3(
    spectrum: Spectrum,
    *,
    strong_convexity: float,
    smoothness: float,
    penalty: float | None = None,
    splits: Splits | None = None,
    objective: Objective = "rate",
) -> Neighborhood:
    r"""Theorem 2 at the penalty that maximises δ_θ.

    It is :math:`c^* = \ell\sqrt{\lambda_1\lambda_2/((\lambda_2-1)\lambda_3 a\Lambda)}`. An upper
    bound for every cost of the class, on any connected graph; docs/theory.md section 4. c* is the best penalty of this
    *bound*; the best of the algorithm may be several times smaller or larger.

    Parameters
    ----------
    spectrum, strong_convexity, smoothness, splits, objective
        As for :func:`theorem2`.
    penalty : float, optional
        c > 0 to use in the place of c*.

    Returns
    -------
    Neighborhood

    Raises
    ------
    HypothesisError
        If ν, ℓ, c or theta is out of range; the message names it.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, Theorem 3, (20)-(26).

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> bound = theorem3(Topology(nx.complete_graph(5)).spectrum, strong_convexity=1.0, smoothness=4.0)
    >>> round(bound.penalty, 2), round(bound.rate, 3)
    (0.74, 0.857)
    >>> bound.radius(0.0)
    0.0
    """
    if penalty is not None:
        require_penalty(penalty)
    return _neighborhood(spectrum, strong_convexity, smoothness, penalty, splits, objective)


def _neighborhood(
    spectrum: Spectrum,
    strong_convexity: float,
    smoothness: float,
    penalty: float | None,
    splits: Splits | None,
    objective: Objective,
) -> Neighborhood:
    """Build the bound at ``penalty``, or at c* of the splits if it is None."""
    require_spectrum(spectrum)
    require_class(strong_convexity, smoothness)
    if objective not in ("rate", "radius"):
        raise HypothesisError(f"the objective must be 'rate' or 'radius', not {objective!r}")

    def at(chosen: Splits) -> Neighborhood:
        c = penalty if penalty is not None else _best_penalty(spectrum, smoothness, chosen)
        delta, gain = contraction_and_gain(spectrum, strong_convexity, smoothness, c, chosen)
        slope = error_slope(spectrum, strong_convexity, smoothness, c)
        extra = 2 * c * spectrum.max_degree + slope**2 / (4 * chosen.theta * strong_convexity)
        return Neighborhood(
            penalty=c,
            strong_convexity=strong_convexity,
            contraction=delta,
            error_gain=gain + extra,
            error_slope=slope,
            max_degree=spectrum.max_degree,
            splits=chosen,
            ratio=ratio_bound(spectrum, strong_convexity, smoothness, c, slope, chosen),
        )

    def complete(lambda1: float, lambda3: float, theta: float) -> Splits:
        kept = (1 - theta) * strong_convexity
        if penalty is None:
            lambda2 = balanced_lambda2(spectrum, kept, smoothness, lambda1, lambda3)
        else:
            lambda2 = best_lambda2(spectrum, kept, smoothness, penalty, lambda1, lambda3)
        return Splits(lambda1, lambda2, lambda3, theta)

    def score(lambda1: float, lambda3: float, theta: float) -> float:
        bound = at(complete(lambda1, lambda3, theta))
        size = 2 * math.log(bound.radius(1.0))
        return size if objective == "radius" else RATE_FIRST * size - math.log(bound.contraction)

    if splits is None:
        splits = complete(*best_splits(score, reserve=True))
    elif splits.theta == 0:
        raise HypothesisError("Theorems 2 to 4 pay for the errors with a share of ν; theta must lie in (0, 1), not 0")
    return at(splits)


def _best_penalty(spectrum: Spectrum, smoothness: float, splits: Splits) -> float:
    """Return c* of P1 Theorem 3, the maximiser of the second term of δ."""
    share = splits.lambda1 * splits.lambda2 / ((splits.lambda2 - 1) * splits.lambda3)
    return smoothness * math.sqrt(share / (spectrum.algebraic_connectivity * spectrum.signless_max))
