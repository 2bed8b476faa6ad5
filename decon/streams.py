"""Randomness by purpose: one seed, one independent stream a name, so that adding a draw never moves another's."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from decon.errors import OptionError

__all__ = ["minibatch", "stream"]


def stream(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """Return the random generator that ``seed`` gives to one purpose.

    The stream depends on ``seed``, ``purpose`` and ``keys`` alone: not on the platform, the process, or on which
    other streams were drawn from.

    Parameters
    ----------
    seed : int
        Non-negative.
    purpose : str
        What the draws are for, such as "minibatch", "attack" or "split".
    *keys : int
        Non-negative; they tell apart several streams of one purpose, such as the draws of one agent.

    Raises
    ------
    OptionError
        If the seed or a key is not a non-negative integer.

    Examples
    --------
    >>> stream(0, "attack").normal() == stream(0, "attack").normal()
    True
    >>> stream(0, "attack").normal() == stream(0, "minibatch").normal()
    False
    """
    for name, value in (("seed", seed), *(("key", key) for key in keys)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 0:
            raise OptionError(f"a random stream needs a non-negative integer {name}, not {value!r}")
    spawn_key = (zlib.crc32(purpose.encode()), *(int(key) for key in keys))
    return np.random.default_rng(np.random.SeedSequence(entropy=int(seed), spawn_key=spawn_key))


def minibatch(seed: int, k: int, samples: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Draw the minibatch rows of iteration ``k``: the same for every method that is run on ``seed``.

    Parameters
    ----------
    seed, k : int
        Run and iteration, from 1.
    samples : (m,) ndarray of int
        How many samples each worker holds; workers that lie are counted, a hub without data is not.
    size : int
        Samples a worker.

    Returns
    -------
    (m, size) ndarray of int
        Uniform with replacement, row i below ``samples[i]``.

    Examples
    --------
    >>> minibatch(0, 1, np.array([1, 1]), 3)
    array([[0, 0, 0],
           [0, 0, 0]])
    """
    return stream(seed, "minibatch", k).integers(0, samples[:, None], size=(len(samples), size), dtype=np.intp)
