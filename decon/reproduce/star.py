"""P2's experiment, section 4: one hub, m workers of which the last q lie, and every method on the same footing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import topologies
from decon.attacks import Attack, Gaussian, SameValue, SignFlip
from decon.baselines import (
    Rule,
    centered_clipping,
    coordinate_median,
    geometric_median,
    krum,
    mean,
    multi_krum,
    rsa,
    sgd,
    trimmed_mean,
)
from decon.costs import Ridge, SoftmaxRegression, WithHub
from decon.costs.base import Array
from decon.datasets import Dataset, split
from decon.errors import DataError, OptionError
from decon.methods import Admm
from decon.methods.local_steps import SquareRoot, Stochastic
from decon.runs.round import Setup, iterate
from decon.screens.median_distance import MedianDistance
from decon.screens.protocol import Screening
from decon.streams import stream

__all__ = ["METHODS", "SCENARIOS", "Curve", "Scenario", "Star", "accuracy", "hold_out"]

WORKERS = 20
RIDGE = 0.01
BATCH = 32

METHODS = (
    "ideal SGD",
    "SGD",
    "geometric median",
    "median",
    "trimmed mean",
    "Krum",
    "multi-Krum",
    "centered clipping",
    "RSA",
    "ADMM",
    "screened ADMM",
)
"""What is compared: P2's six, four more of its references, and the ADMM behind :class:`decon.MedianDistance`."""

Settings = Mapping[str, float]


@dataclass(frozen=True)
class Scenario:
    """One panel of P2's figures.

    Parameters
    ----------
    attack : {"gaussian", "sign-flip", "same-value"}
    q : int
        How many of the workers lie: the last ones.
    """

    attack: Literal["gaussian", "sign-flip", "same-value"]
    q: int

    @property
    def name(self) -> str:
        """Say attack and q, as tables and files do."""
        return f"{self.attack} q={self.q}"

    @property
    def how(self) -> Literal["iid", "label"]:
        """How the data are split: P2's same-value attack goes with every two workers sharing one digit."""
        return "label" if self.attack == "same-value" else "iid"

    def falsification(self) -> Attack:
        """Return P2's attack with P2's parameters."""
        if self.attack == "gaussian":
            return Gaussian(std=100.0, replace=True)
        return SignFlip(-3.0) if self.attack == "sign-flip" else SameValue(agent=1)


SCENARIOS = tuple(Scenario(attack, q) for attack in ("gaussian", "sign-flip", "same-value") for q in (4, 8))
"""P2's Fig. 1, 2 and 3, q = 4 and 8 each."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Top-1 test accuracy of x_0 against iterations.

    Attributes
    ----------
    iterations : (r,) ndarray of int
    accuracy : (r,) ndarray
        Shares of the test samples.
    """

    iterations: NDArray[np.intp]
    accuracy: Array


def accuracy(x: Array, dataset: Dataset) -> float:
    """Return the share of the test samples that the softmax weights ``x`` (N,) put into their class.

    Examples
    --------
    >>> from decon.datasets import synthetic_classification
    >>> data = synthetic_classification(100, 3)
    >>> accuracy(np.zeros(6), data)  # all zero scores: everything goes into class 0
    0.5
    """
    scores = dataset.X_test @ x.reshape(len(dataset.classes), -1).T
    return float((np.argmax(scores, axis=1) == dataset.y_test).mean())


def hold_out(dataset: Dataset, fold: int = 0, folds: int = 3) -> Dataset:
    """Return the training samples alone, a fold of them as test samples: for tuning. All folds together are all.

    Examples
    --------
    >>> from decon.datasets import synthetic_classification
    >>> hold_out(synthetic_classification(100, 3))
    Dataset('synthetic classification', classification, 66 + 34 samples, 3 features, 2 classes)
    """
    parts = np.array_split(stream(0, "validation").permutation(len(dataset.y)), folds)
    left = parts.pop(fold)
    kept = np.concatenate(parts)
    X, y = dataset.X, dataset.y
    return Dataset(X[kept], y[kept], X[left], y[left], dataset.task, dataset.classes, dataset.name)


