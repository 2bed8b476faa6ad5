"""How many links a screening rule got wrong, iteration by iteration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decon.runs.result import Result

__all__ = ["wrong_links"]


def wrong_links(result: Result) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the links to liars still in use, and the honest links severed, at each recorded iteration.

    Returns
    -------
    missed, wronged : (K+1,) ndarray of int
        Undirected edges between an honest agent and a falsifying one, and between two honest agents.
    """
    count = np.isin(result.edges, result.byzantine).sum(axis=1)
    cut = [_changes(result, events) for events in (result.severed, result.readmitted)]
    missed, wronged = (cut[0][kind] - cut[1][kind] for kind in (1, 0))
    return int((count == 1).sum()) - missed, wronged


def _changes(result: Result, events: NDArray[np.void]) -> dict[int, NDArray[np.int64]]:
    """Return how many links with 0 and 1 liars changed up to each recorded iteration; both ends' rows count once."""
    rows = np.stack([events["k"], np.minimum(events["i"], events["j"]), np.maximum(events["i"], events["j"])], axis=1)
    once = np.unique(rows, axis=0)
    liars = np.isin(once[:, 1:], result.byzantine).sum(axis=1)
    return {kind: np.searchsorted(once[liars == kind, 0], result.recorded, side="right") for kind in (0, 1)}
