"""Attacks tuned to the honest agents' mean and spread: quiet, opposed, and agreed upon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decon.attacks.base import Attack, View
from decon.costs.base import Array
from decon.options import NOT_NEGATIVE, NUMBER, option, or_none, whole
from decon.streams import stream

__all__ = ["ALIE", "Colluding", "InnerProduct"]


@dataclass(frozen=True)
class ALIE(Attack):
    r"""A little is enough: all send mean - strength · std of the honest agents, entry by entry.

    Parameters
    ----------
    strength : float, optional
        In standard deviations. Unless given it is the paper's :math:`\Phi^{-1}\big((n - b - s)/(n - b)\big)` with
        :math:`s = \lfloor n/2 + 1\rfloor - b` honest supporters needed for a majority, and 0 where that is negative.

    References
    ----------
    .. [1] Baruch, Baruch, Goldberg (2019). A little is enough. NeurIPS, Algorithm 3.

    Examples
    --------
    >>> round(ALIE.paper_strength(50, 24), 2)
    1.43
    """

    strength: float | None = option(or_none(NUMBER), None)

    @staticmethod
    def paper_strength(n: int, byzantine: int) -> float:
        """Return the paper's number of standard deviations for ``byzantine`` liars among ``n`` agents."""
        from scipy.special import ndtri  # slow to import, and nothing else in a quadratic study needs it

        supporters = n // 2 + 1 - byzantine
        return max(0.0, float(ndtri((n - byzantine - supporters) / (n - byzantine))))

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return the same quiet outlier from all."""
        size = self.paper_strength(view.topo.n, len(view.byzantine)) if self.strength is None else self.strength
        return np.broadcast_to(view.honest_mean - size * view.honest_std, view.own.shape)


@dataclass(frozen=True)
class InnerProduct(Attack):
    """Inner-product manipulation: all send -scale · mean of the honest agents.

    References
    ----------
    .. [1] Xie, Koyejo, Gupta (2019). Fall of empires. UAI, section 4.
    """

    scale: float = option(NUMBER, 1.0)

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return -scale · mean."""
        return np.broadcast_to(-self.scale * view.honest_mean, view.own.shape)


@dataclass(frozen=True)
class Colluding(Attack):
    """All send one and the same value: the honest mean + N(mean, std²), drawn once for all of them.

    Parameters
    ----------
    mean, std : float
        In units of x.
    direction : int, optional
        Seed of a draw that stays the same through the run; a new draw at each iteration unless given.

    Raises
    ------
    OptionError
        If ``direction`` is negative or no integer.
    """

    mean: float = option(NUMBER, 0.0)
    std: float = option(NOT_NEGATIVE, 1.0)
    direction: int | None = option(or_none(whole(0)), None)

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return the value they agreed upon."""
        source = rng if self.direction is None else stream(self.direction, "colluding")
        agreed = view.honest_mean + source.normal(self.mean, self.std, view.own.shape[1])
        return np.broadcast_to(agreed, view.own.shape)
