"""The elementary falsifications of both papers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decon.attacks.base import Attack, View
from decon.costs.base import Array
from decon.errors import OptionError
from decon.options import FLAG, NEGATIVE, NOT_NEGATIVE, NUMBER, Kind, is_number, option, or_none, whole

__all__ = ["Constant", "Equivocate", "Gaussian", "NoAttack", "NonFinite", "Outlier", "SameValue", "SignFlip", "Zero"]

_NUMBERS = Kind(
    "a finite number or a tuple of them",
    lambda value: is_number(value) or (isinstance(value, tuple) and value != () and all(map(is_number, value))),
)
_NOT_FINITE = Kind("nan, inf or -inf", lambda value: isinstance(value, float) and not np.isfinite(value))


@dataclass(frozen=True)
class NoAttack(Attack):
    """Byzantine agents that behave."""

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return the true updates."""
        return view.own


@dataclass(frozen=True)
class Gaussian(Attack):
    """Gaussian falsification: z = x + e with e ~ N(mean, std²) entrywise (P1, section 5).

    Parameters
    ----------
    mean, std : float
        In units of x.
    replace : bool
        Send e alone, without x: the Gaussian attack of P2, section 4 (there with std 100).

    Examples
    --------
    >>> Gaussian(mean=1.0, std=1.0)
    Gaussian(mean=1.0, std=1.0, replace=False)
    """

    mean: float = option(NUMBER, 0.0)
    std: float = option(NOT_NEGATIVE, 1.0)
    replace: bool = option(FLAG, False)

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return x + e, or e."""
        noise = rng.normal(self.mean, self.std, view.own.shape)
        return noise if self.replace else view.own + noise


@dataclass(frozen=True)
class SignFlip(Attack):
    """Sign-flipping: z = scale · x with scale < 0 (P2, section 4, there ε = -3)."""

    scale: float = option(NEGATIVE, -3.0)

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return scale · x."""
        return self.scale * view.own


@dataclass(frozen=True)
class Constant(Attack):
    """A constant bias: z = x + value.

    To everyone else this is an honest agent with another cost (docs/theory.md, section 8), so no screening rule
    can find it; a finite dual bound limits what it does.

    Parameters
    ----------
    value : float or tuple of N floats
        In units of x.
    """

    value: float | tuple[float, ...] = option(_NUMBERS, 1.0)

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return x + value."""
        value = np.asarray(self.value, dtype=float)
        if value.ndim and len(value) != view.own.shape[1]:
            raise OptionError(f"Constant: value must have N = {view.own.shape[1]} entries, not {len(value)}")
        return np.asarray(view.own + value)


@dataclass(frozen=True)
class Outlier(Attack):
    """One fixed value in every entry, whatever x is."""

    value: float = option(NUMBER, 1e6)

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return the value."""
        return np.full_like(view.own, self.value)


@dataclass(frozen=True)
class Zero(Attack):
    """Silence: the receiver reads zeros."""

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return zeros."""
        return np.zeros_like(view.own)


@dataclass(frozen=True)
class SameValue(Attack):
    """All falsifying agents copy one honest agent's update (P2, section 4).

    Parameters
    ----------
    agent : int, optional
        The agent copied; the first honest one unless given.
    """

    agent: int | None = option(or_none(whole(0)), None)

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return copies of x_r."""
        copied = int(view.honest[0]) if self.agent is None else self.agent
        if copied >= view.topo.n or copied in view.byzantine:
            raise OptionError(f"SameValue: agent must be an honest one of 0 … {view.topo.n - 1}, not {copied}")
        return np.broadcast_to(view.row(copied), view.own.shape)


@dataclass(frozen=True)
class NonFinite(Attack):
    """NaN or an infinity in every entry."""

    value: float = option(_NOT_FINITE, float("nan"))

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return the value."""
        return np.full_like(view.own, self.value)


@dataclass(frozen=True)
class Equivocate(Attack):
    """Another falsified value for every neighbour: x_i + N(mean, std²), drawn anew for each outgoing arc."""

    mean: float = option(NUMBER, 0.0)
    std: float = option(NOT_NEGATIVE, 1.0)

    @property
    def per_arc(self) -> bool:
        """Each neighbour gets a message of its own."""
        return True

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return one falsified row an outgoing arc."""
        true = view.own[view.outgoing_position]
        return np.asarray(true + rng.normal(self.mean, self.std, true.shape))
