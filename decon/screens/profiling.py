"""Profiling (P1, section 4): honest agents find falsifying neighbours and stop using them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from decon.costs.base import Array
from decon.errors import OptionError
from decon.network.links import Links
from decon.screens import leave_one_out, scale_free
from decon.screens.protocol import Inbox, Verdict

__all__ = ["Profiling", "Road"]


@dataclass(frozen=True, repr=False)
class Profiling:
    r"""Find falsifying neighbours by how far their messages stand from the others, and sever them with their duals.

    Without a threshold the rule is scale-free: it takes its units from the first messages and its pace from the
    certified rate, severs a link on piled-up evidence that it does not settle, and tries it again once the neighbour
    behaves (docs/profiling.md). With a threshold it is the rule of P1: after ``warmup`` iterations agent i raises an
    alarm when :math:`\sqrt{\mathrm{dev}_i}` exceeds the threshold (29), and profiles the neighbours whose score (30),
    (31) exceeds ``score_threshold``.

    Parameters
    ----------
    warmup : int
        T, iterations before the first check; only with a threshold.
    threshold : float, optional
        ε > 0, in units of x.
    decay : float
        The threshold at iteration k is ε · decay^(k - T); 1 is P1.
    score : {"mean", "median"}
        "mean" is P1's score, the share of the disagreement that a neighbour explains, in [0, 1]; it blurs where
        several neighbours lie. "median" is 1 - MAD / (distance from the neighbourhood's median), at most 1.
    score_threshold : float, optional
        In (0, 1); 0.3 for the mean and 0.75, four median deviations, for the median unless given.
    patience : int, optional
        A severed link is tried again after this many iterations, twice as many after each relapse, once its neighbour
        has stayed within the threshold for three; never unless given.

    Raises
    ------
    OptionError
        If a number is out of range, or an option that needs a threshold comes without one.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, section 4, (29)-(31).

    Examples
    --------
    >>> Profiling()
    Profiling()
    >>> Profiling(warmup=10, threshold=0.5)
    Profiling(warmup=10, threshold=0.5)
    """

    warmup: int = 0
    threshold: float | None = None
    decay: float = 1.0
    score: Literal["mean", "median"] = "mean"
    score_threshold: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.threshold is None:
            if self._given():
                raise OptionError(f"{', '.join(self._given())} only with a threshold; give one, or Profiling() alone")
            return
        _check_threshold(self.threshold)
        for name, value in (("warmup", self.warmup), ("patience", self.patience)):
            if value is not None and not isinstance(value, (int, np.integer)):
                raise OptionError(f"{name} must be an integer, not {value!r}")
        if self.warmup < 0 or not 0 < self.decay <= 1 or (self.patience is not None and self.patience < 1):
            raise OptionError(f"warmup ≥ 0, 0 < decay ≤ 1 and patience ≥ 1 do not hold in {self!r}")
        if self.score not in ("mean", "median"):
            raise OptionError(f"score must be 'mean' or 'median', not {self.score!r}")
        if self.score_threshold is not None and not 0 < self.score_threshold < 1:
            raise OptionError(f"score_threshold must lie in (0, 1), not {self.score_threshold}")

    def _given(self) -> list[str]:
        """Return the names of the options that differ from their defaults."""
        return [f.name for f in fields(self) if getattr(self, f.name) != f.default]

    def __repr__(self) -> str:
        return f"Profiling({', '.join(f'{name}={getattr(self, name)!r}' for name in self._given())})"

    @property
    def readmits(self) -> bool:
        """Whether a severed link may come back."""
        return self.threshold is None or self.patience is not None

    def start(self, links: Links, dim: int, rate: float | None) -> Any:
        """Return the rule's memory before the first iteration."""
        return scale_free.begin(links, dim, rate) if self.threshold is None else leave_one_out.begin(links)

    def judge(self, links: Links, inbox: Inbox, state: Any) -> Verdict:
        """Judge one iteration's messages."""
        if self.threshold is None:
            return scale_free.judge(links, inbox, state)
        known = {"mean": 0.3, "median": 0.75}[self.score] if self.score_threshold is None else self.score_threshold
        if inbox.k <= self.warmup:
            return Verdict(inbox.active, state)
        level = self.threshold * self.decay ** (inbox.k - self.warmup)
        return leave_one_out.judge(links, inbox, state, level, self.score, known, self.patience)


@dataclass(frozen=True)
class Road:
    """The accumulated-deviation rule: a link is severed once Σ_k ‖z_i - z_j‖ exceeds the threshold.

    Honest deviations die out linearly, so their sum is bounded; a lie that does not die out passes any bound. A
    severed link never comes back.

    Parameters
    ----------
    threshold : float
        In units of x, summed over iterations.

    Raises
    ------
    OptionError
        If it is not positive and finite.

    Examples
    --------
    >>> Road(threshold=50.0).readmits
    False
    """

    threshold: float

    def __post_init__(self) -> None:
        _check_threshold(self.threshold)

    @property
    def readmits(self) -> bool:
        """A severed link never comes back."""
        return False

    def start(self, links: Links, dim: int, rate: float | None) -> Array:
        """Return (arcs,) zeros, the sums so far."""
        return np.zeros(len(links.receivers))

    def judge(self, links: Links, inbox: Inbox, state: Array) -> Verdict:
        """Add this iteration's deviations and compare."""
        total = state + inbox.deviation
        return Verdict(inbox.active & (total <= self.threshold), total)


def _check_threshold(value: object) -> None:
    if not (isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value) and value > 0):
        raise OptionError(f"the threshold must be positive and finite, not {value!r}")
