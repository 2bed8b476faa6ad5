"""Theorem 1: what one iteration does to the energy, whatever the errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import HypothesisError
from analysis.hypotheses import require_class, require_penalty, require_spectrum
from analysis.splits import Splits, best_lambda2, best_splits
from topologies import Spectrum

__all__ = ["OneStepBound", "contraction_and_gain", "error_slope", "theorem1"]

Array = NDArray[np.float64]

RATE_FIRST = 0.01
"""Weight of the error gain against the rate when a rate is sought: λ₁, λ₃ → 1 would make the gain infinite."""


@dataclass(frozen=True)
class OneStepBound:
    r"""Theorem 1 with its constants, :math:`(1+\delta)V^{k+1} \le V^k + \langle e,s\rangle + P\|e\|^2`.

    Attributes
    ----------
    penalty : float
        c.
    contraction : float
        δ > 0.
    error_gain : float
        P.
    splits : Splits
        The constants used.
    """

    penalty: float
    contraction: float
    error_gain: float
    splits: Splits

    @property
    def rate(self) -> float:
        """1/(1 + δ), of V, the square of a distance, per iteration without errors."""
        return 1 / (1 + self.contraction)

    @property
    def distance_rate(self) -> float:
        """√rate, to set beside rates of distances (exact or certified)."""
        return math.sqrt(self.rate)

    def next_energy(self, energy: Array, error_work: Array, error_norm: Array) -> Array:
        r"""Bound V^{k+1} from what iteration k + 1 started with and met; elementwise.

        Parameters
        ----------
        energy : (K,) ndarray
            V⁰ … V^{K-1}.
        error_work : (K,) ndarray
            :math:`\langle e^k, s^k\rangle`, k = 1 … K, as :attr:`analysis.Trajectory.error_work`.
        error_norm : (K,) ndarray
            ‖e¹‖ … ‖e^K‖.

        Returns
        -------
        (K,) ndarray
            Upper bounds on V¹ … V^K.
        """
        return np.asarray((energy + error_work + self.error_gain * error_norm**2) / (1 + self.contraction))


def theorem1(
    spectrum: Spectrum,
    *,
    strong_convexity: float,
    smoothness: float,
    penalty: float,
    splits: Splits | None = None,
) -> OneStepBound:
    r"""Upper bound on one step of falsified ADMM for every cost of the class, docs/theory.md section 3.

    :math:`(1+\delta) V^{k+1} \le V^k + \langle e^{k+1}, s^{k+1}\rangle + P\|e^{k+1}\|^2` with

    .. math::
        \delta = \min\Big\{\frac{a}{\lambda_1\lambda_2\Lambda},
                 \frac{2\nu}{\lambda_1\lambda_2\ell^2/((\lambda_2-1)ca) + c\lambda_3\Lambda}\Big\},\quad
        P = \delta c\Big[\frac{2\lambda_1 d_{\max}^2}{(\lambda_1-1)a} + \frac{\lambda_3\Lambda}{2(\lambda_3-1)}\Big].

    Any connected graph, weighted or not, bipartite or not; any errors. Costs O(1) once the spectrum is there.

    Parameters
    ----------
    spectrum : Spectrum
        Of a connected graph.
    strong_convexity, smoothness : float
        0 < ν ≤ ℓ, in cost per squared unit of x.
    penalty : float
        c > 0, in the same unit.
    splits : Splits, optional
        λ₁, λ₂, λ₃ with theta = 0. Chosen unless given: the largest δ up to a few per cent, at a small P.

    Returns
    -------
    OneStepBound

    Raises
    ------
    HypothesisError
        If ν, ℓ or c is out of range, or the splits reserve a share of ν (theta > 0); the message names it.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, Theorem 1, (10)-(13).
    .. [2] Shi, Ling, Yuan, Wu, Yin (2014). IEEE Trans. Signal Processing 62(7):1750-1761, for e = 0.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> bound = theorem1(Topology(nx.complete_graph(5)).spectrum, strong_convexity=1.0, smoothness=4.0, penalty=0.5)
    >>> round(bound.rate, 3)
    0.864
    """
    require_spectrum(spectrum)
    require_class(strong_convexity, smoothness)
    require_penalty(penalty)
    if splits is None:

        def at(lambda1: float, lambda3: float) -> Splits:
            lambda2 = best_lambda2(spectrum, strong_convexity, smoothness, penalty, lambda1, lambda3)
            return Splits(lambda1, lambda2, lambda3)

        def score(lambda1: float, lambda3: float, _: float) -> float:
            delta, gain = contraction_and_gain(spectrum, strong_convexity, smoothness, penalty, at(lambda1, lambda3))
            return -math.log(delta) + RATE_FIRST * math.log(gain)

        splits = at(*best_splits(score, reserve=False)[:2])
    elif splits.theta != 0:
        raise HypothesisError(f"Theorem 1 reserves no share of ν; theta must be 0, not {splits.theta:g}")
    delta, gain = contraction_and_gain(spectrum, strong_convexity, smoothness, penalty, splits)
    return OneStepBound(penalty, delta, gain, splits)


def contraction_and_gain(
    spectrum: Spectrum, strong_convexity: float, smoothness: float, penalty: float, splits: Splits
) -> tuple[float, float]:
    """Return δ_θ and P(δ_θ), docs/theory.md sections 3 and 4; θ = 0 gives Theorem 1.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> contraction_and_gain(Topology(nx.path_graph(2)).spectrum, 1.0, 1.0, 1.0, Splits(2.0, 2.0, 2.0))
    (0.25, 1.0)
    """
    a, top = spectrum.algebraic_connectivity, spectrum.signless_max
    one, two, three = splits.lambda1, splits.lambda2, splits.lambda3
    curvature = one * two * smoothness**2 / ((two - 1) * penalty * a) + penalty * three * top
    delta = min(a / (one * two * top), 2 * (1 - splits.theta) * strong_convexity / curvature)
    gain = delta * penalty * (2 * one * spectrum.max_degree**2 / ((one - 1) * a) + three * top / (2 * (three - 1)))
    return delta, gain


def error_slope(spectrum: Spectrum, strong_convexity: float, smoothness: float, penalty: float) -> float:
    """Return S = max_i max(|2cd_i - ν|, |2cd_i - ℓ|); convex in d_i, so the extreme degrees decide.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> error_slope(Topology(nx.star_graph(3)).spectrum, 1.0, 4.0, 0.5)
    3.0
    """
    return max(
        abs(2 * penalty * degree - curvature)
        for degree in (spectrum.min_degree, spectrum.max_degree)
        for curvature in (strong_convexity, smoothness)
    )
