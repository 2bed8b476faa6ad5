"""Which c to choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.certificate import certified_rate
from analysis.errors import HypothesisError
from analysis.hypotheses import require_class, require_topology
from analysis.neighborhood import theorem3
from analysis.quadratic import exact_rate
from topologies import Spectrum, Topology

__all__ = ["optimal_penalty"]

_EVALUATIONS = 40
_SCAN = 8
_PRECISION = 1e-3
"""Relative precision of log c: the rate is flat or has a kink there, and is then good to about 1e-3 of 1 - ρ."""


def optimal_penalty(
    topo: Topology | Spectrum,
    *,
    strong_convexity: float | None = None,
    smoothness: float | None = None,
    method: Literal["theorem3", "certified", "exact"] = "certified",
    hessians: ArrayLike | None = None,
) -> float:
    r"""Return the penalty c with the least rate: the theorem's, the certificate's, or the true one of quadratic costs.

    ``"theorem3"`` is a closed form, c* of Theorem 3. The others minimise their rate over log c: a bracket from
    :math:`\sqrt{\nu\ell/(a\Lambda)}`, where the slowest dual mode and the slowest consensus mode about balance, a scan
    of the bracket, then Brent; at most 40 rates are computed. The exact rate is not always unimodal (it ripples where
    modes cross), so this is a search, not a proof of optimality; no bound depends on it.

    Parameters
    ----------
    topo : Topology or Spectrum
        A spectrum will do for ``"theorem3"``, and for ``"certified"`` on a regular graph.
    strong_convexity, smoothness : float
        0 < ν ≤ ℓ, in cost per squared unit of x; not for ``"exact"``.
    method : {"certified", "theorem3", "exact"}
    hessians : (n,) or (n, N, N) array_like, optional
        Of the quadratic costs, for ``"exact"`` only.

    Returns
    -------
    float
        c, in the unit of ν and ℓ.

    Raises
    ------
    HypothesisError
        If 0 < ν ≤ ℓ fails, or the arguments do not fit the method.

    Examples
    --------
    >>> import networkx as nx
    >>> edge = Topology(nx.path_graph(2))
    >>> round(optimal_penalty(edge, strong_convexity=1.0, smoothness=1.0), 3)
    0.5...

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, Theorem 3 for c*.
    """
    if method not in ("theorem3", "certified", "exact"):
        raise HypothesisError(f'method must be "theorem3", "certified" or "exact", not {method!r}')
    if (method == "exact") != (hessians is not None):
        raise HypothesisError('hessians belong to method "exact", and only there')
    spectrum = topo if isinstance(topo, Spectrum) else require_topology(topo).spectrum
    if method == "exact":
        if not isinstance(topo, Topology):
            raise HypothesisError("the exact rate needs the Topology itself, not its Spectrum")
        given = np.asarray(hessians, dtype=float)
        curvature = given if given.ndim == 1 else np.linalg.eigvalsh(given)
        low, high = float(curvature.min()), float(curvature.max())
        require_class(low, high)
        return _minimise(lambda c: exact_rate(topo, given, c), _balance(spectrum, low, high))
    if strong_convexity is None or smoothness is None:
        raise HypothesisError(f'method "{method}" needs strong_convexity and smoothness')
    nu, ell = strong_convexity, smoothness
    require_class(nu, ell)
    if method == "theorem3":
        return theorem3(spectrum, strong_convexity=nu, smoothness=ell).penalty
    return _minimise(
        lambda c: certified_rate(topo, strong_convexity=nu, smoothness=ell, penalty=c), _balance(spectrum, nu, ell)
    )


def _balance(spectrum: Spectrum, nu: float, ell: float) -> float:
    """Return √(νℓ/(aΛ))."""
    return float(np.sqrt(nu / spectrum.algebraic_connectivity) * np.sqrt(ell / spectrum.signless_max))


def _minimise(rate: Callable[[float], float], start: float) -> float:
    """Return the c of least rate met by a bracket and Brent's method in log c, in at most 40 rates."""
    met: dict[float, float] = {}

    def slowness(log_penalty: float) -> float:
        if log_penalty not in met:
            speed = -np.log(rate(float(np.exp(log_penalty))))
            met[log_penalty] = -float(np.log(speed)) if speed > 0 else np.inf
        return met[log_penalty]

    middle = float(np.log(start))
    left, right = middle - 0.5, middle + 0.5
    while len(met) < _EVALUATIONS // 3:
        if slowness(left) < slowness(middle):
            left, middle, right = left - 2 * (right - middle), left, middle
        elif slowness(right) < slowness(middle):
            left, middle, right = middle, right, right + 2 * (middle - left)
        else:
            break
    for place in np.linspace(left, right, _SCAN + 2)[1:-1]:  # small ripples beside the minimum do occur
        slowness(float(place))
    places = sorted(met)
    best = min(range(len(places)), key=lambda k: met[places[k]])
    if 0 < best < len(places) - 1:
        around = places[best - 1], places[best], places[best + 1]
        if met[around[1]] < min(met[around[0]], met[around[2]]):
            from scipy.optimize import minimize_scalar  # slow to import

            options = {"xtol": _PRECISION, "maxiter": _EVALUATIONS - len(met)}
            minimize_scalar(slowness, bracket=around, method="brent", options=options)
    return float(np.exp(min(met, key=met.__getitem__)))
