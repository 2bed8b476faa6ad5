from typing import Any

import numpy as np
import pytest

from decon.datasets import Dataset, synthetic_classification, synthetic_regression
from decon.errors import DataError


def make(**changes: Any) -> Dataset:
    parts: dict[str, Any] = {
        "X": np.ones((4, 2)),
        "y": np.array([0, 1, 1, 0]),
        "X_test": np.ones((1, 2)),
        "y_test": np.array([1]),
        "task": "classification",
        "classes": ("a", "b"),
        "name": "toy",
    }
    return Dataset(**(parts | changes))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"X": np.ones((3, 2))}, "X .3, 2. and y"),
        ({"X_test": np.ones((1, 3))}, "X_test"),
        ({"X": np.ones((0, 2)), "y": np.array([])}, "X .0, 2."),
        ({"X": np.array([[1.0, 1], [1, 1], [np.inf, 1], [1, 1]])}, "X is not finite in sample 2"),
        ({"y": np.array([0, 1, np.nan, 0])}, "y is not finite in sample 2"),
        ({"y": np.array([0, 1, 2, 0])}, "class numbers 0 … 1"),
        ({"y": np.array([0, 1, 0.5, 0])}, "class numbers 0 … 1"),
        ({"classes": ()}, "cannot have the classes"),
        ({"task": "regression"}, "cannot have the classes"),
        ({"task": "ranking"}, "ranking"),
    ],
)
def test_bad_data_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make(**changes)


def test_arrays_are_read_only_and_the_callers_stay_writable() -> None:
    X = np.ones((4, 2))
    data = make(X=X)
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 2
    X[0, 0] = 3
    assert np.shares_memory(X, data.X)


def test_regression_targets_follow_one_linear_model() -> None:
    data = synthetic_regression(500, 4, noise=1e-3, seed=3)
    fitted, *_ = np.linalg.lstsq(data.X, data.y)
    # one w for training and test: residuals are the noise, of size 1e-3
    assert np.std(data.X_test @ fitted - data.y_test) < 1.5e-3
    assert abs(np.std(data.X @ fitted - data.y) / 1e-3 - 1) < 0.1  # 5 sigma / sqrt(2 · 500) = 0.16 at worst


def test_classes_are_clouds_around_their_centres() -> None:
    data = synthetic_classification(6000, 5, classes=3, separation=4.0, seed=1)
    assert np.bincount(data.y).tolist() == [2000] * 3
    for label in range(3):
        cloud = data.X[data.y == label]
        # mean of 2,000 samples: standard deviation 1/sqrt(2000) = 0.022 a coordinate, 5 coordinates
        assert abs(np.linalg.norm(cloud.mean(axis=0)) - 4) < 5 * 0.022
        assert np.abs(cloud.std(axis=0) - 1).max() < 5 * 0.016
        assert np.linalg.norm(data.X_test[data.y_test == label].mean(axis=0) - cloud.mean(axis=0)) < 5 * 0.12


def test_same_seed_same_bytes() -> None:
    assert synthetic_classification(30, 2, seed=4).X.tobytes() == synthetic_classification(30, 2, seed=4).X.tobytes()
    assert synthetic_regression(30, 2, seed=4).X.tobytes() != synthetic_regression(30, 2, seed=5).X.tobytes()


def test_bad_sizes() -> None:
    with pytest.raises(DataError, match="samples = 0"):
        synthetic_regression(0, 1)
    with pytest.raises(DataError, match="noise"):
        synthetic_regression(3, 1, noise=float("nan"))
    with pytest.raises(DataError, match="two classes"):
        synthetic_classification(3, 1, classes=1)
