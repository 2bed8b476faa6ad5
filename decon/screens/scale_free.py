"""The scale-free rule behind ``Profiling()``: a link is severed when evidence that it does not settle has piled up.

docs/profiling.md derives it and says what each constant is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, row_sums
from decon.network.links import Links
from decon.network.segments import arcs_of, segment_median, segment_quantile
from decon.screens.protocol import Inbox, Verdict

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
_SMOOTH = 0.1
"""A neighbour that stands elsewhere is calm when it moves at most this part of its deviation in an iteration, a quarter
of that after each relapse: an honest agent that was cut off comes to rest, noise around a lie does not."""
_MOVES = 2.0
"""One that stands near is calm when it moves at most this many times as much as the receiver does."""
_WAIT, _BACKOFF = 8.0, 4.0
"""A severed link waits 8 · 4^relapses iterations. A factor of four leaves the network three quarters of the time
between two trials of a liar undisturbed; doubling would leave half."""
_ROUNDING = 1e-10
"""Deviations below this part of the values and of the initial scale are not judged."""
_BLOCK = 1 << 13
"""Arcs worked on at a time, so that they stay in the cache."""
_LEAST_RATE, _UNKNOWN_RATE = 0.8, 0.98
"""The honest agents' graph may be slower than the whole graph that is certified; and what is taken without a rate."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The rule's memory; everything on an arc is held by its receiver.

    Attributes
    ----------
    rate : float
        ρ, of honest convergence.
    reach : (arcs,) ndarray
        How many times farther than its receiver a neighbour may honestly jump, by their degrees.
    scale : (n,) ndarray or None
        Each agent's initial scale S_i, in units of x; None before the first messages.
    pace : float
        ρ_s^(k-1), by which thresholds have decayed.
    lifted : (arcs,) ndarray or None
        Decaying thresholds of links that were taken back, in units of x; None before the first.
    stirred : (n,) ndarray
        Decaying peak of each agent's own movement, in units of x.
    peak, quiet : (arcs,) ndarray
        Slowly and quickly decaying peaks of the deviation.
    weight : (arcs,) ndarray
        Evidence against the neighbour.
    calm, away, relapses : (arcs,) ndarray of int
        Iterations of good behaviour while severed, iterations since the link was severed, and severances so far.
    active : (arcs,) ndarray of bool
        Links in use in the last iteration.
    messages : (m, N) ndarray
        Its messages on the m others, in the order of arcs.
    """

    rate: float
    reach: Array
    scale: Array | None
    pace: float
    lifted: Array | None
    stirred: Array
    peak: Array
    quiet: Array
    weight: Array
    calm: NDArray[np.int32]
    away: NDArray[np.int32]
    relapses: NDArray[np.int32]
    active: NDArray[np.bool_]
    messages: Array


def begin(links: Links, dim: int, rate: float | None) -> Evidence:
    """Return the memory before the first iteration."""
    arcs = len(links.receivers)
    zero, none = np.zeros(arcs), np.zeros(arcs, dtype=np.int32)
    mine = links.degrees[links.receivers]
    return Evidence(
        rate=max(rate if rate is not None and rate < 1 else _UNKNOWN_RATE, _LEAST_RATE),
        reach=np.maximum(mine / links.exchange(mine), 1.0),
        scale=None,
        pace=1.0,
        lifted=None,
        stirred=np.zeros(links.n),
        peak=zero,
        quiet=zero,
        weight=zero,
        calm=none,
        away=none,
        relapses=none,
        active=np.ones(arcs, dtype=bool),
        messages=np.zeros((0, dim)),
    )


def judge(links: Links, inbox: Inbox, held: Evidence) -> Verdict:
    """Judge one iteration's messages; only links that may raise an alarm or are not in use are looked at closely."""
    decay = 1.0 - (1.0 - held.rate) / 2
    moved = _norms(inbox.own - inbox.before)
    if held.scale is None:
        scale = _initial_scale(links, inbox, moved)
        pace, stirred = 1.0, held.stirred
    else:
        scale = held.scale
        pace, stirred = decay * held.pace, np.minimum(np.maximum(decay * held.stirred, moved), _MARGIN * scale)
    floor = _ROUNDING * (scale + _norms(inbox.own))
    tolerance = np.maximum(np.maximum(_MARGIN * pace * scale, stirred), floor)
    suspect, peak, quiet, weight = _follow(links, held, inbox.deviation, tolerance)
    after = replace(
        held,
        scale=scale,
        pace=pace,
        lifted=None if held.lifted is None else decay * held.lifted,
        stirred=stirred,
        peak=peak,
        quiet=quiet,
        weight=weight,
        active=inbox.active,
        messages=inbox.messages[np.flatnonzero(~inbox.active)],
    )
    keep: NDArray[np.bool_] = inbox.active & inbox.finite
    suspect |= ~(inbox.active & held.active)  # away, or back
    close = np.flatnonzero(suspect)
    if close.size:
        after = _look(links, inbox, held, after, close, (floor, scale), keep)
    return Verdict(keep, after)


