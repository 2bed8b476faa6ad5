"""The container for one learning problem: training and test samples, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from decon.errors import DataError

__all__ = ["Dataset", "Task"]

Task = Literal["regression", "classification"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples of a regression or classification problem.

    The arrays are kept as read-only views, not copied (covertype alone is a quarter of a gigabyte).

    Parameters
    ----------
    X : (samples, features) ndarray of float
        Training features; a last column of ones where the loader added the bias.
    y : (samples,) ndarray
        Targets (float) of a regression, or class numbers 0 … len(classes) - 1 (int) of a classification.
    X_test, y_test : ndarray
        The same for the test samples; at least one sample.
    task : {"regression", "classification"}
    classes : tuple
        What the class numbers stand for; empty for a regression.
    name : str

    Raises
    ------
    DataError
        If shapes disagree, there is no sample, a value is not finite, or a class number is out of range.

    Examples
    --------
    >>> Dataset(np.eye(2), np.array([0, 1]), np.eye(2), np.array([0, 1]), "classification", ("no", "yes"), "toy")
    Dataset('toy', classification, 2 + 2 samples, 2 features, 2 classes)
    """

    X: NDArray[np.float64]
    y: NDArray[Any]
    X_test: NDArray[np.float64]
    y_test: NDArray[Any]
    task: Task
    classes: tuple[Any, ...]
    name: str

    def __post_init__(self) -> None:
        if self.task not in ("regression", "classification"):
            raise DataError(f"a task is 'regression' or 'classification', not {self.task!r}")
        if (self.task == "classification") != (len(self.classes) >= 2):
            raise DataError(f"{self.name}: a {self.task} problem cannot have the classes {self.classes}")
        kind = float if self.task == "regression" else np.int64
        for features, targets in (("X", "y"), ("X_test", "y_test")):
            X, y = np.asarray(getattr(self, features), dtype=float), np.asarray(getattr(self, targets))
            if X.ndim != 2 or y.shape != X.shape[:1] or 0 in X.shape or X.shape[1] != np.shape(self.X)[1]:
                raise DataError(f"{self.name}: {features} {X.shape} and {targets} {y.shape} do not fit together")
            # one pass and no (samples, features) temporary: a non-finite entry makes the sum non-finite
            if not np.isfinite(X.sum()) and not np.isfinite(X).all():
                raise DataError(f"{self.name}: {features} is not finite in sample {_first_bad(X)}")
            if not np.isfinite(y).all():
                raise DataError(f"{self.name}: {targets} is not finite in sample {_first_bad(y)}")
            if self.classes and (y.min() < 0 or y.max() >= len(self.classes) or np.any(y != y.astype(np.int64))):
                raise DataError(f"{self.name}: {targets} must hold class numbers 0 … {len(self.classes) - 1}")
            for field, array in ((features, X), (targets, y.astype(kind, copy=False))):
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, field, view)

    def accuracy(self, x: NDArray[np.float64]) -> float:
        """Return the share of test samples that ``x`` puts into their class (top-1).

        Parameters
        ----------
        x : (classes · features,) or, of two classes, (features,) ndarray
            Weights as :class:`~decon.costs.SoftmaxRegression` and :class:`~decon.costs.LogisticRegression` order them.

        Raises
        ------
        DataError
            If this is a regression or ``x`` has another length.

        Examples
        --------
        >>> from decon.datasets import synthetic_classification
        >>> data = synthetic_classification(100, 2)
        >>> data.accuracy(np.linalg.lstsq(data.X, 2.0 * data.y - 1)[0])
        1.0
        """
        features, classes = self.X.shape[1], len(self.classes)
        if classes == 2 and x.shape == (features,):
            guess = self.X_test @ x > 0
        elif classes and x.shape == (classes * features,):
            guess = np.argmax(self.X_test @ x.reshape(classes, features).T, axis=1)
        else:
            raise DataError(f"{self.name} ({self.task}, {features} features) has no accuracy for {x.shape} weights")
        return float(np.mean(guess == self.y_test))

    def __repr__(self) -> str:
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return (
            f"Dataset({self.name!r}, {self.task}, {len(self.y)} + {len(self.y_test)} samples, "
            f"{self.X.shape[1]} features{classes})"
        )


def _first_bad(array: NDArray[Any]) -> int:
    return int(np.argwhere(~np.isfinite(array))[0][0])
