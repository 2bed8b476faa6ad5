"""Made-up regression and classification problems of any size, for tests and scaling studies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decon.arrays import checked
from decon.datasets.dataset import Dataset
from decon.errors import DataError
from decon.options import NOT_NEGATIVE, NUMBER, whole
from decon.streams import stream

__all__ = ["synthetic_classification", "synthetic_regression"]


def synthetic_regression(samples: int, features: int, *, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Draw y = ⟨w, x⟩ + noise·ε with x, w and ε standard normal.

    Parameters
    ----------
    samples, features : int
        Training samples; a fifth as many, and at least one, are drawn for the test.
    noise : float
        Standard deviation of the error of y.
    seed : int

    Raises
    ------
    DataError
        If a size is below 1 or the noise is negative.

    Examples
    --------
    >>> synthetic_regression(100, 3)
    Dataset('synthetic regression', regression, 100 + 20 samples, 3 features)
    """
    _check(samples, features)
    checked("noise", noise, NOT_NEGATIVE, error=DataError)
    rng = stream(seed, "synthetic regression")
    X = rng.normal(size=(samples + max(1, samples // 5), features))
    y = X @ rng.normal(size=features) + noise * rng.normal(size=len(X))
    return Dataset(X[:samples], y[:samples], X[samples:], y[samples:], "regression", (), "synthetic regression")


def synthetic_classification(
    samples: int, features: int, *, classes: int = 2, separation: float = 2.0, seed: int = 0
) -> Dataset:
    """Draw classes as unit normal clouds around random centres at a distance of ``separation`` from the origin.

    Parameters
    ----------
    samples, features : int
        Training samples; a fifth as many, and at least one, are drawn for the test.
    classes : int
        Their sizes differ by at most one.
    separation : float
        In standard deviations of a cloud.
    seed : int

    Raises
    ------
    DataError
        If a size is below 1 or there are fewer than two classes.

    Examples
    --------
    >>> synthetic_classification(100, 3, classes=4)
    Dataset('synthetic classification', classification, 100 + 20 samples, 3 features, 4 classes)
    """
    _check(samples, features)
    if not whole(2).accepts(classes):
        raise DataError(f"a classification needs at least two classes, not {classes!r}")
    checked("separation", separation, NUMBER, error=DataError)
    rng = stream(seed, "synthetic classification")
    centres = rng.normal(size=(classes, features))
    centres *= separation / np.linalg.norm(centres, axis=1, keepdims=True)

    def draw(count: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        y = rng.permutation(np.arange(count) % classes)
        return centres[y] + rng.normal(size=(count, features)), y

    X, y = draw(samples)
    X_test, y_test = draw(max(1, samples // 5))
    return Dataset(X, y, X_test, y_test, "classification", tuple(range(classes)), "synthetic classification")


def _check(samples: int, features: int) -> None:
    if not (whole(1).accepts(samples) and whole(1).accepts(features)):
        raise DataError(f"samples = {samples!r} and features = {features!r} must both be whole numbers of at least 1")
