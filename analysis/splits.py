"""The free constants of Theorems 1 to 3, given or chosen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.errors import HypothesisError
from topologies import Spectrum

__all__ = ["Objective", "Splits", "balanced_lambda2", "best_lambda2", "best_splits"]

Objective = Literal["rate", "radius"]


@dataclass(frozen=True)
class Splits:
    """How the proofs split sums with Young's inequality; any admissible value gives a valid bound.

    Attributes
    ----------
    lambda1, lambda2, lambda3 : float
        λ₁, λ₂, λ₃ > 1 of Theorem 1.
    theta : float
        θ, the share of ν that pays for the errors: 0 in Theorem 1, in (0, 1) in Theorems 2 to 4.
    b : float, optional
        b > 0 of the ratio form; cΛδ/4 unless given, which leaves half of δ to the rate.

    Raises
    ------
    HypothesisError
        If a constant is out of its range; the message names it.

    Examples
    --------
    >>> Splits(1.5, 2.0, 1.5, theta=0.25).lambda2
    2.0
    """

    lambda1: float
    lambda2: float
    lambda3: float
    theta: float = 0.0
    b: float | None = None

    def __post_init__(self) -> None:
        for name in ("lambda1", "lambda2", "lambda3"):
            if not (1 < (value := getattr(self, name)) < math.inf):
                raise HypothesisError(f"{name} must be greater than 1 and finite, not {value:g}")
        if not (0 <= self.theta < 1):
            raise HypothesisError(f"theta must lie in [0, 1), not {self.theta:g}")
        if self.b is not None and not (0 < self.b < math.inf):
            raise HypothesisError(f"b must be positive and finite, not {self.b:g}")


def best_lambda2(
    spectrum: Spectrum, strong_convexity: float, smoothness: float, penalty: float, lambda1: float, lambda3: float
) -> float:
    """Return the λ₂ that maximises δ at this penalty: the first term of δ falls, the second rises, so they meet.

    Their meeting is the positive root of 2νλ₁Λy² + (2νλ₁Λ - λ₁ℓ²/c - acλ₃Λ)y - λ₁ℓ²/c = 0, y = λ₂ - 1.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> round(best_lambda2(Topology(nx.cycle_graph(5)).spectrum, 1.0, 2.0, 0.5, 1.0, 1.0), 3)
    2.188
    """
    quadratic = 2 * strong_convexity * lambda1 * spectrum.signless_max
    constant = lambda1 * smoothness**2 / penalty
    linear = quadratic - constant - spectrum.algebraic_connectivity * penalty * lambda3 * spectrum.signless_max
    root = math.sqrt(linear**2 + 4 * quadratic * constant)
    excess = 2 * constant / (linear + root) if linear > 0 else (root - linear) / (2 * quadratic)
    return 1 + max(excess, np.finfo(float).eps)


def balanced_lambda2(
    spectrum: Spectrum, strong_convexity: float, smoothness: float, lambda1: float, lambda3: float
) -> float:
    """Return the λ₂ that maximises δ when the penalty is c*(λ₁, λ₂, λ₃): √(1 - 1/λ₂) = ½(√(t² + 4) - t).

    Here t = (κ_G/κ_f)√(λ₁/λ₃), docs/theory.md section 4.

    Examples
    --------
    >>> import networkx as nx
    >>> from topologies import Topology
    >>> round(balanced_lambda2(Topology(nx.complete_graph(5)).spectrum, 1.0, 4.0, 1.0, 1.0), 3)
    3.702
    """
    t = spectrum.graph_condition * strong_convexity / smoothness * math.sqrt(lambda1 / lambda3)
    share = 2 / (t + math.sqrt(t**2 + 4))
    return 1 / (share * t)  # 1 - share² without cancellation


def best_splits(score: Callable[[float, float, float], float], *, reserve: bool) -> tuple[float, float, float]:
    """Minimise ``score(λ₁, λ₃, θ)`` over log(λ₁ - 1), log(λ₃ - 1), logit θ from three deterministic starts.

    Parameters
    ----------
    score : callable
        Finite and continuous; λ₂ is settled inside it. It may have kinks (S has one), so no derivative is used.
    reserve : bool
        Whether θ is free; else it is 0.

    Returns
    -------
    (λ₁, λ₃, θ)
        The best point found; the bound is valid whether or not it is the global optimum.

    Examples
    --------
    >>> one, three, _ = best_splits(lambda a, b, t: (a - 2) ** 2 + (b - 3) ** 2, reserve=False)
    >>> round(one, 4), round(three, 4)
    (2.0, 3.0)
    """
    from scipy.optimize import minimize  # a slow import that only a search needs

    size = 3 if reserve else 2

    def constants(point: NDArray[np.float64]) -> tuple[float, float, float]:
        theta = 1 / (1 + math.exp(-point[2])) if reserve else 0.0
        return 1 + math.exp(point[0]), 1 + math.exp(point[1]), theta

    def value(point: NDArray[np.float64]) -> float:
        return score(*constants(point))

    fits = [
        minimize(
            value,
            [start] * size,
            method="Nelder-Mead",
            bounds=[(-14.0, 14.0)] * size,  # e^±14: a split a million times smaller than another gains nothing more
            options={"xatol": 1e-4, "fatol": 1e-9, "maxiter": 1000},
        )
        for start in (-4.0, -2.0, 0.0)
    ]
    return constants(min(fits, key=lambda fit: fit.fun).x)