def _initial_scale(links: Links, inbox: Inbox, moved: Array) -> Array:
    """Return S_i of each agent: what quiet neighbours show, or the median if its own first step was as long.

    Of two deviations the least may be small by chance: their mean is taken. Nothing tells whether one alone is small.
    """
    shown = (links.receivers, inbox.deviation, inbox.finite, links.n)
    quiet, middle = _finite(segment_quantile(*shown, _QUIET)), _finite(segment_quantile(*shown, 0.5))
    heard = np.bincount(links.receivers, inbox.finite, minlength=links.n)
    middle = np.where(heard == 2, segment_median(*shown), np.where(heard == 1, np.inf, middle))
    return np.maximum(quiet, np.minimum(middle, moved))


def _follow(
    links: Links, held: Evidence, deviation: Array, tolerance: Array
) -> tuple[NDArray[np.bool_], Array, Array, Array]:
    """Return where the deviation exceeds its receiver's tolerance, its decaying peaks and the fading weight."""
    memory = 1.0 - (1.0 - held.rate) / 4
    suspect, weighed = np.empty(len(deviation), dtype=bool), held.weight.any()
    peak, quiet = np.empty_like(deviation), np.empty_like(deviation)
    weight = np.empty_like(deviation) if weighed else held.weight
    for first in range(0, len(deviation), _BLOCK):
        here = slice(first, first + _BLOCK)
        far, who = deviation[here], links.receivers[here]
        np.greater(far, tolerance.take(who, mode="clip"), out=suspect[here])
        for rate, old, new in ((_FADE, held.quiet, quiet), (memory, held.peak, peak)):
            np.multiply(old[here], rate, out=new[here])
            np.maximum(new[here], far, out=new[here])
        if weighed:
            np.subtract(held.weight[here], _FORGIVE, out=weight[here])
            np.maximum(weight[here], 0.0, out=weight[here])
    return suspect, peak, quiet, weight


