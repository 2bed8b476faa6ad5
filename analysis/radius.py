"""Spectral radius of a linear iteration: LAPACK while that is quick, Arnoldi's method on the map and on its powers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

__all__ = ["spectral_radius"]

Array = NDArray[np.float64]

_DENSE_FIRST = 500
"""Unknowns up to which LAPACK finds all eigenvalues in a quarter of a second, so nothing else is tried."""

_DENSE_AFTER = 3000
"""Unknowns up to which LAPACK is the answer (some ten seconds) where Arnoldi's method did not settle."""

_TRIES = ((1, 40), (1, 160), (16, 100), (128, 100))
"""(power, Krylov vectors): in a power of the map, moduli that lie close together are further apart."""

_RESTARTS = 100
_FEWER_RESTARTS = 30  # of powers, whose products cost so many times more

_WANTED = 6
"""Eigenvalues asked for: the greatest modulus is often that of several, complex pairs among them."""

_TOLERANCE = 1e-10
_CERTIFIED = 1e-8
"""Largest ‖Mv - λv‖ of unit v, over max(1, |λ|), that is taken for an eigenpair."""


def spectral_radius(product: Callable[[Array], Array], size: int, matrix: Callable[[], Array]) -> float | None:
    r"""Return the greatest modulus of an eigenvalue, or None where it cannot be certified.

    Parameters
    ----------
    product : callable
        (size,) → (size,), the real map.
    size : int
    matrix : callable
        Returns the map as a dense matrix, of which only the size has to be about this one.

    Notes
    -----
    Arnoldi's method (ARPACK) settles slowly where the leading moduli lie close together, as on long paths or with
    Hessians of low rank. Its answer counts only if the eigenpair of largest modulus leaves a residual of at most
    1e-8. Below some thousand unknowns LAPACK answers in its place; above, ARPACK goes on with the map's 16th and 128th
    power, :math:`|\lambda(M^p)|^{1/p} = |\lambda(M)|`.

    Examples
    --------
    >>> diagonal = np.linspace(0.0, 0.9, 600)
    >>> round(spectral_radius(lambda x: diagonal * x, 600, lambda: np.diag(diagonal)), 9)
    0.9
    """
    if size <= _DENSE_FIRST:
        return _by_lapack(matrix)
    for power, basis in _TRIES:
        found = _by_arnoldi(product, size, power, basis)
        if found is not None:
            return found
        if size <= _DENSE_AFTER:
            return _by_lapack(matrix)
    return None


def _by_lapack(matrix: Callable[[], Array]) -> float:
    return float(np.abs(np.linalg.eigvals(matrix())).max())


def _by_arnoldi(product: Callable[[Array], Array], size: int, power: int, basis: int) -> float | None:
    """Return the radius from the greatest eigenvalues of the map's ``power``, None if it is not certified."""

    def powered(state: Array) -> Array:
        for _ in range(power):
            state = product(state)
        return state

    basis = min(basis, size - 1)
    operator = LinearOperator((size, size), matvec=powered, dtype=float)
    start = np.random.default_rng(0).standard_normal(size)
    restarts = _RESTARTS if power == 1 else _FEWER_RESTARTS
    try:
        values, vectors = eigs(operator, k=_WANTED, which="LM", v0=start, ncv=basis, maxiter=restarts, tol=_TOLERANCE)
    except ArpackError:  # no convergence, or a Krylov space that ends too soon
        return None
    leading = int(np.argmax(np.abs(values)))
    vector = vectors[:, leading] / np.linalg.norm(vectors[:, leading])
    image = powered(vector.real.copy()) + 1j * powered(vector.imag.copy())
    if not np.linalg.norm(image - values[leading] * vector) <= _CERTIFIED * max(1.0, abs(values[leading])):
        return None
    return float(np.abs(values[leading]) ** (1.0 / power))
