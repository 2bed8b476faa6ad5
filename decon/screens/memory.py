"""What consistency screening remembers: few claims an agent, recent and old, in O(log K) vectors or all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, row_sums
from decon.screens.claims import Claim, Kept
from decon.screens.public import EXPOSED

__all__ = ["Memory", "fresh", "remember"]

_DOUBLING = 9
"""Claims of ages 1, 2-3, 4-7, … up to 511."""

_LONG = 2
"""Claims of ages up to 4 · 511 and 16 · 511 behind them."""

_FIRST, _BEFORE, _FAR, _POWER, _POWER_BEFORE = range(_DOUBLING + _LONG, _DOUBLING + _LONG + 5)
"""Places of the claims that are not forgotten: the first, the one before the last restart, one far from the first,
and those of the last two powers of two."""


class Memory(NamedTuple):
    """The rule's memory.

    Attributes
    ----------
    origin : (n, N) ndarray
        The public start.
    reference : (N,) ndarray
        r, where gradients are bounded.
    claims : tuple of Kept
    spread : (n,) ndarray
        ‖v - v_first‖² of the far claim, which gives way to one twice as far.
    judged : int
        Iterations judged.
    anchored : bool
        Whether a fixed number of claims is kept; otherwise all.
    free : (n,) ndarray of bool
        Who was not exposed.
    exposed : (n,) structured ndarray
        One record an agent; its ``k`` is 0 until the agent is exposed.
    """

    origin: Array
    reference: Array
    claims: tuple[Kept, ...]
    spread: Array
    judged: int
    anchored: bool
    free: NDArray[np.bool_]
    exposed: NDArray[np.void]


def fresh(origin: Array, reference: Array, *, anchored: bool) -> Memory:
    """Return the memory before anything was said; ``anchored`` keeps a fixed number of claims, otherwise all."""
    n = len(origin)
    empty = np.zeros(n), np.zeros(n)
    nothing = Kept(np.zeros(n, dtype=np.int64), np.zeros(origin.shape), np.zeros(origin.shape), empty, some=False)
    claims = (nothing,) * (_POWER_BEFORE + 1) if anchored else ()
    return Memory(
        origin, reference, claims, np.zeros(n), 0, anchored, np.ones(n, dtype=bool), np.zeros(n, dtype=EXPOSED)
    )


def remember(held: Memory, claim: Claim, fine: NDArray[np.bool_], *, restarted: bool) -> Memory:
    """Return the memory with the newest claims of the agents that are ``fine``; others' are never asked for again."""
    t, newest = held.judged + 1, claim.kept
    if not fine.all():
        newest = newest._replace(k=np.where(fine, newest.k, 0))
    if not held.anchored:
        return held._replace(claims=(*held.claims, newest), judged=t)
    claims = list(held.claims)
    for place in range(_DOUBLING + _LONG - 1, 0, -1):
        period = 2**place if place < _DOUBLING else 2 ** (_DOUBLING - 1) * 4 ** (place - _DOUBLING + 1)
        if t % period == 0:
            claims[place] = claims[place - 1]
    claims[0] = newest
    if t == 1:
        claims[_FIRST] = newest
    if t & (t - 1) == 0:
        claims[_POWER_BEFORE], claims[_POWER] = claims[_POWER], newest
    if restarted:
        claims[_BEFORE] = held.claims[0]
    away = newest.v - claims[_FIRST].v
    length = row_sums(np.square(away))
    farther = length > 4.0 * held.spread
    spread = held.spread
    if farther.any():
        spread = np.where(farther, length, spread)
        claims[_FAR] = _mix(claims[_FAR], newest, farther)
    return held._replace(claims=tuple(claims), spread=spread, judged=t)


def _mix(old: Kept, new: Kept, chosen: NDArray[np.bool_]) -> Kept:
    """Return the new claims of the agents chosen beside the old ones of the others."""
    if chosen.all():
        return new
    rows = chosen[:, None]
    return Kept(
        np.where(chosen, new.k, old.k),
        np.where(rows, new.u, old.u),
        np.where(rows, new.v, old.v),
        (np.where(chosen, new.errors[0], old.errors[0]), np.where(chosen, new.errors[1], old.errors[1])),
    )