def _look(
    links: Links,
    inbox: Inbox,
    held: Evidence,
    after: Evidence,
    close: NDArray[np.int64],
    found: tuple[Array, Array],
    keep: NDArray[np.bool_],
) -> Evidence:
    """Weigh the evidence on the arcs ``close``, into ``keep`` and the memory; ``found``: floor and S."""
    who = links.receivers[close]
    deviation, floor, active, finite = inbox.deviation[close], found[0][who], inbox.active[close], inbox.finite[close]
    scale = found[1][who] * held.reach[close]
    motion = np.maximum(after.stirred[who], floor)
    back, lost = active & ~held.active[close], held.active[close] & ~active
    threshold = _MARGIN * after.pace * scale
    if after.lifted is not None:
        threshold = np.maximum(threshold, after.lifted[close])
    alarm = deviation > np.maximum(threshold, motion)
    after.peak[close] = peak = np.where(back, deviation, after.peak[close])
    lifted = after.lifted
    if back.any():
        threshold = np.where(back, np.maximum(threshold, deviation), threshold)
        lifted = np.zeros_like(after.peak) if lifted is None else lifted
        lifted[close] = np.where(back, threshold, lifted[close])
    usual = _usual(links, after.quiet, inbox.active, who)
    relapses = held.relapses[close] + lost

    outlier = deviation > _OUTLIER * usual
    loud = deviation > (2.0 if held.scale is None else 1.0) * _MARGIN * scale + floor
    unsettled = alarm & (deviation > peak / _SETTLED)
    level = np.clip(deviation, _LEAST * _LEVEL * scale, _LEVEL * scale)
    clock = np.where(alarm & (scale > 0), level / np.where(scale > 0, _LEVEL * scale, 1.0), 1.0)
    before = np.where(back, np.where(alarm, _HEAD, 0.0), np.where(lost, 0.0, held.weight[close]))
    weight = before + clock * np.where(unsettled, np.where(outlier | loud, 1.0, _SLOW), -_FORGIVE)
    weight = np.clip(weight, 0.0, _LIMIT + 3.0)
    guilty = alarm & ((outlier & loud) | (weight >= _LIMIT))

    near = (deviation <= np.maximum(threshold, floor)) | (~outlier & np.isfinite(usual))
    # how far it moved is not known in the first iteration away, which never counts: the wait is longer than six
    moved, gone = np.full(len(close), np.inf), ~held.active[close]
    moved[gone] = _norms(inbox.messages[close[gone]] - held.messages)
    smooth = _SMOOTH * 4.0 ** -np.clip(relapses - 1.0, 0.0, 20.0)
    still = (near & (moved <= _MOVES * motion)) | (moved <= smooth * deviation)
    calm = np.where(~active & finite & ~loud & still, held.calm[close] + 1, 0)
    away = np.where(active, 0, held.away[close] + 1)
    ready = ~active & (away >= _WAIT * _BACKOFF ** np.minimum(relapses, 20)) & (calm >= _CALM)
    if ready.any():  # an agent all alone tries the neighbours nearest to itself first
        nearest = segment_quantile(who, deviation, ready, links.n, 0.0)[who]
        ready &= _in_touch(links, inbox.active)[who] | (deviation <= 2.0 * nearest)
    keep[close] = ((active & ~guilty) | ready) & finite
    fresh = np.zeros_like(held.weight) if after.weight is held.weight else after.weight
    after = replace(after, lifted=lifted, weight=_put(fresh, close, weight))
    if inbox.active.all() and held.active.all():  # nobody is away, nobody was
        return after
    return replace(
        after,
        calm=_put(np.zeros_like(held.calm), close, calm),
        away=_put(np.zeros_like(held.away), close, away),
        relapses=_put(held.relapses.copy(), close, relapses) if lost.any() else held.relapses,
    )


def _put(everywhere: NDArray[Any], close: NDArray[np.int64], here: NDArray[Any]) -> NDArray[Any]:
    """Write ``here`` at ``close``, and return the whole."""
    everywhere[close] = here
    return everywhere


def _usual(links: Links, quiet: Array, active: NDArray[np.bool_], who: NDArray[np.int64]) -> Array:
    """Return what the quiet neighbours of each of the agents ``who`` show."""
    new = np.diff(who, prepend=-1) > 0
    agents = who[new]
    arcs, theirs = arcs_of(links.receivers, agents)
    return segment_quantile(theirs, quiet[arcs], active[arcs], len(agents), _QUIET).take(np.cumsum(new) - 1)


def _in_touch(links: Links, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (n,) whether an agent has any link in use."""
    return np.asarray(np.bincount(links.receivers, active, minlength=links.n) > 0)


def _norms(rows: Array) -> Array:
    return np.asarray(np.sqrt(row_sums(np.square(rows))))


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, 0.0)
