"""The certificates as linear matrix inequalities in CVXPY: slow, dense, and written from other equations as a check.

docs/certificates.md section 5. The state is ξ = (z̃, β); the sector is that of the gradient, ‖v_i‖ ≤ ρ_f‖x̃_i‖ with
x̃⁺ = (m + 2cD)⁻¹(c L₊z̃ - α̃ - v), not that of the local step which :mod:`analysis.sector_loop` uses.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert

from topologies import Topology

__all__ = ["lmi_peak_gain", "lmi_rate", "solved"]

Array = NDArray[np.float64]


class _Program:
    """The constraint of one loop as a CVXPY expression, for any ρ."""

    def __init__(self, topo: Topology, nu: float, ell: float, c: float, byzantine: Sequence[int] = ()) -> None:
        n, b = topo.n, len(byzantine)
        m, radius = (nu + ell) / 2, (ell - nu) / 2
        basis = helmert(n).T
        self.n, self.b, self.states = n, b, 2 * n - 1
        inverse = 1 / (m + 2 * c * topo.degrees)
        # columns of (ξ, v / ρ_f, e); v is measured in units of ρ_f so that multipliers are of one size
        x = np.hstack([
            inverse[:, None] * np.hstack([c * topo.L_plus.toarray(), -basis]),
            -radius * np.diag(inverse),
            np.zeros((n, b)),
        ])  # fmt: skip
        enters = np.zeros((n, b))
        enters[list(byzantine), range(b)] = 1.0
        z = x + np.hstack([np.zeros((n, 3 * n - 1)), enters])
        beta = np.hstack([np.zeros((n - 1, n)), np.eye(n - 1), np.zeros((n - 1, n + b))])
        beta = beta + c * basis.T @ topo.L_minus.toarray() @ z
        self.x, self.next = x, np.vstack([z, beta])
        self.v = np.hstack([np.zeros((n, 2 * n - 1)), np.eye(n), np.zeros((n, b))])
        self.now = np.hstack([np.eye(self.states), np.zeros((self.states, n + b))])
        self.e = np.hstack([np.zeros((b, 3 * n - 1)), np.eye(b)])

    def decrease(self, P: Any, multipliers: Any, rate: float) -> Any:
        """Return the form V⁺ - ρ²V + Σ λ_i(ρ_f²‖x_i⁺‖² - ‖v_i‖²)."""
        import cvxpy as cp

        sector = self.x.T @ cp.diag(multipliers) @ self.x - self.v.T @ cp.diag(multipliers) @ self.v
        return self.next.T @ P @ self.next - rate**2 * (self.now.T @ P @ self.now) + sector


def lmi_rate(
    topo: Topology, *, strong_convexity: float, smoothness: float, penalty: float, tolerance: float = 1e-5
) -> float:
    """Return the certified rate from the LMI by bisection: upper, to the solver's accuracy; for n ≤ 12 or so.

    Examples
    --------
    >>> import networkx as nx
    >>> edge = Topology(nx.path_graph(2))
    >>> round(lmi_rate(edge, strong_convexity=1.0, smoothness=3.0, penalty=0.5), 3)
    0.75
    """
    program = _Program(topo, strong_convexity, smoothness, penalty)
    low, high = 0.0, 1.0
    while high - low > tolerance:
        middle = (low + high) / 2
        if _margin(program, middle) > 0:
            high = middle
        else:
            low = middle
    return high


def _margin(program: _Program, rate: float) -> float:
    """Return the largest t with P ⪰ tI and the decrease ⪯ -tI under trace P = 1; positive means certified."""
    import cvxpy as cp

    P = cp.Variable((program.states, program.states), symmetric=True)
    multipliers = cp.Variable(program.n, nonneg=True)
    margin = cp.Variable()
    form = program.decrease(P, multipliers, rate)
    size = program.states + program.n
    constraints = [P >> margin * np.eye(program.states), _even(form) << -margin * np.eye(size), cp.trace(P) == 1]
    problem = cp.Problem(cp.Maximize(margin), constraints)
    return float(margin.value) if solved(problem) else -1.0


def lmi_peak_gain(
    topo: Topology, rate: float, *, strong_convexity: float, smoothness: float, penalty: float, byzantine: Sequence[int]
) -> tuple[float, Array]:
    """Return the bound on ‖honest x̃‖ for ‖e‖ ≤ 1 at one ρ, and the multipliers: upper, to the solver's accuracy.

    Returns
    -------
    peak : float
        inf where the solver found none.
    multipliers : (n,) ndarray
        In the units of :func:`analysis.reach.ellipsoid`.

    Examples
    --------
    >>> import networkx as nx
    >>> edge = Topology(nx.path_graph(2))
    >>> kwargs = dict(strong_convexity=1.0, smoothness=3.0, penalty=0.5, byzantine=[0])
    >>> round(lmi_peak_gain(edge, 0.9, **kwargs)[0], 2)
    1.83
    """
    import cvxpy as cp

    program = _Program(topo, strong_convexity, smoothness, penalty, byzantine)
    P = cp.Variable((program.states, program.states), symmetric=True)
    multipliers = cp.Variable(program.n, nonneg=True)
    peak = cp.Variable(nonneg=True)
    form = program.decrease(P, multipliers, rate) - (1 - rate**2) * peak * (program.e.T @ program.e)
    honest = np.ones(program.states)
    honest[program.n :] = 0.0
    honest[list(byzantine)] = 0.0
    problem = cp.Problem(cp.Minimize(peak), [P >> np.diag(honest), _even(form) << 0])
    if not solved(problem):
        return float("inf"), np.ones(program.n)
    # the sector of s, in units of √r, is that of v times ρ_f (docs/certificates.md section 3)
    scale = (smoothness - strong_convexity) / 2 * float(peak.value)
    return float(np.sqrt(peak.value)), np.maximum(multipliers.value, 1e-300) / scale


def solved(problem: Any) -> bool:
    """Solve; False where the solver gives up. Its warnings of low accuracy are dropped: callers check what it found."""
    import cvxpy as cp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            problem.solve(solver=cp.CLARABEL)
        except cp.SolverError:
            return False
    return problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)


def _even(form: Any) -> Any:
    return (form + form.T) / 2
