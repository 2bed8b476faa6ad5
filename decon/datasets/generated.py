"""Made-up costs by agent number: a process makes those of its own agents, and they are the same wherever made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from decon.arrays import whole_numbers
from decon.errors import DataError
from decon.options import is_number, whole
from decon.streams import stream

if TYPE_CHECKING:
    from decon.costs import Quadratic

__all__ = ["quadratics"]

_BLOCK = 1000
"""Agents drawn from one stream: a stream an agent would take 20 times as long."""


def quadratics(
    agents: Sequence[int] | NDArray[np.integer], *, dim: int = 10, condition: float = 10.0, seed: int = 0
) -> Quadratic:
    """Draw quadratic costs: Hessians with eigenvalues uniform in [1, condition] and any axes, standard normal b.

    Parameters
    ----------
    agents : (m,) sequence of int
        By number, 0 or more. What an agent draws depends on its number and the seed alone.
    dim : int
        N.
    condition : float
        At least 1.
    seed : int

    Raises
    ------
    DataError
        For a number out of range.

    Examples
    --------
    >>> everyone = quadratics(range(3000), dim=2)
    >>> bool((quadratics([2500, 7], dim=2).H == everyone.H[[2500, 7]]).all())
    True
    """
    from decon.costs import Quadratic

    wanted = whole_numbers("agents", agents, error=DataError)
    if not whole(1).accepts(dim) or not (is_number(condition) and condition >= 1):
        raise DataError(f"quadratics need dim >= 1 and a finite condition >= 1, not {dim!r} and {condition!r}")
    if (wanted < 0).any():
        raise DataError("agents must be a list of numbers of at least 0")
    H, b = np.empty((len(wanted), dim, dim)), np.empty((len(wanted), dim))
    for block in np.unique(wanted // _BLOCK):
        rng = stream(seed, "quadratics", int(block))
        rows = np.flatnonzero(wanted // _BLOCK == block)
        at = wanted[rows] % _BLOCK
        axes, _ = np.linalg.qr(rng.normal(size=(_BLOCK, dim, dim))[at])
        eigenvalues = rng.uniform(1.0, condition, size=(_BLOCK, dim))[at]
        b[rows] = rng.normal(size=(_BLOCK, dim))[at]
        made = (axes * eigenvalues[:, None, :]) @ axes.transpose(0, 2, 1)
        H[rows] = (made + made.transpose(0, 2, 1)) / 2
    return Quadratic(H, b)
