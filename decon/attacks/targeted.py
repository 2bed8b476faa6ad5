"""Attacks made for each receiver: against its neighbourhood's consensus, and just under its threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decon.attacks.base import Attack, View
from decon.costs.base import Array
from decon.options import NUMBER, POSITIVE, Kind, is_number, option

__all__ = ["Dissensus", "Stealth"]

_UNDER = 0.99
"""Share of the threshold a stealthy message uses: rounding of x + t·u - x must not lift it over."""

_UP_TO_ONE = Kind("a number above 0 and up to 1", lambda value: is_number(value) and 0 < value <= 1)


@dataclass(frozen=True)
class Dissensus(Attack):
    r"""Push every neighbour i away from its honest neighbours' consensus, at strength 1 just cancelling their pull.

    Sent to i by each of its falsifying neighbours:
    :math:`x_i - \text{strength}\,\sum_{k\in N_i\cap H} w_{ik}(x_k - x_i)\,/\,\sum_{j\in N_i\cap B} w_{ij}`.

    Parameters
    ----------
    strength : float
        In units of the honest pull.

    References
    ----------
    .. [1] He, Karimireddy, Jaggi (2022). Byzantine-robust decentralized learning via ClippedGossip.
       arXiv:2202.01545, section 6.
    """

    strength: float = option(NUMBER, 1.5)

    @property
    def per_arc(self) -> bool:
        """Each neighbour gets a message of its own."""
        return True

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return one row an outgoing arc."""
        targets = view.topo.receivers[view.outgoing]
        weights = view.topo.adjacency[targets]
        liars = weights[:, view.byzantine].sum(axis=1)
        near = np.setdiff1d(weights.indices, view.byzantine)
        pull = weights[:, near]
        here = view.rows(targets)
        drift = pull @ view.rows(near) - pull.sum(axis=1)[:, None] * here
        return np.asarray(here - self.strength * drift / liars[:, None])


@dataclass(frozen=True)
class Stealth(Attack):
    r"""Stay just under a known threshold on ‖z_j - z_i‖: to receiver i goes z_i + 0.99·threshold·ratio^k·u.

    u is one unit vector for all, the direction of the honest mean (the first axis while that is zero): away from zero,
    and so away from the minimiser on the same side at every receiver and iteration. With ``ratio`` 1 the errors add up
    in the duals for ever. Below 1 they sum to a finite total, and that total stays: the liar's own duals know nothing
    of these messages, so they are not the z = x + e of P1's Corollary 1, and the run ends at the wrong point with
    Σ_i ∇f_i(x) = c Σ_arcs w Σ_k e^k (docs/theory.md, section 8).

    Parameters
    ----------
    threshold : float
        C > 0, in units of x.
    ratio : float
        ρ in (0, 1]; the threshold known to the attacker is C ρ^k.

    Raises
    ------
    OptionError
        If either is out of range.
    """

    threshold: float = option(POSITIVE, 1.0)
    ratio: float = option(_UP_TO_ONE, 1.0)

    @property
    def per_arc(self) -> bool:
        """Each neighbour gets a message of its own."""
        return True

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return one row an outgoing arc."""
        size = float(np.linalg.norm(view.honest_mean))
        first = np.eye(1, view.own.shape[1])[0]
        outward = view.honest_mean / size if size > 0 else first
        step = _UNDER * self.threshold * self.ratio**view.k
        return np.asarray(view.rows(view.topo.receivers[view.outgoing]) + step * outward)
