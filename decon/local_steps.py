"""The local step: how an agent turns its neighbours' pull into its next update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from decon.costs.base import Array, Costs

__all__ = ["Exact", "LocalStep", "Update"]


class Update(NamedTuple):
    """A local step's outcome: the true updates x⁺ (n, N), and ∇f(x⁺) where it comes for free."""

    x: Array
    gradient: Array | None


class LocalStep(Protocol):
    """Minimise f_i(x) + Σ_j [(β_ij/2)‖x - z_i‖² - ⟨2η_ij - η⁻_ij, x⟩], exactly or not (docs/theory.md, section 1)."""

    @property
    def keeps_falsified(self) -> bool:
        """Whether a falsifying agent's own recursion uses what it broadcast (P1) or its true update (P2)."""

    def __call__(self, costs: Costs, x: Array, own: Array, pull: Array, weight: Array, k: int, seed: int) -> Update:
        """Return the updates of iteration ``k`` (from 1).

        Parameters
        ----------
        costs : Costs
        x : (n, N) ndarray
            Last true updates.
        own : (n, N) ndarray
            Each agent's own last broadcast z_i.
        pull : (n, N) ndarray
            Σ_j (2η_ij - η⁻_ij).
        weight : (n,) ndarray
            Σ_j β_ij over the links in use.
        k, seed : int
            Key of the random draws.
        """


@dataclass(frozen=True)
class Exact:
    """The exact local step of P1 (5): one prox of f_i.

    Examples
    --------
    >>> import numpy as np
    >>> from decon.costs import Quadratic
    >>> zero = np.zeros((1, 1))
    >>> Exact()(Quadratic([[[1.0]]], [[3.0]]), zero, zero, zero, np.array([2.0]), 1, 0).x
    array([[1.]])
    """

    keeps_falsified = True

    def __call__(self, costs: Costs, x: Array, own: Array, pull: Array, weight: Array, k: int, seed: int) -> Update:
        """Return argmin and, from its optimality condition, the gradient there."""
        linear = weight[:, None] * own
        linear += pull
        update = costs.prox(linear, weight, x)
        linear -= weight[:, None] * update
        return Update(update, linear)
