"""What the methods on the star share: the loop, its record, and the messages that reach the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from decon.attacks import Attack, View
from decon.costs.base import Array
from decon.errors import OptionError
from decon.streams import stream
from topologies import Topology

__all__ = ["Evaluate", "Run", "Uplink", "check_options", "drive"]

Evaluate = Callable[[Array], Any]


@dataclass(frozen=True, eq=False)
class Run:
    """What a method on the star gives back.

    Attributes
    ----------
    x : (N,) ndarray
        The hub's last finite x_0.
    recorded : (r,) ndarray of int
        Iterations that were recorded: 0, record_every, 2·record_every, … and the last.
    history : (r, ...) ndarray
        What ``evaluate`` said of x_0 then; x_0 itself if there was none.
    iterations : int
        Iterations done.
    status : {"finished", "diverged"}
        *diverged*: x_0 became non-finite; the record ends before that.
    """

    x: Array
    recorded: NDArray[np.intp]
    history: NDArray[Any]
    iterations: int
    status: Literal["finished", "diverged"]


def drive(
    state: Array,
    advance: Callable[[int, Array], Array],
    *,
    iterations: int,
    record_every: int,
    evaluate: Evaluate | None,
) -> Run:
    """Run ``advance(k, state)`` for k = 1 … ``iterations`` and record the hub, row 0 of the state.

    Examples
    --------
    >>> drive(np.ones((1, 1)), lambda k, x: 2 * x, iterations=5, record_every=2, evaluate=None).history.ravel()
    array([ 1.,  4., 16., 32.])
    """
    look: Evaluate = np.copy if evaluate is None else evaluate
    recorded, history, done = [0], [look(state[0])], 0
    for k in range(1, iterations + 1):
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status
            following = advance(k, state)
        if not np.isfinite(following[0]).all():
            return Run(state[0].copy(), np.array(recorded), np.array(history), done, "diverged")
        state, done = following, k
        if k % record_every == 0 or k == iterations:
            recorded.append(k)
            history.append(look(state[0]))
    return Run(state[0].copy(), np.array(recorded), np.array(history), done, "finished")


class _StarView(View):
    """The view of a worker on the star: the hub's x_0 is in row 0, but the hub is not one of the honest workers."""

    @cached_property
    def honest(self) -> NDArray[np.int64]:
        """The honest workers, ascending."""
        return np.setdiff1d(np.arange(1, len(self.x)), self.byzantine)


class Uplink:
    """The only door for attacks: what the hub receives in the place of the workers' true messages.

    Agents are numbered as on the star graph that the ADMM runs on, hub 0 and workers 1 … m, so that one ``byzantine``
    and one attack serve both; row i of the messages is worker i + 1. Draws come from the stream "attack" of the seed,
    keyed by the iteration, as in the engine.

    Parameters
    ----------
    m : int
        Number of workers.
    byzantine : iterable of int
        Workers that lie, in 1 … m.
    attack : Attack
    seed : int

    Raises
    ------
    OptionError
        If a Byzantine worker is out of range or named twice, or all lie.

    Examples
    --------
    >>> from decon.attacks import SignFlip
    >>> Uplink(2, [2], SignFlip(-3.0), seed=0)(1, np.zeros(1), np.ones((2, 1)))
    array([[ 1.],
           [-3.]])
    """

    def __init__(self, m: int, byzantine: Iterable[int], attack: Attack, seed: int) -> None:
        given = list(byzantine)
        self.byzantine = np.array(sorted(given), dtype=np.int64)
        outside = [b for b in given if not 1 <= b <= m]
        if outside:
            raise OptionError(f"Byzantine workers must lie in 1 … {m} (0 is the hub), not {outside[0]}")
        if len(set(given)) != len(given):
            raise OptionError(f"a Byzantine worker is named twice in {given}")
        if len(given) == m:
            raise OptionError(f"all {m} workers are Byzantine; at least one must be honest")
        self.honest = np.setdiff1d(np.arange(1, m + 1), self.byzantine)
        self._attack, self._seed = attack, seed
        hub = np.stack([np.zeros(m, dtype=np.int64), np.arange(1, m + 1)], axis=1)
        self._topo = Topology.from_edges(m + 1, hub, name="star")
        self._last: Array | None = None

    def __call__(self, k: int, hub: Array, messages: Array) -> Array:
        """Return (m, N) what arrives at iteration ``k``; ``hub`` (N,) is x_0 and ``messages`` (m, N) the truth."""
        if not self.byzantine.size:
            return messages
        true = np.vstack([hub, messages])
        last = true if self._last is None else self._last
        view = _StarView(k, self._topo, self.byzantine, true, last, np.nan)  # no penalty here
        sent = true.copy()
        sent[self.byzantine] = self._attack(view, stream(self._seed, "attack", k))
        self._last = sent
        return sent[1:]


def check_options(**options: float) -> None:
    """Check counts (≥ 1; ``iterations`` ≥ 0) and amounts (> 0; ``ridge`` ≥ 0), by name.

    Raises
    ------
    OptionError
        Naming the first that is out of range.

    Examples
    --------
    >>> check_options(iterations=0, ridge=0.0, batch_size=1, step=0.5)
    """
    for name, value in options.items():
        count = name in ("iterations", "record_every", "batch_size")
        if count and (value != int(value) or value < (name != "iterations")):
            raise OptionError(f"{name} must be a whole number of at least {int(name != 'iterations')}, not {value}")
        if not count and not (np.isfinite(value) and (value > 0 or (name == "ridge" and value == 0))):
            raise OptionError(f"{name} must be {'at least 0' if name == 'ridge' else 'positive'}, not {value}")
