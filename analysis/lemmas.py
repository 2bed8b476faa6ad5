"""Lemmas 1 to 5 of P1's supplement as residuals along a run: identities, so only rounding may be left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.trajectory import Trajectory

__all__ = ["LemmaResiduals", "lemma_residuals"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LemmaResiduals:
    """Relative residuals of the lemmas along one run; see :func:`lemma_residuals`.

    Attributes
    ----------
    definition : float
        Of r^k = r⁰ + Q Σ_{s≤k} z^s, P1 (33)-(35).
    lemma1, lemma2, lemma3, lemma4, lemma5 : float
        Of P1's Lemmas 1 to 5, the largest over the iterations.
    stationarity : float
        ‖Σ_i ∇f_i(x*)‖ / (√n ‖∇f(x*)‖): how exact the given minimiser is; Lemma 4 cannot be better than this.
    """

    definition: float
    lemma1: float
    lemma2: float
    lemma3: float
    lemma4: float
    lemma5: float
    stationarity: float

    @property
    def largest(self) -> float:
        """The largest of the residuals of the definition and the five lemmas."""
        return max(self.definition, self.lemma1, self.lemma2, self.lemma3, self.lemma4, self.lemma5)


def lemma_residuals(run: Trajectory) -> LemmaResiduals:
    r"""Evaluate both sides of each lemma along ``run``; exact identities for any errors, docs/theory.md section 2.

    A residual is divided by the largest term of its identity met so far in the run, since rounding of an early, large
    iterate is inherited by all later ones. The square root Q is dense: for graphs of up to a few thousand agents.

    Parameters
    ----------
    run : Trajectory
        At least one iteration.

    Returns
    -------
    LemmaResiduals

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, supplement, (32)-(42).

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> x = np.array([[[0.0], [0.0]], [[1 / 3], [-1 / 3]]])
    >>> alpha = np.array([[[0.0], [0.0]], [[2 / 3], [-2 / 3]]])
    >>> run = Trajectory(Topology(nx.path_graph(2)), 1.0, x, x, alpha, x - [[1.0], [-1.0]], np.zeros(1),
    ...                  np.array([[-1.0], [1.0]]))
    >>> lemma_residuals(run).largest < 1e-15
    True
    """
    topo, c = run.topo, run.penalty
    values, vectors = np.linalg.eigh(topo.L_minus.toarray() / 2)
    roots = np.sqrt(np.maximum(values, 0.0))
    roots[0] = 0.0  # the graph is connected, so exactly one eigenvalue is zero; its root would be 1e-8, not 1e-16
    connected = topo.n < 2 or bool(values[1] > topo.n * np.finfo(float).eps * values[-1])
    inverse = np.zeros_like(roots)
    inverse[1:] = 1 / roots[1:] if connected else np.inf
    q = (vectors * roots) @ vectors.T
    q_inverse = (vectors * inverse) @ vectors.T

    r = q_inverse @ run.alpha / (2 * c)
    r_star = -q_inverse @ run.minimizer_gradient / (2 * c)
    slope = run.gradient[1:] / (2 * c)
    slope_star = run.minimizer_gradient / (2 * c)
    half_plus = 0.5 * topo.L_plus.toarray()
    spread = half_plus @ run.z
    wx = topo.degrees[:, None] * run.x[1:]
    we = topo.degrees[:, None] * run.errors[1:]
    dual = q @ r
    step = spread[1:] - spread[:-1] - we

    inputs = [spread[:-1], spread[1:], wx, we, dual[:-1], dual[1:], slope]
    scale = np.maximum.accumulate(np.max([_norms(term) for term in inputs], axis=0))
    telescoped = r[0] + np.concatenate([np.zeros_like(r[:1]), np.cumsum(q @ run.z[1:], axis=0)])
    r_scale = np.maximum.accumulate(np.maximum(_norms(r), _norms(q @ run.z)))

    ones = np.full(topo.n, 1 / np.sqrt(topo.n))
    lemma3 = max(
        float(np.linalg.norm(q @ ones) / roots[-1]), float(np.linalg.norm(q @ q - topo.L_minus / 2) / values[-1])
    )
    consensus = np.broadcast_to(run.minimizer, run.x.shape[1:])
    lemma5 = max(
        _ratio(float(np.linalg.norm(q @ consensus)), float(roots[-1] * np.linalg.norm(consensus))),
        _ratio(float(np.linalg.norm(ones @ r_star)), float(np.linalg.norm(r_star))),
    )
    return LemmaResiduals(
        definition=_worst(r - telescoped, r_scale),
        lemma1=_worst(wx - (spread[:-1] - dual[:-1] - slope), scale),
        lemma2=_worst(step + dual[1:] + slope, scale),
        lemma3=lemma3 if connected else np.inf,
        lemma4=_worst(step + q @ (r[1:] - r_star) + slope - slope_star, scale),
        lemma5=lemma5,
        stationarity=_ratio(
            float(np.linalg.norm(run.minimizer_gradient.sum(axis=0))),
            float(np.sqrt(topo.n) * np.linalg.norm(run.minimizer_gradient)),
        ),
    )


def _norms(batch: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("kij,kij->k", batch, batch)))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else part


def _worst(residual: Array, scale: Array) -> float:
    return float((_norms(residual) / np.maximum(scale, np.finfo(float).tiny)).max())
