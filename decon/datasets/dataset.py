"""The container for one learning problem: training and test samples, checked once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from decon.arrays import real_array, whole_numbers
from decon.errors import DataError
from topologies.frozen import Frozen, freeze

__all__ = ["Dataset", "Task"]

Task = Literal["regression", "classification"]


@dataclass(frozen=True, eq=False)
class Dataset(Frozen):
    """Samples of a regression or classification problem.

    Arrays of doubles are kept as read-only views, not copied (covertype alone is a quarter of a gigabyte); what else
    :func:`decon.arrays.real_array` takes, such as a DataFrame, is turned into them.

    Parameters
    ----------
    X : (samples, features) array_like
        Training features; a last column of ones where the loader added the bias.
    y : (samples,) array_like
        Targets (float) of a regression, or class numbers 0 … len(classes) - 1 (int) of a classification; its classes
        themselves, if they are text.
    X_test, y_test : array_like
        The same for the test samples; none, (0, features), where all samples are for training.
    task : {"regression", "classification"}
    classes : sequence
        What the class numbers stand for; empty for a regression. Kept as a tuple.
    name : str
    owner : (samples,) array_like of int, optional
        Where the data say who holds what: the place in ``agents`` of each training sample's agent.
    agents : sequence
        Their names; each holds a sample.

    Raises
    ------
    DataError
        If shapes disagree, there is no sample, a value is no finite number, or a class number or agent is out of range.

    Examples
    --------
    >>> Dataset(np.eye(2), ["no", "yes"], np.eye(2), np.array([0, 1]), "classification", ("no", "yes"), "toy")
    Dataset('toy', classification, 2 + 2 samples, 2 features, 2 classes)
    """

    X: NDArray[np.float64]
    y: NDArray[Any]
    X_test: NDArray[np.float64]
    y_test: NDArray[Any]
    task: Task
    classes: tuple[Any, ...]
    name: str
    owner: NDArray[np.int64] | None = None
    agents: tuple[Hashable, ...] = ()

    def __post_init__(self) -> None:
        if self.task not in ("regression", "classification"):
            raise DataError(f"a task is 'regression' or 'classification', not {self.task!r}")
        for field in ("classes", "agents"):
            object.__setattr__(self, field, _tuple(field, getattr(self, field)))
        if (self.task == "classification") != (len(self.classes) >= 2):
            raise DataError(f"{self.name}: a {self.task} problem cannot have the classes {self.classes}")
        for features, targets in (("X", "y"), ("X_test", "y_test")):
            self._take(features, targets)
        self._take_owners()

    def _take(self, features: str, targets: str) -> None:
        """Check the samples for training or test, and keep views of them that are read-only."""
        X = real_array(f"{self.name}: {features}", getattr(self, features), error=DataError)
        y = real_array(f"{self.name}: {targets}", self._numbered(targets), error=DataError)
        whole = self.X if features == "X_test" else X
        short = 0 in X.shape and not (features == "X_test" and X.shape[0] == 0)
        if X.ndim != 2 or y.shape != X.shape[:1] or short or X.shape[1] != np.shape(whole)[1]:
            raise DataError(f"{self.name}: {features} {X.shape} and {targets} {y.shape} do not fit together")
        # one pass and no (samples, features) temporary: a non-finite entry makes the sum non-finite
        if not np.isfinite(X.sum()) and not np.isfinite(X).all():
            raise DataError(f"{self.name}: {features} is not finite in sample {_first_bad(X)}")
        if not np.isfinite(y).all():
            raise DataError(f"{self.name}: {targets} is not finite in sample {_first_bad(y)}")
        if self.classes and y.size and (y.min() < 0 or y.max() >= len(self.classes) or np.any(y != np.floor(y))):
            raise DataError(f"{self.name}: {targets} must hold class numbers 0 … {len(self.classes) - 1}")
        kind = float if self.task == "regression" else np.int64
        for field, array in ((features, X), (targets, y.astype(kind, copy=False))):
            object.__setattr__(self, field, freeze(array.view()))

    def _numbered(self, targets: str) -> Any:
        """Return targets, text among the classes by its class number."""
        given = getattr(self, targets)
        if isinstance(given, np.ndarray) and given.dtype.kind in "biuf":
            return given
        found = np.asarray(given.to_numpy() if hasattr(given, "to_numpy") else given, dtype=object)
        if not self.classes or found.ndim != 1 or not all(isinstance(label, str) for label in found):
            return given
        numbers = {label: number for number, label in enumerate(self.classes)}
        unknown = next((place for place, label in enumerate(found) if label not in numbers), None)
        if unknown is not None:
            raise DataError(f"{self.name}: {targets} holds {found[unknown]!r} in sample {unknown}, which is no class")
        return np.array([numbers[label] for label in found], dtype=np.int64)

    def _take_owners(self) -> None:
        if self.owner is None:
            if self.agents:
                raise DataError(f"{self.name}: agents are named, but not who holds which sample")
            return
        owner = whole_numbers(f"{self.name}: owner", self.owner, error=DataError)
        count = len(self.agents)
        if owner.shape != self.y.shape or owner.min() < 0 or owner.max() >= count:
            raise DataError(f"{self.name}: owner must hold one of 0 … {count - 1} for each of {len(self.y)} samples")
        held = np.bincount(owner, minlength=count)
        if len(set(self.agents)) < count or not held.all():
            idle = self.agents[int(np.argmin(held))]
            raise DataError(f"{self.name}: agent {idle!r} holds no sample, or two agents have one name")
        object.__setattr__(self, "owner", freeze(owner))

    def in_order(self, labels: Sequence[Hashable]) -> Dataset:
        """Return the data with their agents in the order of a network's labels.

        Parameters
        ----------
        labels : (n,) sequence
            Of a :class:`topologies.Topology`. Agents are found by name; labels that are only the numbers 0 … n - 1
            name nobody, and agents stay in their own order.

        Raises
        ------
        DataError
            If the data have no agents, another number of them, or others than the network.

        Examples
        --------
        >>> data = Dataset(np.eye(2), [1, 2], np.empty((0, 2)), [], "regression", (), "toy", [0, 1], ("ann", "bob"))
        >>> data.in_order(["bob", "ann"]).owner
        array([1, 0])
        """
        if self.owner is None:
            raise DataError(f"{self.name} does not say who holds which sample")
        if len(labels) != len(self.agents):
            raise DataError(f"{self.name} holds samples of {len(self.agents)} agents, the network has {len(labels)}")
        names = [str(label) for label in labels]
        places = {name: place for place, name in enumerate(names)}
        strange = next((agent for agent in self.agents if str(agent) not in places), None)
        if strange is None:
            order = np.array([places[str(agent)] for agent in self.agents], dtype=np.int64)
            agents = tuple(self.agents[int(old)] for old in np.argsort(order))
            return replace(self, owner=order[self.owner], agents=agents)
        if list(labels) == list(range(len(labels))):
            return self
        raise DataError(f"{self.name} holds samples of {strange!r}, who is not in the network of {names[0]!r}, …")

    def accuracy(self, x: NDArray[np.float64]) -> float:
        """Return the share of test samples that ``x`` puts into their class (top-1).

        Parameters
        ----------
        x : (classes · features,) or, of two classes, (features,) ndarray
            Weights as :class:`~decon.costs.SoftmaxRegression` and :class:`~decon.costs.LogisticRegression` order them.

        Raises
        ------
        DataError
            If this is a regression, there is no test sample, or ``x`` has another length.

        Examples
        --------
        >>> from decon.datasets import synthetic_classification
        >>> data = synthetic_classification(100, 2)
        >>> data.accuracy(np.linalg.lstsq(data.X, 2.0 * data.y - 1)[0])
        1.0
        """
        if not len(self.y_test):
            raise DataError(f"{self.name} has no test samples, so no accuracy")
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
        agents = f", {len(self.agents)} agents" if self.agents else ""
        return (
            f"Dataset({self.name!r}, {self.task}, {len(self.y)} + {len(self.y_test)} samples, "
            f"{self.X.shape[1]} features{classes}{agents})"
        )


def _first_bad(array: NDArray[Any]) -> int:
    return int(np.argwhere(~np.isfinite(array))[0][0])


def _tuple(field: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise DataError(f"{field} must be a list, not {given!r}")
    return tuple(given.tolist() if hasattr(given, "tolist") else given)
