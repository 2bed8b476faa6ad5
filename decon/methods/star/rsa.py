"""RSA on the star: the stochastic subgradient method for the same TV-penalised problem as P2's ADMM."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from decon.attacks import Attack, NoAttack
from decon.costs.base import Array, Costs
from decon.methods.star.hub import Evaluate, Run, Uplink, check_options, drive
from decon.streams import minibatch

__all__ = ["rsa"]

_NO_ATTACK = NoAttack()


def rsa(
    costs: Costs,
    *,
    dual_bound: float,
    byzantine: Iterable[int] = (),
    attack: Attack = _NO_ATTACK,
    step: float = 0.1,
    batch_size: int = 32,
    iterations: int = 1000,
    ridge: float = 0.01,
    seed: int = 0,
    record_every: int = 1,
    evaluate: Evaluate | None = None,
) -> Run:
    r"""Run the ℓ₁ version of RSA from zero, with a step of α = step/√k at iteration k = 1, 2, and so on.

    .. math::
        x_0 \leftarrow x_0 - α\,(\text{ridge}\; x_0 + λ \sum_i \mathrm{sign}(x_0 - m_i)), \qquad
        x_i \leftarrow x_i - α\,(F_i'(x_i) + λ\,\mathrm{sign}(x_i - x_0))

    Both use the last iterates of the other side, and m_i = x_i of an honest worker. A Byzantine worker runs its own
    recursion honestly and falsifies the variable it sends. A NaN pulls neither way; no message moves an entry of x_0
    by more than αλ.

    Parameters
    ----------
    costs : Costs
        One a worker, with ``samples`` and ``stochastic_gradient``; row i is worker i + 1 of the star, the hub is 0.
    dual_bound : float
        λ, the weight of the ℓ₁ penalty, as in the ADMM; positive.
    byzantine : iterable of int
        Workers that lie, in 1 … m.
    attack : Attack
    step, batch_size, iterations, ridge, seed, record_every, evaluate
        As for :func:`decon.baselines.sgd`.

    Raises
    ------
    OptionError
        If an option is out of range.

    References
    ----------
    .. [1] Li, Xu, Chen, Giannakis, Ling (2019). RSA: Byzantine-robust stochastic aggregation methods for distributed
       learning from heterogeneous datasets. AAAI.
    .. [2] Lin, Ling, Li, Xiong (2020). Stochastic ADMM for Byzantine-robust distributed learning, equation (4).

    Examples
    --------
    >>> from decon.costs import LeastSquares
    >>> costs = LeastSquares([[[1.0]], [[1.0]], [[1.0]]], [[1.0], [3.0], [2.0]])
    >>> rsa(costs, dual_bound=2.0, batch_size=1, ridge=0.0, iterations=5000).x.round(1)
    array([2.])
    """
    check_options(
        dual_bound=dual_bound,
        step=step,
        batch_size=batch_size,
        iterations=iterations,
        ridge=ridge,
        record_every=record_every,
    )
    uplink = Uplink(costs.n, byzantine, attack, seed)
    samples = costs.samples

    def advance(k: int, state: Array) -> Array:
        hub, workers = state[0], state[1:]
        length = step / np.sqrt(k)
        pull = np.sign(hub - uplink(k, hub, workers))
        np.nan_to_num(pull, copy=False, nan=0.0)
        gradients = costs.stochastic_gradient(workers, minibatch(seed, k, samples, batch_size))
        following = np.empty_like(state)
        following[0] = hub - length * (ridge * hub + dual_bound * pull.sum(axis=0))
        following[1:] = workers - length * (gradients + dual_bound * np.sign(workers - hub))
        return following

    return drive(
        np.zeros((costs.n + 1, costs.dim)),
        advance,
        iterations=iterations,
        record_every=record_every,
        evaluate=evaluate,
    )
