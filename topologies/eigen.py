"""Extreme eigenvalues of large sparse Laplacians: Lanczos, LOBPCG, or slicing of the spectrum, whichever suits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lobpcg, splu

if TYPE_CHECKING:
    from topologies.topology import Topology

__all__ = ["extremes"]

_Vector = NDArray[np.float64]
_TOLERANCE = 1e-7  # relative residual asked for; an eigenvalue's own error is about its square over the gap
_CERTIFIED = 1e-6  # largest relative residual of an answer
_BASIS = 40  # Lanczos vectors kept: 320 bytes an agent
_LARGER_BASIS = 160  # where that many did not settle
_RESTARTS = 1000  # of Lanczos on the matrix itself, whose steps are cheap
_INVERSE_RESTARTS = 10  # on the inverse a few are enough, or the eigenvalues are clustered
_LOBPCG_STEPS = 500
_SLICES = 30  # factorisations of a bisection, which leaves a billionth of the bracket
_WORK = 1e11  # multiplications of a factorisation, by the estimate: about a minute at worst, usually far less
_PEELS = 64  # rounds of taking leaves off before the estimate


def extremes(topo: Topology, *, regular: bool, bipartite: bool) -> tuple[float, float, float, float]:
    """Least nonzero eigenvalue of L₋, least and greatest of L₊, and the largest relative residual.

    Where a sparse factorisation is cheap (rings, grids, trees, geometric graphs: small cuts, narrow gaps) Lanczos
    runs on the inverse, and where the eigenvalues are clustered (wheels) bisection cuts off the least one first. Where
    a factorisation would fill up (expanders, dense random graphs) gaps are wide: Lanczos on the matrix itself
    converges, and sooner LOBPCG scaled by the degrees if those differ.

    Raises
    ------
    RuntimeError
        If none of these converged to a residual of 1e-6; the message names the topology.
    """
    direct = _work(topo) <= _WORK
    largest, end = _signless_max(topo, regular, direct)
    residuals = [0.0 if end is None else _residual(topo.L_plus, end, largest)]
    vector = _lowest(topo, largest, regular, direct, signless=False)
    least = _energy(topo, vector, -1)
    residuals.append(_residual(topo.L_minus, vector, least))
    smallest = 0.0
    if not bipartite:
        vector = _lowest(topo, largest, regular, direct, signless=True)
        smallest = _energy(topo, vector, 1)
        residuals.append(_residual(topo.L_plus, vector, smallest))
    residual = max(residuals) / largest
    if not residual <= _CERTIFIED:
        raise RuntimeError(f"eigenvectors of {topo!r} leave the residual {residual:.2g}, too much to go by")
    return least, smallest, largest, residual


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


def _lowest(topo: Topology, largest: float, regular: bool, direct: bool, *, signless: bool) -> _Vector:
    """Return the unit eigenvector of the least eigenvalue of L₊, or of the least nonzero one of L₋."""
    if direct:
        inverse = _factor(topo.L_plus) if signless else _pseudo_inverse(topo)
        try:
            vector = _lanczos(topo, inverse, _INVERSE_RESTARTS, (_BASIS,))
        except RuntimeError:
            vector = _sliced(topo, inverse, signless)
    else:
        matrix = topo.L_plus if signless else topo.L_minus
        guess = None if regular else _scaled(topo, matrix, largest, signless)
        if guess is not None:
            vector = guess
        else:
            shift = 0.0 if signless else largest / topo.n  # moves the constant vector, of eigenvalue 0, out of the way
            vector = _lanczos(topo, lambda x: largest * x - matrix @ x - shift * x.sum())
    if not signless:
        vector = vector - vector.mean()
    return np.asarray(vector / np.linalg.norm(vector))


def _scaled(topo: Topology, matrix: sp.csr_array, largest: float, signless: bool) -> _Vector | None:
    """Return LOBPCG's vector of the least eigenvalue, preconditioned by the degrees, or None if it did not converge."""
    scale = sp.diags_array(1 / topo.degrees)
    start = np.random.default_rng(0).standard_normal((topo.n, 1))
    apart = None if signless else np.ones((topo.n, 1))
    tolerance = _TOLERANCE * largest
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it says that it did not converge; so does the residual
        try:
            value, vector = lobpcg(matrix, start, M=scale, Y=apart, tol=tolerance, largest=False, maxiter=_LOBPCG_STEPS)
        except (ValueError, np.linalg.LinAlgError):  # its small eigenproblem broke down
            return None
    vector = vector[:, 0] / np.linalg.norm(vector)
    return vector if _residual(matrix, vector, float(value[0])) <= 2 * tolerance else None


