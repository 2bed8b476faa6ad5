"""Random regular graphs by vectorised pairing, repaired and mixed by edge switching."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topologies.errors import TopologyError

__all__ = ["regular_edges"]

_REPAIRS = 10_000
_MIXING_EDGES = 10_000


def regular_edges(n: int, d: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a simple d-regular graph, connected or not.

    The configuration model pairs n·d half-edges at random. Loops and double edges (about d²/4 of them, whatever n)
    are switched with random other edges until none is left, which favours some graphs a little. Random switches that
    keep the graph simple are a Markov chain whose limit is uniform; on graphs of up to 10,000 edges a few for every
    edge bring the draw nearer to it. How near is not proven, and larger graphs keep the repair's bias.

    Parameters
    ----------
    n, d : int
        1 <= d < n, n·d even.
    rng : numpy.random.Generator
        Advanced.

    Returns
    -------
    (n·d/2, 2) ndarray of int
        Edges, smaller agent first, sorted.

    Raises
    ------
    TopologyError
        If the repair does not end; no case is known.

    References
    ----------
    .. [1] Bollobás (1980), A probabilistic proof of an asymptotic formula for the number of labelled regular graphs.
    .. [2] McKay, Wormald (1990), Uniform generation of random regular graphs of moderate degree.

    Examples
    --------
    >>> edges = regular_edges(8, 3, np.random.default_rng(0))
    >>> np.bincount(edges.ravel())
    array([3, 3, 3, 3, 3, 3, 3, 3])
    """
    if 2 * d >= n:  # dense: draw the complement, which repairs easily
        taken = np.zeros((n, n), dtype=bool)
        if d < n - 1:
            taken[tuple(regular_edges(n, n - 1 - d, rng).T)] = True
        return np.stack(np.nonzero(np.triu(~taken, 1)), axis=1)
    edges = rng.permutation(np.repeat(np.arange(n), d)).reshape(-1, 2)
    for _ in range(_REPAIRS):
        bad = np.flatnonzero(_faulty(edges, n))
        if not bad.size:
            break
        _switch(edges, n, bad, rng)
    else:
        raise TopologyError(f"no simple {d}-regular graph on n = {n} agents in {_REPAIRS} repairs")
    if len(edges) <= _MIXING_EDGES:
        for _ in range(30):
            _switch(edges, n, rng.permutation(len(edges))[: max(1, len(edges) // 8)], rng)
    return np.stack(np.divmod(np.sort(_keys(edges, n)), n), axis=1)


def _keys(edges: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    low, high = np.minimum(edges[:, 0], edges[:, 1]), np.maximum(edges[:, 0], edges[:, 1])
    return np.asarray(low * n + high)


def _faulty(edges: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Loops, and all but one of each set of parallel edges."""
    keys = _keys(edges, n)
    faulty: NDArray[np.bool_] = edges[:, 0] == edges[:, 1]
    ordered = np.sort(keys)
    parallel = np.flatnonzero(_among(keys, ordered[1:][ordered[1:] == ordered[:-1]]))
    faulty[np.delete(parallel, np.unique(keys[parallel], return_index=True)[1])] = True
    return faulty


def _switch(edges: NDArray[np.int64], n: int, chosen: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Turn chosen (a, b) and random (c, e) into (a, e), (c, b) in place, wherever no fault is made by it."""
    partners = rng.integers(len(edges), size=len(chosen))
    single = _unique(np.concatenate([chosen, partners])).reshape(2, -1).all(axis=0)
    chosen, partners = chosen[single], partners[single]
    first, second = edges[chosen], edges[partners]
    flip = rng.random(len(chosen)) < 0.5
    second[flip] = second[flip, ::-1]
    new = np.stack([np.stack([first[:, 0], second[:, 1]], 1), np.stack([second[:, 0], first[:, 1]], 1)])
    keys = _keys(new.reshape(-1, 2), n)
    taken = _keys(edges, n)
    taken = taken[_among(taken, np.sort(keys))]
    clear = _unique(keys) & ~np.isin(keys, taken) & (new[..., 0] != new[..., 1]).ravel()
    accept = clear.reshape(2, -1).all(axis=0)
    edges[chosen[accept]] = new[0, accept]
    edges[partners[accept]] = new[1, accept]


def _among(values: NDArray[np.int64], few: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the values that are among a few ascending ones; np.isin would hash or sort all of the values."""
    if not few.size:
        return np.zeros(values.shape, dtype=bool)
    return np.asarray(few[np.minimum(np.searchsorted(few, values), len(few) - 1)] == values)


def _unique(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the values that occur once."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] == 1)
