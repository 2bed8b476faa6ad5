"""The strongest bounded attack on quadratic costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.arrays import real_array
from decon.attacks.base import Attack, View
from decon.costs.base import Array
from decon.errors import OptionError
from topologies import Topology
from topologies.frozen import Frozen, freeze

__all__ = ["WorstCase"]


@dataclass(frozen=True, eq=False)
class WorstCase(Frozen, Attack):
    """A prescribed sequence of errors, z = x + e^k; :meth:`against` takes the one that does most harm.

    Parameters
    ----------
    errors : (K, b, N) array_like
        Row k - 1 is added at iteration k, in the order of the falsifying agents; after K nothing is false.

    Raises
    ------
    OptionError
        If ``errors`` has another number of dimensions or, when called, does not fit the run.
    """

    errors: Array = field(repr=False)

    def __post_init__(self) -> None:
        errors = np.array(real_array("WorstCase: errors", self.errors, error=OptionError))
        if errors.ndim != 3:
            raise OptionError(f"WorstCase: errors must have shape (iterations, b, N), not {errors.shape}")
        if not np.isfinite(errors).all():
            raise OptionError("WorstCase: errors must be finite, found NaN or infinity")
        object.__setattr__(self, "errors", freeze(errors))

    @classmethod
    def against(
        cls,
        topo: Topology,
        hessians: ArrayLike,
        penalty: float,
        byzantine: Sequence[int] | NDArray[np.integer],
        error_bound: float,
        *,
        iterations: int,
        dim: int = 1,
    ) -> WorstCase:
        """Return the attack that attains :func:`analysis.exact_radius` at the last of ``iterations``.

        Parameters
        ----------
        topo, hessians, penalty, byzantine, error_bound, dim
            As of :func:`analysis.exact_radius`, which names what it refuses; ``dim`` goes with scalar Hessians only.
        iterations : int
            Length K of the run that is to be hit at its end.

        Examples
        --------
        >>> import networkx as nx
        >>> attack = WorstCase.against(Topology(nx.complete_graph(4)), np.ones(4), 0.25, [0], 1.0, iterations=50)
        >>> attack.errors.shape, round(float(np.abs(attack.errors).max()), 6)
        ((50, 1, 1), 1.0)
        """
        from analysis import exact_radius

        worst = exact_radius(topo, hessians, penalty, np.asarray(byzantine, dtype=np.intp), error_bound, dim=dim)
        return cls(worst.errors(iterations))

    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return x + e^k."""
        if self.errors.shape[1:] != view.own.shape:
            raise OptionError(
                f"WorstCase: errors of shape {self.errors.shape[1:]} do not fit {view.own.shape} messages"
            )
        if view.k > len(self.errors):
            return view.own
        return np.asarray(view.own + self.errors[view.k - 1])
