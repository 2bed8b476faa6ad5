"""The exact rate of ADMM for given quadratic costs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import HypothesisError
from analysis.linear import LinearIteration
from analysis.radius import spectral_radius
from topologies import Spectrum, Topology

__all__ = ["exact_rate", "regular_rate"]

Array = NDArray[np.float64]


def exact_rate(topo: Topology, hessians: ArrayLike, penalty: float) -> float:
    r"""Exact rate of :math:`\|x^k - x^*\|` without errors, for these quadratic costs; docs/theory.md section 6.

    It is the spectral radius of the linear iteration on (z, α) with Σ_i α_i = 0. In closed form on a regular graph
    whose Hessians are all equal, by LAPACK on small networks and by ARPACK, with a
    certified residual, on large ones (:mod:`analysis.radius`).

    Parameters
    ----------
    topo : Topology
        Any connected graph.
    hessians : (n,) or (n, N, N) array_like
        H_i, or scalars h_i for h_i I; H_i + 2cd_i I positive definite. A non-convex cost may give a rate above 1.
    penalty : float
        c > 0.

    Returns
    -------
    float

    Raises
    ------
    HypothesisError
        If a shape, a Hessian or the penalty does not fit; the message names it.
    RuntimeError
        If, beyond 3,000 unknowns, neither ARPACK nor powers of the iteration settle: leading eigenvalues too close
        together.

    Examples
    --------
    >>> import networkx as nx
    >>> round(exact_rate(Topology(nx.cycle_graph(6)), np.ones(6), 0.5), 6)
    0.707107
    """
    linear = LinearIteration.of(topo, hessians, penalty)
    curvatures = np.linalg.eigvalsh(linear.hessians[0])
    if curvatures[0] >= 0 and (linear.hessians == linear.hessians[0]).all() and topo.spectrum.is_regular:
        return max(regular_rate(topo.spectrum, float(h), penalty) for h in curvatures)
    rate = _rate(linear)
    return rate if rate <= 1 or np.linalg.eigvalsh(linear.hessians).min() < 0 else 1.0  # convex costs never grow


def regular_rate(spectrum: Spectrum, curvature: float, penalty: float) -> float:
    r"""Return the exact rate on a regular graph of degree d with all Hessians h I, from two eigenvalues of A.

    Each adjacency eigenvalue θ < d gives the roots of
    :math:`\mu^2 - (1 + 2g\theta)\mu + g(d+\theta) = 0`, g = c/(h + 2cd), and consensus gives 2cd/(h + 2cd). The larger
    modulus is largest at the second largest or at the least θ (docs/theory.md section 6).

    Raises
    ------
    HypothesisError
        If the graph is not regular or h is negative.

    Examples
    --------
    >>> import networkx as nx
    >>> round(regular_rate(Topology(nx.complete_graph(4)).spectrum, 1.0, 0.25), 4)
    0.6
    """
    if not spectrum.is_regular:
        raise HypothesisError(
            f"the closed form needs a regular graph, not degrees {spectrum.min_degree:g} to {spectrum.max_degree:g}"
        )
    if not curvature >= 0:
        raise HypothesisError(f"the closed form needs convex costs, not the curvature {curvature:g}")
    d = spectrum.max_degree
    g = penalty / (curvature + 2 * penalty * d)
    rates = [2 * g * d]
    for theta in (d - spectrum.algebraic_connectivity, spectrum.signless_min - d):
        trace, product = 1 + 2 * g * theta, g * (d + theta)
        root = trace**2 - 4 * product
        rates.append(math.sqrt(product) if root < 0 else (trace + math.sqrt(root)) / 2)
    return min(1.0, max(rates))  # convex costs never grow; what is above is rounding


def _rate(linear: LinearIteration) -> float:
    """Return the spectral radius, the duals projected on zero agent-sum."""
    n, dim = linear.topo.n, linear.dim
    size = n * dim

    def product(state: Array) -> Array:
        z = state[:size].reshape(n, dim, 1)
        alpha = state[size:].reshape(n, dim, 1)
        x = linear.update(z, alpha - alpha.mean(axis=0))
        after = linear.ascend(alpha, x)
        return np.concatenate([x.ravel(), (after - after.mean(axis=0)).ravel()])

    found = spectral_radius(product, 2 * size, linear.matrix)
    if found is None:
        raise RuntimeError(
            f"no rate of {linear.topo!r} with N = {dim} could be certified: its leading eigenvalues are too close "
            "together"
        )
    return found
