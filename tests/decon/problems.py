"""Small problems that several test files share, and runs by their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from decon.attacks import Attack, NoAttack
from decon.costs import Costs, Quadratic
from decon.methods import Admm
from decon.network.links import Links
from decon.runs import round as rounds
from decon.runs.round import Moment, Setup
from decon.screens.protocol import Screening
from topologies import Topology

NOBODY = np.empty(0, dtype=np.int64)


def quadratic(n: int, dim: int = 3, seed: int = 0) -> Quadratic:
    """Return well-conditioned random quadratic costs."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, dim, dim))
    return Quadratic(factors @ factors.transpose(0, 2, 1) + np.eye(dim), rng.normal(size=(n, dim)))


def centred(n: int, dim: int = 3, seed: int = 0) -> np.ndarray:
    """Return random rows that sum to zero, as α⁰ must."""
    rows = np.random.default_rng(seed).normal(size=(n, dim))
    return rows - rows.mean(axis=0)


def admm(
    topo: Topology,
    costs: Costs,
    penalty: float,
    byzantine: np.ndarray = NOBODY,
    attack: Attack | None = None,
    *,
    screening: Screening | None = None,
    seed: int = 0,
    rate: float | None = None,
    **options: Any,
) -> Setup:
    """Return a run of the ADMM by its parts, for :func:`iterate`."""
    return Setup(topo, costs, Admm(penalty, **options), byzantine, attack or NoAttack(), screening, seed, rate)


def iterate(setup: Setup, links: Links | None = None, *, x0: np.ndarray, alpha0: np.ndarray) -> Iterator[Moment]:
    """Return the moments of a run of the ADMM that starts with these multipliers."""
    return rounds.iterate(replace(setup, method=replace(setup.method, alpha0=alpha0)), links, x0=x0)


def in_form(setup: Setup, form: str) -> Setup:
    """Return the same run with the duals stored in another way."""
    return replace(setup, method=replace(setup.method, form=form))
