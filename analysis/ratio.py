"""P1's own shape of Theorem 2: a rate B that is below 1 only under a condition on the network."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.one_step import contraction_and_gain
from analysis.splits import Splits
from topologies import Spectrum

__all__ = ["RatioBound", "ratio_bound"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RatioBound:
    r"""The ratio form, :math:`\|z^k-x^*\|^2 \le B^kA + C\sum_{s=1}^k B^{k-s+1}\|e^s\|^2`, docs/theory.md section 4.

    Attributes
    ----------
    rate : float
        B; infinite where the denominator is not positive, as on every bipartite graph.
    error_gain : float
        C.
    network_ratio, network_threshold : float
        μ₊/Λ and (1 + 2b/(cΛ))/(1 + δ), the two sides of P1 (25).
    """

    rate: float
    error_gain: float
    network_ratio: float
    network_threshold: float

    @property
    def network_condition(self) -> bool:
        """Whether ratio > threshold, that is B < 1. No connected graph meets it (proposition of section 4)."""
        return self.network_ratio > self.network_threshold

    def envelope(self, start: float, error_norm: Array) -> Array:
        """Return (K+1,) upper bounds on ‖z^k - x*‖², infinite once B^k is.

        Parameters
        ----------
        start : float
            A, as :attr:`analysis.Trajectory.ratio_start`.
        error_norm : (K,) ndarray
            ‖e¹‖ … ‖e^K‖.
        """
        bound = [float(start)]
        for gain in (self.error_gain * np.asarray(error_norm, dtype=float) ** 2).tolist():
            bound.append(self.rate * (bound[-1] + gain) if math.isfinite(self.rate) else math.inf)
        return np.array(bound)


def ratio_bound(
    spectrum: Spectrum, strong_convexity: float, smoothness: float, penalty: float, slope: float, splits: Splits
) -> RatioBound:
    """Build the ratio form; δ is Theorem 1's, with the whole of ν.

    Parameters
    ----------
    slope : float
        S, see :func:`analysis.one_step.error_slope`.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> bound = ratio_bound(Topology(nx.complete_graph(4)).spectrum, 1.0, 2.0, 0.5, 2.0, Splits(1.5, 2.0, 1.5))
    >>> round(bound.network_ratio, 3), bound.network_condition
    (0.333, False)
    """
    delta, gain = contraction_and_gain(spectrum, strong_convexity, smoothness, penalty, replace(splits, theta=0.0))
    top = spectrum.signless_max
    b = splits.b if splits.b is not None else penalty * top * delta / 4
    denominator = (1 + delta) * spectrum.signless_min - 2 * b / penalty
    reach = slope**2 / (4 * b) + slope + 2 * penalty * spectrum.max_degree + gain
    return RatioBound(
        rate=top / denominator if denominator > 0 else math.inf,
        error_gain=2 * reach / (penalty * top),
        network_ratio=spectrum.signless_min / top,
        network_threshold=(1 + 2 * b / (penalty * top)) / (1 + delta),
    )
