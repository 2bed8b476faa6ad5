"""Two stores of the duals: summed at each agent, or one on every arc."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, row_sums
from decon.network.links import Links

__all__ = ["Duals", "arc_start", "arc_step", "arc_sums", "node_start", "node_step"]


_BLOCK = 1 << 17
"""Entries of the arcs' arrays that are worked on at a time: they stay in the cache, and no temporary is larger."""
_EVEN = 64
"""Where sums along rows are asked for, their number in a block is a multiple of this, so that none depends on where a
block ends."""


class Duals(NamedTuple):
    """The duals after a dual step, and all that the next local step needs of them.

    Attributes
    ----------
    values : (arcs, N) or (n, N) ndarray
        η_ij in arc form, the total in node form.
    total : (n, N) ndarray
        Σ_j η_ij = -α_i.
    linear : (n, N) ndarray
        Σ_j (2η_ij - η⁻_ij + β_ij z_i), what the local step's subproblem pairs with x; if ``centred`` at the agent's
        own x_i = z_i, Σ_j (2η_ij - η⁻_ij).
    """

    values: Array
    total: Array
    linear: Array


def node_step(
    links: Links,
    penalty: float,
    total: Array,
    weighted: Array,
    z: Array,
    *,
    centred: bool,
    active: NDArray[np.bool_] | None = None,
) -> Duals:
    """Advance Σ_j η_ij by c(A z - D own): P1 (7) with α = -Σ_j η; needs λ = ∞ and one broadcast an agent.

    ``weighted`` is 2cD own. It drops out of the linear term, which is Σ_j η⁻_ij + 2cA z unless it is centred.
    """
    after = links.neighbour_sum(z, active)
    after *= 2.0 * penalty
    if centred:
        after -= weighted
    linear = total + after
    if not centred:
        after -= weighted
    after *= 0.5
    after += total
    return Duals(after, after, linear)


def node_start(
    links: Links,
    penalty: float,
    alpha: Array,
    weight: Array,
    x: Array,
    *,
    centred: bool,
    active: NDArray[np.bool_] | None = None,
) -> Duals:
    """Return the duals before the first iteration, from α⁰ and z⁰ = x⁰: P1 (6) starts from cL₊ z⁰ - α⁰."""
    linear = penalty * links.neighbour_sum(x, active)
    linear += (-0.5 if centred else 0.5) * weight[:, None] * x
    linear -= alpha
    total = -alpha
    return Duals(total, total, linear)


def arc_step(
    links: Links,
    penalty: float,
    bound: float,
    values: Array,
    own: Array,
    messages: Array,
    lengths: Array | None = None,
) -> Array:
    """Advance η_ij to clip(η_ij + c w_ij (m - own_i), -λ, λ), P2 (15), (16), (21), as if all arcs were active.

    Where no rule judges them, messages are nobody's memory, and their array becomes that of the duals: the step is
    bound by how much memory it touches. For a rule, ‖m - own_i‖ is written into ``lengths`` (arcs,) on the way.
    """
    after = messages if lengths is None else np.empty_like(values)
    count = max(1, _BLOCK // values.shape[1])
    if lengths is not None:
        count = -(-count // _EVEN) * _EVEN
    for first in range(0, len(values), count):
        here = slice(first, first + count)
        rows = own.take(links.receivers[here], axis=0, mode="clip")  # they are in range: no need to look
        new = np.subtract(messages[here], rows, out=after[here])
        if lengths is not None:
            np.sqrt(row_sums(np.square(new, out=rows)), out=lengths[here])
        new *= (penalty * links.arc_weights[here])[:, None]
        new += values[here]
        if np.isfinite(bound):
            np.clip(new, -bound, bound, out=new)  # takes infinities, lets NaN through
            flat = new.ravel()
            if np.isnan(flat @ flat):
                np.nan_to_num(new, copy=False, nan=0.0)
    return after


def arc_sums(
    links: Links,
    values: Array,
    total: Array,
    weight: Array,
    own: Array,
    active: NDArray[np.bool_] | None,
    *,
    centred: bool,
) -> Duals:
    """Return all that follows from the advanced ``values``, of which inactive arcs are set to zero.

    ``total`` is Σ_j η_ij of the values before over the active arcs.
    """
    if active is not None and not active.all():
        values[np.flatnonzero(~active)] = 0.0
    total_after = links.arc_sum(values)
    linear = 2.0 * total_after
    linear -= total
    if not centred:
        linear += weight[:, None] * own
    return Duals(values, total_after, linear)


def arc_start(
    links: Links,
    penalty: float,
    values: Array,
    weight: Array,
    x: Array,
    *,
    centred: bool,
    active: NDArray[np.bool_] | None = None,
) -> Duals:
    """Return the duals before the first iteration, from η⁰ and z⁰ = x⁰, so that edge values are edge means."""
    gap = (links.broadcast(x) - x[links.receivers]) * (penalty * links.arc_weights)[:, None]
    if active is not None:
        gap[~active] = 0.0
    linear = links.arc_sum(values + gap)
    if not centred:
        linear += weight[:, None] * x
    return Duals(values, links.arc_sum(values), linear)
