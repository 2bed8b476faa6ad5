"""P1's profiling rule: alarm (29), leave-one-out vector (30), score and criterion (31), all within one star."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from decon.costs.base import Array, row_sums
from decon.network.deviation import deviations
from decon.network.links import Links
from decon.network.segments import arcs_of, segment_median
from decon.screens.protocol import Inbox, Verdict

__all__ = ["Bench", "Stars", "begin", "judge", "star_deviation"]

_CALM = 3
"""Iterations within the threshold before a severed link is tried again."""
_ROUNDING = 1.0 + 1e-6
"""What rounding may take off the bound on dev_i."""
_BLOCK = 1 << 15
"""About as many arcs are worked on at a time, so that temporary arrays stay in the cache."""


@dataclass(frozen=True, eq=False)
class Bench:
    """Of each severed link: iterations of good behaviour, iterations away, severances so far; (arcs,) each."""

    calm: NDArray[np.int64]
    away: NDArray[np.int64]
    relapses: NDArray[np.int64]


def begin(links: Links) -> Bench:
    """Return the memory before the first iteration."""
    none = np.zeros(len(links.receivers), dtype=np.int64)
    return Bench(none, none, none)


class Stars(NamedTuple):
    """Some agents with all their arcs, the agents numbered from 0 on.

    Attributes
    ----------
    receivers : (arcs,) ndarray of int, ascending
    own : (n, N) ndarray
    messages : (arcs, N) ndarray
    active : (arcs,) ndarray of bool
    """

    receivers: NDArray[np.int64]
    own: Array
    messages: Array
    active: NDArray[np.bool_]


def star_deviation(stars: Stars) -> tuple[Array, Array]:
    """Return (n,) dev_i of (29) and (arcs,) dev_ij of (30), over the links in use.

    Both are variances around a mean, taken relative to z_i: with g_j = z_j - z_i over d neighbours and T their sum,
    2 dev_i = Σ‖g_j‖² - (d+2)/(d+1)² ‖T‖², of which at least a part 1/(d+1)² is left, so that little cancels. dev_ij of
    an agent's only neighbour is dev_i: there is nobody to compare with.

    Examples
    --------
    >>> z = np.array([[0.0], [0.0], [0.0], [4.0]])
    >>> dev, without = star_deviation(Stars(np.array([0, 0, 0]), z[:1], z[1:], np.ones(3, dtype=bool)))
    >>> float(dev[0]), without.tolist()
    (5.5, [4.0, 4.0, 0.0])
    """
    receivers, own, messages, active = stars
    ends = np.concatenate([[0], np.cumsum(np.bincount(receivers, minlength=len(own)))])
    sums = sp.csr_array((np.ones(len(receivers)), np.arange(len(receivers)), ends), shape=(len(own), len(receivers)))
    gap = messages - own.take(receivers, axis=0, mode="clip")
    if not active.all():
        gap[~active] = 0.0
    count = sums @ active.astype(float)
    total = sums @ gap
    squares = row_sums(np.square(gap))
    whole = sums @ squares
    mine = row_sums(np.square(total)) * (count + 2.0) / (count + 1.0) ** 2  # z_i itself is one of the values
    dev = 0.5 * (whole - mine)
    others = count - 1.0
    gap -= total.take(receivers, axis=0, mode="clip")
    without = (0.5 * whole).take(receivers)
    without -= 0.5 * squares
    without -= row_sums(np.square(gap)) * (0.5 / np.maximum(others, 1.0)).take(receivers)
    return dev, np.where((others > 0).take(receivers), np.maximum(without, 0.0), dev.take(receivers))


def _mean_score(stars: Stars) -> tuple[Array, Array]:
    dev, without = star_deviation(stars)
    scale = dev.take(stars.receivers)
    return dev, 1.0 - np.divide(without, scale, out=np.ones_like(without), where=scale > 0)


def _median_score(stars: Stars) -> tuple[Array, Array]:
    """Return dev_i and 1 - MAD_i / ‖z_j - med_i‖; the neighbourhood holds agent i itself."""
    receivers, n = stars.receivers, len(stars.own)
    whose = np.concatenate([receivers, np.arange(n)])
    used = np.concatenate([stars.active, np.ones(n, dtype=bool)])
    order = np.argsort(whose, kind="stable")
    whose, used = whose[order], used[order]
    values = np.concatenate([stars.messages, stars.own]).take(order, axis=0)
    centre = np.stack([segment_median(whose, column, used, n) for column in values.T], axis=1)
    spread = segment_median(whose, deviations(whose, centre, values), used, n)
    away = deviations(receivers, centre, stars.messages)
    dev, _ = star_deviation(stars)
    return dev, 1.0 - np.divide(spread.take(receivers), away, out=np.ones_like(away), where=away > 0)


def judge(
    links: Links,
    inbox: Inbox,
    held: Bench,
    threshold: float,
    score: str,
    score_threshold: float,
    patience: int | None,
) -> Verdict:
    """Judge one iteration's messages after the warm-up."""
    receivers, active = links.receivers, inbox.active
    lengths = inbox.deviation
    guilty = np.zeros(len(active), dtype=bool)
    # dev_i is at most half the sum of squares around z_i: most agents need no look at (29) and (30) at all
    squares = np.square(lengths if active.all() else np.where(active, lengths, 0.0))
    bound = np.sqrt(0.5 * links.arc_sum(squares)) * _ROUNDING
    suspicious = np.flatnonzero(bound > threshold)
    count = max(1, _BLOCK * links.n // len(receivers)) if suspicious.size else 1
    for first in range(0, len(suspicious), count):
        agents = suspicious[first : first + count]
        arcs, place = arcs_of(receivers, agents)
        stars = Stars(place, inbox.own[agents], inbox.messages[arcs], active[arcs])
        dev, scores = (_mean_score if score == "mean" else _median_score)(stars)
        alarm: NDArray[np.bool_] = np.sqrt(dev) > threshold
        guilty[arcs] = stars.active & alarm[stars.receivers] & (scores > score_threshold)
    keep = active & ~guilty
    if patience is None:
        return Verdict(keep, held)
    near = inbox.finite & (lengths <= threshold)
    calm = np.where(near, held.calm + 1, 0)
    away = np.where(active, 0, held.away + 1)
    ready = ~active & (calm >= _CALM) & (away >= patience * 2.0 ** np.clip(held.relapses - 1, 0, 40))
    return Verdict(keep | ready, Bench(calm, away, held.relapses + guilty))
