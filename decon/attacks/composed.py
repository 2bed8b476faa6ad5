"""Attacks made from attacks: in time, and dying out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from decon.attacks.base import ATTACK, Attack, View
from decon.costs.base import Array
from decon.errors import OptionError
from decon.options import NOT_NEGATIVE, Kind, is_number, option, or_none, whole

__all__ = ["Decaying", "Scaled", "Scheduled"]


_BELOW_ONE = Kind("a number between 0 and 1, both excluded", lambda value: is_number(value) and 0 < value < 1)


def _true(attack: Attack, view: View) -> Array:
    """Return the true updates in the shape of ``attack``'s messages."""
    return view.own[view.outgoing_position] if attack.per_arc else view.own


@dataclass(frozen=True)
class Decaying(Attack):
    """Any attack with its error times ratio^k: of a broadcast, the hypothesis of P1's Corollary 1.

    What differs from neighbour to neighbour does lasting harm even if it dies out, see :class:`Stealth`.

    Parameters
    ----------
    attack : Attack
    ratio : float
        In (0, 1).

    Raises
    ------
    OptionError
        If ``ratio`` is not in (0, 1).
    """

    attack: Attack = field(metadata={"kind": ATTACK})
    ratio: float = option(_BELOW_ONE, 0.9)

    @property
    def per_arc(self) -> bool:
        """As the attack it weakens."""
        return self.attack.per_arc

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return x + ratio^k (message - x)."""
        true = _true(self.attack, view)
        return np.asarray(true + self.ratio**view.k * (self.attack(view, rng) - true))


@dataclass(frozen=True)
class Scaled(Attack):
    """Any attack with its error times ``strength``: one axis for attacks of every kind.

    Parameters
    ----------
    attack : Attack
    strength : float
        At least 0; 1 leaves the attack as it is, 0 sends true updates.

    Raises
    ------
    OptionError
        If ``strength`` is negative or not finite.
    """

    attack: Attack = field(metadata={"kind": ATTACK})
    strength: float = option(NOT_NEGATIVE, 1.0)

    @property
    def per_arc(self) -> bool:
        """As the attack it scales."""
        return self.attack.per_arc

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return x + strength (message - x)."""
        messages = self.attack(view, rng)
        if self.strength == 1.0:  # bit for bit the attack itself
            return messages
        true = _true(self.attack, view)
        return np.asarray(true + self.strength * (messages - true))


@dataclass(frozen=True)
class Scheduled(Attack):
    """Any attack, but only at the iterations start ≤ k < stop, and of these only every ``every``-th.

    Parameters
    ----------
    attack : Attack
    start : int
        First iteration of the attack, from 1.
    stop : int, optional
        First iteration after it; never unless given.
    every : int
        1 is each iteration.

    Raises
    ------
    OptionError
        If start < 1, stop ≤ start or every < 1.
    """

    attack: Attack = field(metadata={"kind": ATTACK})
    start: int = option(whole(1), 1)
    stop: int | None = option(or_none(whole(2)), None)
    every: int = option(whole(1), 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop is not None and self.stop <= self.start:
            raise OptionError(f"Scheduled: stop must be greater than start={self.start}, not stop={self.stop}")

    @property
    def per_arc(self) -> bool:
        """As the attack it times."""
        return self.attack.per_arc

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return the attack's messages on duty, true updates off duty."""
        on = view.k >= self.start and (self.stop is None or view.k < self.stop)
        if on and (view.k - self.start) % self.every == 0:
            return self.attack(view, rng)
        return _true(self.attack, view)
