"""The scale-free rule behind ``Profiling()``: a link is severed when evidence that it does not settle has piled up.

docs/profiling.md derives it and says what each constant is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.links import Links
from decon.screening import Inbox, Verdict
from decon.segments import segment_quantile

__all__ = ["Evidence", "begin", "judge"]

_MARGIN = 10.0
"""Deviations up to this many times the initial scale are what honest agents with different data may show."""
_OUTLIER = 3.0
"""A deviation this many times what quiet neighbours show stands out."""
_QUIET = 0.25
"""The quiet neighbours: the lower quartile, so that an agent may have more liars than honest neighbours."""
_FADE = 0.8
"""Quiet neighbours are remembered at this rate, so that a chance meeting of two values does not make one an outlier."""
_LIMIT = 12.0
"""Units of evidence that sever a link; a unit is one iteration of loud misbehaviour."""
_HEAD = 6.0
"""Evidence held against a link that is tried again although its neighbour stands elsewhere."""
_SLOW = 0.5
"""Evidence of an iteration in which a link does not settle but stands out no more than others."""
_FORGIVE = 0.5
"""Evidence taken back in an iteration in which the link settles."""
_SETTLED = 3.0
"""A link settles when its deviation has fallen to this part of its own decaying peak."""
_LEVEL, _LEAST = 3.0, 0.2
"""Evidence counts in full from this many initial scales on, and never less than the second number: a small
deviation does little harm and may be the wave that another link's severance sends through the network."""
_CALM = 6
"""Iterations of good behaviour before a severed link is tried again."""
_SMOOTH = 0.25
"""A neighbour that stands elsewhere is calm when it moves at most this part of its deviation in an iteration."""
_MOVES = 2.0
"""One that stands near is calm when it moves at most this many times as much as the receiver does."""
_WAIT, _BACKOFF = 8.0, 4.0
"""A severed link waits 8 · 4^relapses iterations. A factor of four leaves the network three quarters of the time
between two trials of a liar undisturbed; doubling would leave half."""
_ROUNDING = 1e-10
"""Deviations below this part of the values and of the initial scale are not judged."""
_LEAST_RATE, _UNKNOWN_RATE = 0.8, 0.98
"""The honest agents' graph may be slower than the whole graph that is certified; and what is taken without a rate."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The rule's memory; everything on an arc is held by its receiver.

    Attributes
    ----------
    rate : float
        ρ, of honest convergence.
    scale : (arcs,) ndarray or None
        The receiver's initial scale S_i, in units of x; None before the first messages.
    threshold : (arcs,) ndarray
        C ρ_s^k, in units of x.
    stirred : (n,) ndarray
        Decaying peak of each agent's own movement, in units of x.
    peak, quiet : (arcs,) ndarray
        Slowly and quickly decaying peaks of the deviation.
    weight : (arcs,) ndarray
        Evidence against the neighbour.
    calm, away, relapses : (arcs,) ndarray of int
        Iterations of good behaviour, iterations since the link was severed, and severances so far.
    messages, own, active : ndarray
        Of the last iteration.
    tolerance : (arcs,) ndarray
        The largest deviation that raised no alarm in the last iteration.
    """

    rate: float
    scale: Array | None
    threshold: Array
    stirred: Array
    peak: Array
    quiet: Array
    weight: Array
    calm: NDArray[np.int64]
    away: NDArray[np.int64]
    relapses: NDArray[np.int64]
    messages: Array
    own: Array
    active: NDArray[np.bool_]
    tolerance: Array


def begin(links: Links, rate: float | None) -> Evidence:
    """Return the memory before the first iteration."""
    arcs = len(links.receivers)
    zero, none, nothing = np.zeros(arcs), np.zeros(arcs, dtype=np.int64), np.zeros((0, 0))
    return Evidence(
        rate=max(rate if rate is not None and rate < 1 else _UNKNOWN_RATE, _LEAST_RATE),
        scale=None,
        threshold=zero,
        stirred=np.zeros(links.n),
        peak=zero,
        quiet=zero,
        weight=zero,
        calm=none,
        away=none,
        relapses=none,
        messages=nothing,
        own=nothing,
        active=np.ones(arcs, dtype=bool),
        tolerance=zero,
    )


