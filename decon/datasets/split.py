"""``split``: which agent holds which training samples — alike (iid), by label, or Dirichlet in between."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from decon.arrays import whole_number
from decon.datasets.dataset import Dataset
from decon.errors import DataError
from decon.options import POSITIVE
from decon.streams import stream

__all__ = ["How", "split"]

How = Literal["iid", "label", "dirichlet"]

_TRIES = 100
_QUANTILE_BINS = 10
"""A regression has no labels: its targets are put into this many bins of equal count."""


def split(dataset: Dataset, n: int, how: How = "iid", *, alpha: float = 1.0, seed: int = 0) -> list[NDArray[np.intp]]:
    """Give every training sample to one of ``n`` agents; every agent gets at least one.

    Parameters
    ----------
    dataset : Dataset
        Where it says who holds which sample (``owner``), that is the split, and ``how`` is left at its default.
    n : int
        Number of agents (P2: workers, the hub is not one of them).
    how : {"iid", "label", "dirichlet"}
        *iid*: a random partition into sizes that differ by at most one. *label*: agents in order share the classes in
        order, so that with n = 20 agents and 10 digits every two share one digit, as in P2's third experiment; with
        fewer agents than classes an agent holds several. *dirichlet*: each class is dealt out in proportions drawn from
        Dirichlet(alpha): nearly iid for a large alpha, nearly one agent a class for a small one. In a regression, ten
        bins of equal count take the place of the classes, and *label* sorts by target.
    alpha : float
        Concentration, for *dirichlet* only.
    seed : int

    Returns
    -------
    list of (samples_i,) ndarray
        Sorted indices into ``dataset.X``; disjoint, and together all of them.

    Raises
    ------
    DataError
        If there are more agents than samples, or another number than the data have, a class has fewer samples than
        agents that share it, or 100 Dirichlet draws all leave an agent without a sample.

    References
    ----------
    .. [1] Lin, Ling, Li, Xiong (2020). Stochastic ADMM for Byzantine-robust distributed learning, section 4.

    Examples
    --------
    >>> from decon.datasets import load
    >>> digits = load("digits")
    >>> [sorted(set(digits.y[part].tolist())) for part in split(digits, 20, "label")][:4]
    [[0], [0], [1], [1]]
    """
    n, samples = whole_number("n", n, 0, error=DataError), len(dataset.y)
    if dataset.owner is not None:
        return _as_owned(dataset, n, how)
    if not 1 <= n <= samples:
        raise DataError(f"{samples} samples of {dataset.name} cannot be split over n = {n} agents")
    rng = stream(seed, "split")
    if how == "iid":
        owner = np.empty(samples, dtype=np.intp)
        owner[rng.permutation(samples)] = np.arange(samples) * n // samples
    elif how == "label":
        owner = _by_label(dataset, n, rng)
    elif how == "dirichlet":
        if not POSITIVE.accepts(alpha):
            raise DataError(f"alpha must be positive and finite, not {alpha!r}")
        owner = _by_dirichlet(dataset, n, alpha, rng)
    else:
        raise DataError(f"unknown split {how!r}; known are 'iid', 'label', 'dirichlet'")
    return _parts(owner, n)


def _parts(owner: NDArray[np.integer], n: int) -> list[NDArray[np.intp]]:
    order = np.argsort(owner, kind="stable")
    return list(np.split(order, np.cumsum(np.bincount(owner, minlength=n))[:-1]))


def _as_owned(dataset: Dataset, n: int, how: str) -> list[NDArray[np.intp]]:
    """Return what the data themselves say of who holds which sample."""
    assigned = dataset.owner
    if how != "iid":
        raise DataError(f"{dataset.name} says who holds which sample; the split {how!r} is for data that do not")
    if assigned is None or n != len(dataset.agents):
        raise DataError(f"{dataset.name} holds samples of {len(dataset.agents)} agents, not of {n}")
    return _parts(assigned, n)


def _by_label(dataset: Dataset, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    samples = len(dataset.y)
    owner = np.empty(samples, dtype=np.intp)
    if dataset.task == "regression":
        owner[np.argsort(dataset.y, kind="stable")] = np.arange(samples) * n // samples
        return owner
    count = len(dataset.classes)
    for label, name in enumerate(dataset.classes):
        rows = rng.permutation(np.flatnonzero(dataset.y == label))
        # agents i with floor(i·count / n) = label; none when there are fewer agents than classes
        agents = np.arange(-(-label * n // count), -(-(label + 1) * n // count))
        if not agents.size:
            agents = np.array([label * n // count])
        elif len(rows) < len(agents):
            raise DataError(f"class {name!r} of {dataset.name} has {len(rows)} samples for {len(agents)} agents")
        owner[rows] = agents[np.arange(len(rows)) * len(agents) // max(len(rows), 1)]
    if np.bincount(owner, minlength=n).min() == 0:
        raise DataError(f"agent {int(np.bincount(owner, minlength=n).argmin())} would hold no sample of {dataset.name}")
    return owner


def _by_dirichlet(dataset: Dataset, n: int, alpha: float, rng: np.random.Generator) -> NDArray[np.intp]:
    labels = dataset.y
    if dataset.task == "regression":
        ranks = np.empty(len(labels), dtype=np.intp)
        ranks[np.argsort(labels, kind="stable")] = np.arange(len(labels))
        labels = ranks * _QUANTILE_BINS // len(labels)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    owner = np.empty(len(labels), dtype=np.intp)
    for _ in range(_TRIES):
        for rows in groups:
            shares = rng.dirichlet(np.full(n, alpha))
            bounds = np.round(np.cumsum(shares) * len(rows)).astype(np.intp)
            owner[rng.permutation(rows)] = np.minimum(
                np.searchsorted(bounds, np.arange(len(rows)), side="right"), n - 1
            )
        if np.bincount(owner, minlength=n).min() > 0:
            return owner
    raise DataError(
        f"{_TRIES} draws of Dirichlet({alpha:g}) all left one of n = {n} agents without a sample of {dataset.name}; "
        "raise alpha or take fewer agents"
    )
