"""Extreme eigenvalues of large sparse Laplacians: Lanczos on the matrix or on its inverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh, splu

if TYPE_CHECKING:
    from topologies.topology import Topology

__all__ = ["extremes"]

_Vector = NDArray[np.float64]
_TOLERANCE = 1e-7  # relative residual asked for; an eigenvalue's own error is about its square over the gap
_BASIS = 40  # Lanczos vectors kept: 320 bytes an agent
_RESTARTS = 1000
_WORK = 1e11  # multiplications of a factorisation, by the estimate: about a minute at worst, usually far less
_PEELS = 64  # rounds of taking leaves off before the estimate


def extremes(topo: Topology, *, regular: bool, bipartite: bool) -> tuple[float, float, float, float]:
    """Least nonzero eigenvalue of L₋, least and greatest of L₊, and the largest relative residual.

    Where a sparse factorisation is cheap (rings, grids, trees, geometric graphs: small cuts, narrow gaps) Lanczos
    runs on the inverse; where it would fill up (expanders, dense random graphs) gaps are wide, and Lanczos on the
    matrix itself converges.

    Raises
    ------
    RuntimeError
        If Lanczos did not converge; the message names the topology.
    """
    direct = _work(topo) <= _WORK
    largest, end = _signless_max(topo, regular, direct)
    residuals = [0.0 if end is None else _residual(topo.L_plus, end, largest)]
    vector = _lowest(topo, largest, direct, signless=False)
    least = _energy(topo, vector, -1)
    residuals.append(_residual(topo.L_minus, vector, least))
    smallest = 0.0
    if not bipartite:
        vector = _lowest(topo, largest, direct, signless=True)
        smallest = _energy(topo, vector, 1)
        residuals.append(_residual(topo.L_plus, vector, smallest))
    return least, smallest, largest, max(residuals) / largest


def _signless_max(topo: Topology, regular: bool, direct: bool) -> tuple[float, _Vector | None]:
    """Λ lies between the least and the greatest d_u + d_v of an edge; equal on regular graphs and on stars."""
    sums = topo.degrees[topo.receivers] + topo.degrees[topo.senders]
    bound = float(sums.max())
    if regular or sums.min() == bound:
        return bound, None
    if direct:
        shifted = bound * (1 + 1e-9) * sp.eye_array(topo.n) - topo.L_plus
        vector = _lanczos(topo, _factor(shifted))
    else:
        vector = _lanczos(topo, lambda x: topo.L_plus @ x)
    return _energy(topo, vector, 1), vector


def _lowest(topo: Topology, largest: float, direct: bool, *, signless: bool) -> _Vector:
    """Return the unit eigenvector of the least eigenvalue of L₊, or of the least nonzero one of L₋."""
    if signless:
        return _lanczos(topo, _factor(topo.L_plus) if direct else lambda x: largest * x - topo.L_plus @ x)
    if direct:
        product = _pseudo_inverse(topo)
    else:

        def product(x: _Vector) -> _Vector:
            return np.asarray(largest * (x - x.mean()) - topo.L_minus @ x)

    vector = _lanczos(topo, product)
    vector = vector - vector.mean()
    return np.asarray(vector / np.linalg.norm(vector))


def _pseudo_inverse(topo: Topology) -> Callable[[_Vector], _Vector]:
    """L₋⁺ through the Laplacian grounded at the busiest agent, which is positive definite."""
    keep = np.delete(np.arange(topo.n), int(np.argmax(topo.degrees)))
    solve = _factor(topo.L_minus[keep][:, keep])

    def product(x: _Vector) -> _Vector:
        y = np.zeros(topo.n)
        y[keep] = solve((x - x.mean())[keep])
        return np.asarray(y - y.mean())

    return product


def _factor(matrix: Any) -> Callable[[_Vector], _Vector]:
    """Factorise a positive definite matrix and return its solver."""
    factors = splu(
        sp.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    return factors.solve  # type: ignore[no-any-return]


def _work(topo: Topology) -> float:
    """Estimate a factorisation's multiplications: leaves add none, a hub at most n, the rest its envelope's rows²."""
    graph = topo.adjacency
    for _ in range(_PEELS):
        inner = np.flatnonzero(np.diff(graph.indptr) > 1)
        if len(inner) == graph.shape[0]:
            break
        graph = graph[inner][:, inner]
    counts = np.diff(graph.indptr)
    hubs = counts > 10 * np.sqrt(topo.n)
    calm = np.flatnonzero(~hubs)
    graph = sp.csr_array(graph[calm][:, calm])
    if not graph.nnz:
        return float(topo.n * hubs.sum() ** 2)
    order = reverse_cuthill_mckee(graph, symmetric_mode=True)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    rows = np.repeat(np.arange(len(order)), np.diff(graph.indptr))
    first = place.copy()
    np.minimum.at(first, rows, place[graph.indices])
    return float(np.square(place - first, dtype=float).sum() + topo.n * hubs.sum() ** 2)


def _lanczos(topo: Topology, product: Callable[[_Vector], _Vector]) -> _Vector:
    """Return the unit eigenvector of the greatest eigenvalue of a symmetric operator, by restarted Lanczos."""
    operator = LinearOperator((topo.n, topo.n), matvec=product, dtype=float)
    start = np.random.default_rng(0).standard_normal(topo.n)
    try:
        _, vectors = eigsh(operator, k=1, which="LA", v0=start, ncv=_BASIS, maxiter=_RESTARTS, tol=_TOLERANCE)
    except ArpackNoConvergence:
        raise RuntimeError(f"the spectrum of {topo!r} did not converge in {_RESTARTS} Lanczos restarts") from None
    return np.asarray(vectors[:, 0], dtype=float)


def _energy(topo: Topology, x: _Vector, sign: int) -> float:
    """Rayleigh quotient Σ_edges w_uv (x_u ± x_v)² / ‖x‖², whose small values keep their digits."""
    u, v = topo.edges.T
    return float(topo.weights @ (x[u] + sign * x[v]) ** 2 / (x @ x))


def _residual(matrix: sp.csr_array, vector: _Vector, value: float) -> float:
    return float(np.linalg.norm(matrix @ vector - value * vector))