def judge(links: Links, inbox: Inbox, held: Evidence) -> Verdict:
    """Judge one iteration's messages."""
    receivers, active, finite = links.receivers, inbox.active, inbox.finite
    decay, memory = 1.0 - (1.0 - held.rate) / 2, 1.0 - (1.0 - held.rate) / 4
    deviation = _norms(inbox.messages - inbox.own[receivers])
    deviation[~finite] = 0.0
    if held.scale is None:
        scale = _finite(segment_quantile(receivers, deviation, finite, links.n, _QUIET))[receivers]
        threshold, stirred = _MARGIN * scale, held.stirred
        moved = np.full(len(receivers), np.inf)
    else:
        scale, threshold = held.scale, decay * held.threshold
        stirred = np.maximum(decay * held.stirred, _norms(inbox.own - held.own))
        ceiling = np.zeros(links.n)
        ceiling[receivers] = _MARGIN * scale
        stirred = np.minimum(stirred, ceiling)
        moved = _norms(inbox.messages - held.messages)
    floor = _ROUNDING * (scale + _norms(inbox.own)[receivers])
    own_motion = np.maximum(stirred[receivers], floor)
    tolerance = np.maximum(threshold, own_motion)
    back, lost = active & ~held.active, held.active & ~active
    quiet, peak = np.maximum(deviation, _FADE * held.quiet), np.maximum(deviation, memory * held.peak)
    peak = np.where(back, deviation, peak)
    usual = segment_quantile(receivers, quiet, active, links.n, _QUIET)[receivers]

    alarm = deviation > tolerance
    threshold = np.where(back, np.maximum(threshold, deviation), threshold)
    relapses = held.relapses + lost
    outlier = deviation > _OUTLIER * usual
    loud = deviation > (2.0 if held.scale is None else 1.0) * _MARGIN * scale + floor
    unsettled = alarm & (deviation > peak / _SETTLED)
    level = np.clip(deviation, _LEAST * _LEVEL * scale, _LEVEL * scale)
    clock = np.where(alarm & (scale > 0), level / np.where(scale > 0, _LEVEL * scale, 1.0), 1.0)
    before = np.where(back, np.where(alarm, _HEAD, 0.0), np.where(lost, 0.0, held.weight))
    weight = before + clock * np.where(unsettled, np.where(outlier | loud, 1.0, _SLOW), -_FORGIVE)
    weight = np.clip(weight, 0.0, _LIMIT + 3.0)
    guilty = alarm & ((outlier & loud) | (weight >= _LIMIT))

    near = (deviation <= np.maximum(threshold, floor)) | (~outlier & np.isfinite(usual))
    still = (near & (moved <= _MOVES * own_motion)) | (moved <= _SMOOTH * deviation)
    calm = np.where(finite & ~loud & still, held.calm + 1, 0)
    away = np.where(active, 0, held.away + 1)
    ready = ~active & (away >= _WAIT * _BACKOFF ** np.minimum(relapses, 20)) & (calm >= _CALM)
    if ready.any():  # an agent all alone tries the neighbours nearest to itself first
        nearest = segment_quantile(receivers, deviation, ready, links.n, 0.0)[receivers]
        ready &= _in_touch(links, active) | (deviation <= 2.0 * nearest)

    keep = ((active & ~guilty) | ready) & finite
    return Verdict(
        keep,
        Evidence(
            held.rate,
            scale,
            threshold,
            stirred,
            peak,
            quiet,
            weight,
            calm,
            away,
            relapses,
            inbox.messages,
            inbox.own,
            active,
            tolerance,
        ),
    )


def _in_touch(links: Links, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (arcs,) whether the arc's receiver has any link in use."""
    return np.asarray((np.bincount(links.receivers, active, minlength=links.n) > 0)[links.receivers])


def _norms(rows: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, 0.0)