class Star:
    """One scenario's data on one seed, ready for any method.

    Parameters
    ----------
    dataset : Dataset
        A classification.
    scenario : Scenario
    seed : int
        Of who holds which samples, the minibatches and the attack; all methods meet the same.

    Raises
    ------
    DataError
        If the data set is not a classification.

    Examples
    --------
    >>> from decon.datasets import synthetic_classification
    >>> star = Star(synthetic_classification(400, 3), Scenario("gaussian", 4), seed=0)
    >>> star.run("ADMM", {"dual_bound": 0.1, "beta": 0.1, "scale": 0.1}, iterations=100).iterations[-1]
    np.int64(100)
    """

    def __init__(self, dataset: Dataset, scenario: Scenario, seed: int) -> None:
        if dataset.task != "classification":
            raise DataError(f"{dataset.name} is a regression; top-1 accuracy needs classes")
        self.dataset, self.scenario, self.seed = dataset, scenario, seed
        parts = split(dataset, WORKERS, scenario.how, seed=seed)
        self.workers = SoftmaxRegression(
            [dataset.X[part] for part in parts], [dataset.y[part] for part in parts], len(dataset.classes)
        )
        self.byzantine = np.arange(WORKERS - scenario.q + 1, WORKERS + 1)
        honest = np.unique(np.concatenate([dataset.y[part] for part in parts[: WORKERS - scenario.q]]))
        self.kept_share = float(np.isin(dataset.y_test, honest).mean())
        """The share of the test samples whose class an honest worker holds: no method can do better without luck."""

    def run(
        self,
        method: str,
        settings: Settings,
        *,
        iterations: int = 1000,
        record_every: int = 10,
    ) -> Curve:
        """Run one of :data:`METHODS` and return its curve.

        Parameters
        ----------
        method : str
        settings : mapping of str to float
            "step" of SGD and RSA (times 1/√k), "dual_bound" λ of RSA and ADMM, "beta" β and "scale" s of the ADMM
            (σ^k = s√k), "radius" of centered clipping, "selected" of multi-Krum.
        iterations, record_every : int

        Raises
        ------
        OptionError
            If the method is unknown.
        """
        if method not in METHODS:
            raise OptionError(f"unknown method {method!r}; known are {', '.join(METHODS)}")
        if method in ("ADMM", "screened ADMM"):
            return self._admm(settings, iterations, record_every, MedianDistance() if method[0] == "s" else None)
        common: dict[str, Any] = {
            "byzantine": self.byzantine,
            "attack": self.scenario.falsification(),
            "batch_size": BATCH,
            "iterations": iterations,
            "ridge": RIDGE,
            "seed": self.seed,
            "record_every": record_every,
            "evaluate": partial(accuracy, dataset=self.dataset),
            "step": settings["step"],
        }
        if method == "RSA":
            done = rsa(self.workers, dual_bound=settings["dual_bound"], **common)
        else:
            done = sgd(self.workers, self._rule(method, settings), ideal=method == "ideal SGD", **common)
        return _padded(done.recorded, done.history, iterations, record_every)

    def _rule(self, method: str, settings: Settings) -> Rule:
        q = self.scenario.q
        if method in ("ideal SGD", "SGD"):
            return mean
        if method == "geometric median":
            return geometric_median
        if method == "median":
            return coordinate_median
        if method == "trimmed mean":
            return partial(trimmed_mean, trim=q)
        if method == "Krum":
            return partial(krum, byzantine=q)
        if method == "multi-Krum":
            return partial(multi_krum, byzantine=q, selected=int(settings["selected"]))
        return partial(centered_clipping, radius=settings["radius"])

    def _admm(self, settings: Settings, iterations: int, record_every: int, screening: Screening | None) -> Curve:
        costs = WithHub(Ridge(self.workers.dim, RIDGE), self.workers)
        setup = Setup(
            topo=topologies.make("star", costs.n),
            costs=costs,
            method=Admm(
                settings["beta"] / 2,
                dual_bound=settings["dual_bound"],
                local_step=Stochastic(SquareRoot(settings["scale"]), BATCH),
            ),
            byzantine=self.byzantine,
            attack=self.scenario.falsification(),
            screening=screening,
            seed=self.seed,
        )
        recorded, history = [], []
        for state in islice(iterate(setup, x0=np.zeros((costs.n, costs.dim))), iterations + 1):
            if state.k % record_every == 0 or state.k == iterations:
                recorded.append(state.k)
                history.append(accuracy(state.x[0], self.dataset))
        return Curve(np.array(recorded), np.array(history))


def _padded(recorded: NDArray[np.intp], history: NDArray[Any], iterations: int, record_every: int) -> Curve:
    """Return the curve of a run that may have diverged; the accuracy then stays at that of a guess: the last one."""
    grid = np.unique(np.append(np.arange(0, iterations + 1, record_every), iterations))
    filled = np.full(len(grid), history[-1], dtype=float)
    filled[: len(recorded)] = history
    return Curve(grid, filled)
