"""A run as the theory sees it: true and sent updates, duals, gradients, and the point it should reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from analysis.errors import HypothesisError
from analysis.hypotheses import require_penalty
from topologies import Topology

__all__ = ["Trajectory", "dual_energy"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trajectory:
    r"""K iterations of falsified ADMM, P1 (7), every one of them recorded.

    Attributes
    ----------
    topo : Topology
        The graph of the run, unchanged during it.
    penalty : float
        c.
    x, z, alpha : (K+1, n, N) ndarray
        True updates :math:`x^k`, broadcast updates :math:`z^k = x^k + e^k` and node duals :math:`\alpha^k`, from the
        initial state on. :math:`\sum_i \alpha^0_i = 0`.
    gradient : (K+1, n, N) ndarray
        :math:`\nabla f_i(x_i^k)`; the entry of k = 0 enters no statement.
    minimizer : (N,) ndarray
        x*, minimiser of :math:`\sum_i f_i` over *all* n agents.
    minimizer_gradient : (n, N) ndarray
        :math:`\nabla f_i(x^*)`, whose sum over the agents is zero.

    Raises
    ------
    HypothesisError
        If a shape does not fit, the penalty is not positive, or the columns of :math:`\alpha^0` do not sum to zero.

    Examples
    --------
    Two agents with f_1 = ½(x - 1)², f_2 = ½(x + 1)², one iteration from zero with c = 1:

    >>> import networkx as nx
    >>> x = np.array([[[0.0], [0.0]], [[1 / 3], [-1 / 3]]])
    >>> alpha = np.array([[[0.0], [0.0]], [[2 / 3], [-2 / 3]]])
    >>> run = Trajectory(Topology(nx.path_graph(2)), 1.0, x, x, alpha, x - [[1.0], [-1.0]], np.zeros(1),
    ...                  np.array([[-1.0], [1.0]]))
    >>> run.energy.round(3).tolist(), run.error_norm.tolist()
    ([0.5, 0.056], [0.0, 0.0])
    """

    topo: Topology
    penalty: float
    x: Array
    z: Array
    alpha: Array
    gradient: Array
    minimizer: Array
    minimizer_gradient: Array

    def __post_init__(self) -> None:
        require_penalty(self.penalty)
        if self.x.ndim != 3 or self.x.shape[1] != self.topo.n:
            raise HypothesisError(f"x must have shape (K+1, {self.topo.n}, N), not {self.x.shape}")
        for name in ("z", "alpha", "gradient"):
            if (shape := getattr(self, name).shape) != self.x.shape:
                raise HypothesisError(f"{name} must have the shape of x, {self.x.shape}, not {shape}")
        if self.minimizer.shape != self.x.shape[2:]:
            raise HypothesisError(f"the minimizer must have shape {self.x.shape[2:]}, not {self.minimizer.shape}")
        if self.minimizer_gradient.shape != self.x.shape[1:]:
            raise HypothesisError(
                f"the gradient at the minimizer must have shape {self.x.shape[1:]}, not {self.minimizer_gradient.shape}"
            )
        off = float(np.abs(self.alpha[0].sum(axis=0)).max(initial=0.0))
        # what the solver lets pass: it moves the limit by no more than this, and rounding is far below
        if off > 1e-9 * self.topo.n * max(1.0, float(np.abs(self.alpha[0]).max(initial=0.0))):
            raise HypothesisError(f"the initial duals must sum to zero over the agents, not to {off:g}")

    @cached_property
    def errors(self) -> Array:
        """(K+1, n, N) e^k = z^k - x^k."""
        return self.z - self.x

    @cached_property
    def error_norm(self) -> Array:
        """(K+1,) ‖e^k‖, stacked over agents and entries."""
        return np.asarray(np.sqrt(np.einsum("kij,kij->k", self.errors, self.errors)))

    @cached_property
    def distance(self) -> Array:
        """(K+1,) ‖x^k - x*‖, stacked over all agents."""
        gap = self.x - self.minimizer
        return np.asarray(np.sqrt(np.einsum("kij,kij->k", gap, gap)))

    @cached_property
    def energy(self) -> Array:
        r"""(K+1,) :math:`V^k = c\|r^k-r^*\|^2 + \tfrac c2 (z^k-x^*)^T L_+ (z^k-x^*)`, docs/theory.md section 3."""
        primal = self.z - self.minimizer
        signless = _left(self.topo.L_plus, primal)
        return np.asarray(
            dual_energy(self.topo, self.alpha + self.minimizer_gradient, self.penalty)
            + 0.5 * self.penalty * np.einsum("kij,kij->k", primal, signless)
        )

    @cached_property
    def ratio_start(self) -> float:
        r"""A of the ratio form, :math:`\|z^0-x^*\|^2 + \tfrac2\Lambda\|r^0-r^*\|^2`, docs/theory.md section 4."""
        dual = dual_energy(self.topo, self.alpha[:1] + self.minimizer_gradient, self.penalty)[0] / self.penalty
        return float(((self.z[0] - self.minimizer) ** 2).sum() + 2 / self.topo.spectrum.signless_max * dual)

    @cached_property
    def error_work(self) -> Array:
        r"""(K,) :math:`\langle e^k, s^k\rangle` of Theorem 1, k = 1 … K, docs/theory.md section 3."""
        slope = self.gradient[1:] - self.minimizer_gradient
        weight = 2 * self.penalty * self.topo.degrees[:, None]
        return np.asarray(np.einsum("kij,kij->k", self.errors[1:], weight * (self.z[1:] - self.minimizer) - slope))


def dual_energy(topo: Topology, gap: Array, penalty: float) -> Array:
    r"""Return :math:`c\|r-r^*\|^2` for each dual gap :math:`\alpha - \alpha^*`, with :math:`\alpha^*=-\nabla f(x^*)`.

    As :math:`r - r^* = Q^+(\alpha - \alpha^*)/(2c)` and :math:`Q^2 = L_-/2`, it is
    :math:`(\alpha-\alpha^*)^T L_-^+ (\alpha-\alpha^*)/(2c)`: one sparse Laplacian solve, no square root.

    Parameters
    ----------
    gap : (K, n, N) ndarray
        Its mean over the agents, zero in theory, is taken off.
    penalty : float
        c.

    Returns
    -------
    (K,) ndarray

    Examples
    --------
    >>> import networkx as nx
    >>> dual_energy(Topology(nx.path_graph(2)), np.array([[[1.0], [-1.0]]]), 2.0)
    array([0.25])
    """
    count, n, dim = gap.shape
    centred = gap - gap.mean(axis=1, keepdims=True)
    flat = centred.transpose(1, 0, 2).reshape(n, count * dim)
    # grounding agent 0 picks one solution of L₋y = b; the form bᵀy does not depend on which
    solution = splu(sp.csc_array(topo.L_minus[1:, 1:])).solve(np.ascontiguousarray(flat[1:]))
    form = (flat[1:] * solution).sum(axis=0).reshape(count, dim).sum(axis=1)
    return np.asarray(np.maximum(form, 0.0) / (2 * penalty))


def _left(matrix: sp.csr_array, batch: Array) -> Array:
    """Return matrix @ batch[k] for every k."""
    count, n, dim = batch.shape
    return np.asarray(
        (matrix @ batch.transpose(1, 0, 2).reshape(n, count * dim)).reshape(n, count, dim).transpose(1, 0, 2)
    )
