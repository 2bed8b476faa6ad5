"""What rules see that judge agents by what everybody knows they said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array

if TYPE_CHECKING:
    from decon.network.links import Links

__all__ = ["BALL", "EQUIVOCATION", "EXPOSED", "NONFINITE", "PAIR", "REASONS", "PublicScreening", "Ruling", "Statement"]

EXPOSED = np.dtype(
    [
        ("k", np.int64),
        ("agent", np.int64),
        ("reason", np.int8),
        ("other", np.int64),
        ("excess", np.float64),
        ("strong_convexity", np.float64),
        ("smoothness", np.float64),
        ("gradient_bound", np.float64),
    ]
)
"""An exposed agent: the iteration, why (:data:`REASONS`), the earlier iteration that its newest claim contradicts (0
where there is none), by how many times the tolerance, and what would have excused it: the smallest range of curvatures
[ν', ℓ'] around the class's own, or a bound on ‖∇f(r)‖; NaN where it does not apply."""

REASONS = ("", "pair", "gradient bound", "not finite", "equivocation")
"""Why an agent is exposed, by number."""

PAIR, BALL, NONFINITE, EQUIVOCATION = 1, 2, 3, 4


class Statement(NamedTuple):
    """What the agents here said in an iteration, and which gradients that claims.

    Attributes
    ----------
    k : int
        Iteration, from 1.
    point, gradient : (n, N) ndarray
        Where each claims its cost to have which gradient; of no meaning where the message is improper.
    size : (n,) ndarray
        Norm of what the gradient is a difference of: rounding of the claim is relative to it.
    error : (n,) ndarray
        How far the local step stopped short of its equation, in units of a gradient.
    improper : (n,) ndarray of int or None
        What :data:`REASONS` has against the message itself: not finite or too large to compute with, or not the same
        for all neighbours; 0 where nothing. None where all are proper.
    present : (n,) ndarray of bool or None
        Whether the agent has a link in use; None where all have.
    """

    k: int
    point: Array
    gradient: Array
    size: Array
    error: Array
    improper: NDArray[np.int8] | None = None
    present: NDArray[np.bool_] | None = None


class Ruling(NamedTuple):
    """What a public rule decides.

    Attributes
    ----------
    exposed : (n,) ndarray of bool
        Agents here to be cut off by everyone.
    anyone : bool
        Whether anybody is, on any rank.
    restart : (n, N) ndarray or None
        Where everyone starts again if somebody is cut; None goes on from where they are.
    state : object
        The rule's memory.
    """

    exposed: NDArray[np.bool_]
    anyone: bool
    restart: Array | None
    state: Any


class PublicScreening(Protocol):
    """A rule on agents instead of links: everybody comes to the same verdict, and cuts are announced."""

    readmits: bool

    def start(self, links: Links, x0: Array) -> Any:
        """Return the rule's memory before the first iteration."""

    def judge(self, links: Links, said: Statement, held: Any) -> Ruling:
        """Judge one iteration's statements; mutates nothing."""
