"""The local step: how an agent turns what its neighbours said into its next update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from decon.costs.base import Array, Costs, lengths
from decon.errors import OptionError
from decon.streams import minibatch

__all__ = ["Exact", "LocalStep", "SquareRoot", "Stochastic", "Update"]


class Update(NamedTuple):
    """A local step's outcome.

    Attributes
    ----------
    x : (n, N) ndarray
        The true updates x⁺.
    weighted : (n, N) ndarray or None
        weight_i x⁺_i if the step is exact, so that ∇f(x⁺) = linear - weighted.
    """

    x: Array
    weighted: Array | None


class LocalStep(Protocol):
    """Minimise f_i(x) + Σ_j [(β_ij/2)‖x - z_i‖² - ⟨2η_ij - η⁻_ij, x⟩], exactly or not (docs/theory.md, section 1)."""

    @property
    def keeps_falsified(self) -> bool:
        """Whether a falsifying agent's own recursion uses what it broadcast (P1) or its true update (P2).

        If not, z_i is x_i in every agent's own recursion, and ``linear`` is centred there: it lacks Σ_j β_ij z_i.
        """

    def __call__(self, costs: Costs, x: Array, linear: Array, weight: Array, k: int, seed: int) -> Update:
        """Return the updates of iteration ``k`` (from 1).

        Parameters
        ----------
        costs : Costs
        x : (n, N) ndarray
            Last true updates.
        linear : (n, N) ndarray
            Σ_j (2η_ij - η⁻_ij + β_ij z_i), z_i the agent's own last broadcast; without ``keeps_falsified`` only
            Σ_j (2η_ij - η⁻_ij).
        weight : (n,) ndarray
            Σ_j β_ij over the links in use.
        k, seed : int
            Key of the random draws.
        """


@dataclass(frozen=True)
class Exact:
    """The exact local step of P1 (5): one prox of f_i.

    Examples
    --------
    >>> import numpy as np
    >>> from decon.costs import Quadratic
    >>> zero = np.zeros((1, 1))
    >>> Exact()(Quadratic([[[1.0]]], [[3.0]]), zero, zero, np.array([2.0]), 1, 0).x
    array([[1.]])
    """

    keeps_falsified = True

    def __call__(self, costs: Costs, x: Array, linear: Array, weight: Array, k: int, seed: int) -> Update:
        """Return the minimiser."""
        update = costs.prox(linear, weight, x)
        return Update(update, weight[:, None] * update)

    reveals = True

    def implied(self, before: Array, linear: Array, weight: Array, sent: Array, k: int) -> tuple[Array, Array, Array]:
        """Return where which gradient is claimed, and how large the terms are that it is a difference of.

        As in the local step, ∇f(x⁺) = linear - weight x⁺, so that an agent that sends z claims it at z.
        """
        weighted = weight[:, None] * sent
        return sent, linear - weighted, lengths(linear) + lengths(weighted)


@dataclass(frozen=True)
class SquareRoot:
    """The schedule σ^k = scale · √k, k = 1, 2, … (P2, section 4, counts from 0 and prints √k, which has σ⁰ = 0).

    Parameters
    ----------
    scale : float
        Positive, in cost per squared unit of x.

    Raises
    ------
    OptionError
        If the scale is not positive and finite.

    Examples
    --------
    >>> SquareRoot(50.0)(4)
    100.0
    """

    scale: float

    def __post_init__(self) -> None:
        _positive("the scale of SquareRoot", self.scale)

    def __call__(self, k: int) -> float:
        """Return σ^k of iteration ``k``, from 1."""
        return float(self.scale * np.sqrt(k))


@dataclass(frozen=True)
class Stochastic:
    r"""The linearised local step of P2 (19), (20): a gradient, or a minibatch of one, in the place of a prox.

    .. math:: x_i^+ = x_i + \frac{\sum_j (2η_{ij} - η_{ij}^-) - F_i'(x_i)}{σ^k + \sum_j β_{ij}}

    With a star, a :class:`decon.costs.WithHub` and a finite ``dual_bound`` λ this is P2's Algorithm 1; on any other
    graph it solves the same problem, min Σ f_i(x_i) + λ Σ_edges ‖x_i - x_j‖₁, without a master. P2's β is twice the
    ``penalty`` c.

    A falsifying agent runs its own recursion honestly and only its messages change, as in P2.

    Parameters
    ----------
    sigma : float or callable
        σ^k, positive, in cost per squared unit of x: a number, or a function of the iteration k = 1, 2, … such as
        :class:`SquareRoot`. A constant of at least ℓ/2 is stable with full gradients; with minibatches it must grow
        for the noise to die out.
    batch_size : int, optional
        Samples each agent draws an iteration, uniformly with replacement; full gradients unless given. The draws of
        iteration k depend on the run's seed and k alone, so methods compared on one seed meet the same data.

    Raises
    ------
    OptionError
        If σ^k is not positive and finite, or the batch size is not a positive integer.

    References
    ----------
    .. [1] Lin, Ling, Li, Xiong (2020). ICASSP, equations (7), (19), (20) and Algorithm 1.

    Examples
    --------
    >>> import topologies
    >>> from decon import solve
    >>> from decon.costs import LeastSquares
    >>> costs = LeastSquares([[[1.0], [1.0]], [[1.0], [1.0]]], [[1.0, 3.0], [2.0, 2.0]])
    >>> step = Stochastic(sigma=4.0, batch_size=None)
    >>> solve(topologies.make("path", 2), costs, penalty=1.0, local_step=step, iterations=200).x.round(6)
    array([[2.],
           [2.]])
    """

    sigma: float | Callable[[int], float]
    batch_size: int | None = None

    keeps_falsified = False

    def __post_init__(self) -> None:
        if not callable(self.sigma):
            _positive("sigma", self.sigma)
        size = self.batch_size
        if size is not None and (not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1):
            raise OptionError(f"batch_size must be a positive integer or None, not {size!r}")

    def __call__(self, costs: Costs, x: Array, linear: Array, weight: Array, k: int, seed: int) -> Update:
        """Return x + (linear - F')/(σ^k + weight)."""
        sigma = _positive(f"sigma at iteration {k}", self.sigma(k)) if callable(self.sigma) else self.sigma
        if self.batch_size is None:
            gradient = costs.gradient(x)
        else:
            gradient = costs.stochastic_gradient(x, minibatch(seed, k, costs.samples, self.batch_size))
        update = linear - gradient
        update *= (1.0 / (sigma + weight))[:, None]
        update += x
        return Update(update, None)

    @property
    def reveals(self) -> bool:
        """Whether messages reveal gradients: full ones."""
        return self.batch_size is None

    def implied(self, before: Array, linear: Array, weight: Array, sent: Array, k: int) -> tuple[Array, Array, Array]:
        """Return where which gradient is claimed: F' = linear - (σ^k + weight)(z^k - z^{k-1}) at z^{k-1}, (20)."""
        sigma = self.sigma(k) if callable(self.sigma) else self.sigma
        heavy = (sigma + weight)[:, None]
        size = lengths(linear) + lengths(heavy * sent) + lengths(heavy * before)
        return before, linear - heavy * (sent - before), size


def _positive(name: str, value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise OptionError(f"{name} must be positive and finite, not {value!r}")
    return float(value)
