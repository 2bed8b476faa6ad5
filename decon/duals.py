"""Two stores of the duals: summed at each agent, or one on every arc."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.links import Links

__all__ = ["Duals", "arc_start", "arc_step", "node_start", "node_step"]


class Duals(NamedTuple):
    """The duals after a dual step, and all that the next local step needs of them.

    Attributes
    ----------
    values : (n, N) or (arcs, N) ndarray
        Σ_j η_ij = -α_i in node form, η_ij in arc form.
    pull : (n, N) ndarray
        Σ_j (2η_ij - η⁻_ij).
    """

    values: Array
    pull: Array


def node_step(links: Links, penalty: float, values: Array, own: Array, z: Array) -> Duals:
    """Advance Σ_j η_ij by c(A z - D own): P1 (7) with α = -Σ_j η; needs λ = ∞ and one broadcast an agent."""
    gap = links.neighbour_sum(z)
    gap -= links.degrees[:, None] * own
    gap *= penalty
    after = values + gap
    gap += after
    return Duals(after, gap)


def node_start(links: Links, penalty: float, alpha: Array, x: Array) -> Duals:
    """Return the duals before the first iteration, from α⁰ and z⁰ = x⁰."""
    gap = penalty * (links.neighbour_sum(x) - links.degrees[:, None] * x)
    return Duals(-alpha, gap - alpha)


def arc_step(
    links: Links,
    penalty: float,
    bound: float,
    values: Array,
    own: Array,
    messages: Array,
    active: NDArray[np.bool_] | None,
) -> Duals:
    """Advance η_ij to clip(η_ij + c w_ij (m - own_i), -λ, λ), P2 (15), (16), (21); inactive arcs hold zero."""
    after = messages - own[links.receivers]
    after *= (penalty * links.arc_weights)[:, None]
    after += values
    if np.isfinite(bound):
        np.nan_to_num(after, copy=False, nan=0.0, posinf=bound, neginf=-bound)
        np.clip(after, -bound, bound, out=after)
    if active is not None:
        after[~active] = 0.0
        values = np.where(active[:, None], values, 0.0)
    return Duals(after, links.arc_sum(2.0 * after - values))


def arc_start(links: Links, penalty: float, values: Array, x: Array) -> Duals:
    """Return the duals before the first iteration, from η⁰ and z⁰ = x⁰, so that edge values are edge means."""
    gap = (links.broadcast(x) - x[links.receivers]) * (penalty * links.arc_weights)[:, None]
    return Duals(values, links.arc_sum(values + gap))