def _sliced(topo: Topology, inverse: Callable[[_Vector], _Vector], signless: bool) -> _Vector:
    """Bracket a least eigenvalue that others crowd, then run Lanczos on the inverse shifted to just below it.

    The negative pivots of a factorisation of L - σI count the eigenvalues below σ (Sylvester's law of inertia), so a
    bisection is safe however close the next eigenvalue is.
    """
    matrix = topo.L_plus if signless else topo.L_minus
    vector = np.random.default_rng(0).standard_normal(topo.n)
    for _ in range(_BASIS):
        vector = inverse(vector)
        vector /= np.linalg.norm(vector)
    low, high = 0.0, 2 * _energy(topo, vector, 1 if signless else -1)
    below = 0 if signless else 1  # the constant vector's eigenvalue of L₋
    solve = inverse
    for _ in range(_SLICES):
        middle = (low + high) / 2
        try:
            factors = _factors(sp.csc_array(matrix - middle * sp.eye_array(topo.n)))
        except RuntimeError:  # an eigenvalue to the last digit: there is nothing to divide by
            break
        if (factors.perm_r != factors.perm_c).any():
            break  # rows were exchanged, so the pivots' signs no longer count
        if np.count_nonzero(factors.U.diagonal() < 0) > below:
            high = middle
        else:
            low, solve = middle, factors.solve
    return _lanczos(topo, solve, _INVERSE_RESTARTS)


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
    return _factors(matrix).solve  # type: ignore[no-any-return]


def _factors(matrix: Any) -> Any:
    """Factorise a symmetric matrix with its rows kept in the columns' order.

    Minimum degree fills in least, but takes time quadratic in a hub's degree, where COLAMD does not.
    """
    columns = sp.csc_array(matrix)
    hubs = (np.diff(columns.indptr) > _hub(columns.shape[0])).any()
    ordering = "COLAMD" if hubs else "MMD_AT_PLUS_A"
    return splu(columns, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _hub(n: int) -> float:
    """Return the number of neighbours above which an agent is a hub, ordered last."""
    return float(10 * np.sqrt(n))


def _work(topo: Topology) -> float:
    """Estimate a factorisation's multiplications: leaves add none, a hub at most n, the rest its envelope's rows²."""
    graph = topo.adjacency
    for _ in range(_PEELS):
        inner = np.flatnonzero(np.diff(graph.indptr) > 1)
        if len(inner) == graph.shape[0]:
            break
        graph = graph[inner][:, inner]
    counts = np.diff(graph.indptr)
    hubs = counts > _hub(topo.n)
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


def _lanczos(
    topo: Topology,
    product: Callable[[_Vector], _Vector],
    restarts: int = _RESTARTS,
    bases: tuple[int, ...] = (_BASIS, _LARGER_BASIS),
) -> _Vector:
    """Return the unit eigenvector of the greatest eigenvalue of a symmetric operator, by restarted Lanczos."""
    operator = LinearOperator((topo.n, topo.n), matvec=product, dtype=float)
    start = np.random.default_rng(0).standard_normal(topo.n)
    for basis in bases:
        try:
            _, vectors = eigsh(operator, k=1, which="LA", v0=start, ncv=basis, maxiter=restarts, tol=_TOLERANCE)
        except ArpackError:  # no convergence, or a Krylov space that ends too soon
            continue
        return np.asarray(vectors[:, 0], dtype=float)
    raise RuntimeError(f"the spectrum of {topo!r} did not converge in {restarts} Lanczos restarts")


def _energy(topo: Topology, x: _Vector, sign: int) -> float:
    """Rayleigh quotient Σ_edges w_uv (x_u ± x_v)² / ‖x‖², whose small values keep their digits."""
    u, v = topo.edges.T
    return float(topo.weights @ (x[u] + sign * x[v]) ** 2 / (x @ x))


def _residual(matrix: sp.csr_array, vector: _Vector, value: float) -> float:
    return float(np.linalg.norm(matrix @ vector - value * vector))
