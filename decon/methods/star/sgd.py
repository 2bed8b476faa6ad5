"""Distributed SGD on the star: the hub aggregates the workers' stochastic gradients by a rule."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from decon.attacks import Attack, NoAttack
from decon.costs.base import Array, Costs
from decon.methods.star.aggregation import Rule, mean
from decon.methods.star.hub import Evaluate, Run, Uplink, check_options, drive
from decon.streams import minibatch

__all__ = ["sgd"]

_NO_ATTACK = NoAttack()


def sgd(
    costs: Costs,
    rule: Rule = mean,
    *,
    byzantine: Iterable[int] = (),
    attack: Attack = _NO_ATTACK,
    ideal: bool = False,
    step: float = 0.1,
    batch_size: int = 32,
    iterations: int = 1000,
    ridge: float = 0.01,
    seed: int = 0,
    record_every: int = 1,
    evaluate: Evaluate | None = None,
) -> Run:
    """Run x_0 ← x_0 - (step/√k) (rule(messages) + (ridge/r) x_0), k = 1, 2, …, from zero.

    Each worker sends a stochastic gradient at x_0; r is the number of messages, so that with the mean as rule and no
    attack the sum Σ_i f_i + (ridge/2)‖·‖² of P2 (2) is what is minimised. A Byzantine worker falsifies its gradient.

    Parameters
    ----------
    costs : Costs
        One a worker, with ``samples`` and ``stochastic_gradient``; row i is worker i + 1 of the star, the hub is 0.
    rule : callable
        (m, N) messages → (N,), see :mod:`decon.baselines`.
    byzantine : iterable of int
        Workers that lie, in 1 … m.
    attack : Attack
    ideal : bool
        Leave the Byzantine workers out: P2's ideal SGD.
    step : float
        Times 1/√k.
    batch_size : int
        Samples a worker and iteration; draws are :func:`decon.streams.minibatch`'s, the same for every method.
    iterations : int
    ridge : float
        Of the hub's own cost f_0 = (ridge/2)‖x‖²; P2 has 0.01.
    seed : int
    record_every : int
    evaluate : callable, optional
        Of x_0 (N,); see :class:`decon.baselines.Run`.

    Raises
    ------
    OptionError
        If an option is out of range.

    References
    ----------
    .. [1] Lin, Ling, Li, Xiong (2020). Stochastic ADMM for Byzantine-robust distributed learning, section 4.

    Examples
    --------
    >>> from decon.costs import LeastSquares
    >>> costs = LeastSquares([[[1.0]], [[1.0]], [[1.0]]], [[1.0], [3.0], [2.0]])
    >>> sgd(costs, batch_size=1, ridge=0.0, step=1.0, iterations=400).x.round(6)
    array([2.])
    """
    check_options(step=step, batch_size=batch_size, iterations=iterations, ridge=ridge, record_every=record_every)
    uplink = Uplink(costs.n, byzantine, attack, seed)
    samples = costs.samples

    def advance(k: int, state: Array) -> Array:
        x = state[0]
        rows = minibatch(seed, k, samples, batch_size)
        gradients = costs.stochastic_gradient(np.broadcast_to(x, (costs.n, costs.dim)), rows)
        messages = gradients[uplink.honest - 1] if ideal else uplink(k, x, gradients)
        direction = rule(messages) + ridge / len(messages) * x
        return np.asarray(state - step / np.sqrt(k) * direction)

    return drive(np.zeros((1, costs.dim)), advance, iterations=iterations, record_every=record_every, evaluate=evaluate)
