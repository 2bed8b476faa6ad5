"""Small problems that several test files share."""

from __future__ import annotations

import numpy as np

from decon.costs import Quadratic


def quadratic(n: int, dim: int = 3, seed: int = 0) -> Quadratic:
    """Return well-conditioned random quadratic costs."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, dim, dim))
    return Quadratic(factors @ factors.transpose(0, 2, 1) + np.eye(dim), rng.normal(size=(n, dim)))


def centred(n: int, dim: int = 3, seed: int = 0) -> np.ndarray:
    """Return random rows that sum to zero, as α⁰ must."""
    rows = np.random.default_rng(seed).normal(size=(n, dim))
    return rows - rows.mean(axis=0)
