"""P1's profiling rule: alarm (29), leave-one-out vector (30), score and criterion (31), all within one star."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.links import Links
from decon.screening import Inbox, Verdict
from decon.segments import segment_median

__all__ = ["Bench", "begin", "judge", "star_deviation"]

_CALM = 3
"""Iterations within the threshold before a severed link is tried again."""


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


def star_deviation(links: Links, own: Array, messages: Array, active: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return (n,) dev_i of (29) and (arcs,) dev_ij of (30), over the links in use.

    Both are variances around a mean, taken relative to z_i so that nothing large cancels. dev_ij of an agent's only
    neighbour is dev_i: there is nobody to compare with.

    Examples
    --------
    >>> import networkx as nx
    >>> from decon.links import LocalLinks
    >>> from topologies import Topology
    >>> links = LocalLinks(Topology(nx.star_graph(3)))
    >>> z = np.array([[0.0], [0.0], [0.0], [4.0]])
    >>> dev, without = star_deviation(links, z, links.broadcast(z), np.ones(6, dtype=bool))
    >>> float(dev[0]), without[:3].tolist()
    (5.5, [4.0, 4.0, 0.0])
    """
    receivers = links.receivers
    gap = np.where(active[:, None], messages - own[receivers], 0.0)
    count = links.arc_sum(active.astype(float))
    total = links.arc_sum(gap)
    squares = np.einsum("ij,ij->i", gap, gap)
    centre = total / (count + 1.0)[:, None]  # m_i - z_i: z_i itself is one of the values
    away = gap - centre[receivers]
    dev = 0.5 * links.arc_sum(np.einsum("ij,ij->i", away, away) * active)
    others = (count - 1.0)[receivers]
    rest = total[receivers] - gap
    spread = links.arc_sum(squares)[receivers] - squares
    without = 0.5 * (spread - np.einsum("ij,ij->i", rest, rest) / np.maximum(others, 1.0))
    return dev, np.where(others > 0, np.maximum(without, 0.0), dev[receivers])


def _mean_score(links: Links, inbox: Inbox) -> tuple[Array, Array]:
    dev, without = star_deviation(links, inbox.own, inbox.messages, inbox.active)
    scale = dev[links.receivers]
    return dev, np.where(scale > 0, 1.0 - without / np.where(scale > 0, scale, 1.0), 0.0)


def _median_score(links: Links, inbox: Inbox) -> tuple[Array, Array]:
    """Return dev_i and 1 - MAD_i / ‖z_j - med_i‖; the neighbourhood holds agent i itself."""
    receivers, n = links.receivers, links.n
    whose = np.concatenate([receivers, np.arange(n)])
    used = np.concatenate([inbox.active, np.ones(n, dtype=bool)])
    order = np.argsort(whose, kind="stable")
    whose, used = whose[order], used[order]
    values = np.concatenate([inbox.messages, inbox.own])[order]
    centre = np.stack([segment_median(whose, column, used, n) for column in values.T], axis=1)
    spread = segment_median(whose, np.linalg.norm(values - centre[whose], axis=1), used, n)
    away = np.linalg.norm(inbox.messages - centre[receivers], axis=1)
    dev, _ = star_deviation(links, inbox.own, inbox.messages, inbox.active)
    return dev, np.where(away > 0, 1.0 - spread[receivers] / np.where(away > 0, away, 1.0), 0.0)


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
    dev, scores = (_mean_score if score == "mean" else _median_score)(links, inbox)
    alarm: NDArray[np.bool_] = (np.sqrt(dev) > threshold)[receivers]
    guilty = active & alarm & (scores > score_threshold)
    keep = active & ~guilty
    if patience is None:
        return Verdict(keep, held)
    near = inbox.finite & (np.linalg.norm(inbox.messages - inbox.own[receivers], axis=1) <= threshold)
    calm = np.where(near, held.calm + 1, 0)
    away = np.where(active, 0, held.away + 1)
    ready = ~active & (calm >= _CALM) & (away >= patience * 2.0 ** np.clip(held.relapses - 1, 0, 40))
    return Verdict(keep | ready, Bench(calm, away, held.relapses + guilty))
