from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decon.datasets import Dataset, load, split, synthetic_classification, synthetic_regression
from decon.errors import DataError


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    how=st.sampled_from(["iid", "label", "dirichlet"]),
    classes=st.integers(2, 12),
    seed=st.integers(0, 2**32),
    regression=st.booleans(),
)
def test_every_split_is_a_partition_into_nonempty_sorted_parts(
    n: int, how: str, classes: int, seed: int, regression: bool
) -> None:
    data = synthetic_regression(480, 1) if regression else synthetic_classification(480, 1, classes=classes)
    parts = split(data, n, how, alpha=5.0, seed=seed)  # type: ignore[arg-type]
    assert len(parts) == n
    assert min(map(len, parts)) >= 1
    assert all((np.diff(part) > 0).all() for part in parts)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(480))


def test_iid_sizes_differ_by_at_most_one_and_labels_mix() -> None:
    digits = load("digits")
    parts = split(digits, 20, "iid", seed=3)
    assert set(map(len, parts)) == {71, 72}
    assert min(len(set(digits.y[part].tolist())) for part in parts) >= 8  # 71 samples of 10 digits


def test_every_two_workers_share_one_digit() -> None:
    """P2 section 4."""
    digits = load("digits")
    parts = split(digits, 20, "label", seed=1)
    for i, part in enumerate(parts):
        assert set(digits.y[part].tolist()) == {i // 2}
    assert all(abs(len(parts[2 * d]) - len(parts[2 * d + 1])) <= 1 for d in range(10))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 9, 10, 11, 25, 40])
def test_label_split_gives_neighbouring_classes_to_neighbouring_agents(n: int) -> None:
    digits = load("digits")
    held = [sorted(set(digits.y[part].tolist())) for part in split(digits, n, "label")]
    assert all(h == list(range(h[0], h[-1] + 1)) for h in held)
    assert all(a[-1] <= b[0] for a, b in pairwise(held))
    assert max(map(len, held)) - min(map(len, held)) <= 1


def test_label_split_of_a_regression_sorts_by_target() -> None:
    data = load("diabetes")
    parts = split(data, 20, "label")
    ends = [(data.y[part].min(), data.y[part].max()) for part in parts]
    assert all(a[1] <= b[0] for a, b in pairwise(ends))


def test_dirichlet_goes_from_one_sided_to_alike() -> None:
    data = synthetic_classification(10_000, 1, classes=5)

    def spread(alpha: float) -> float:
        parts = split(data, 10, "dirichlet", alpha=alpha, seed=0)
        shares = np.array([np.bincount(data.y[part], minlength=5) for part in parts]) / 2000
        return float(shares.var())

    # a share is Beta(alpha, 9·alpha): variance 0.1·0.9/(10·alpha + 1); 50 dependent draws, so a factor of 2
    for alpha in (0.5, 5.0, 500.0):
        assert 0.5 < spread(alpha) / (0.09 / (10 * alpha + 1)) < 2


def test_seeds() -> None:
    data = load("wine")
    for how in ("iid", "label", "dirichlet"):
        one, again, other = (split(data, 5, how, seed=s) for s in (0, 0, 1))  # type: ignore[arg-type]
        assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
        assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def lopsided() -> Dataset:
    X = np.arange(20.0)[:, None]
    return Dataset(
        X, np.array([0] * 19 + [1]), X, np.zeros(20, dtype=int), "classification", ("many", "one"), "lopsided"
    )


@pytest.mark.parametrize(
    "n, how, alpha, message",
    [
        (0, "iid", 1, "n = 0"),
        (21, "iid", 1, "20 samples of lopsided .* n = 21"),
        (4, "label", 1, "class 'one' of lopsided has 1 samples for 2 agents"),
        (2, "sorted", 1, "unknown split 'sorted'"),
        (2, "dirichlet", 0.0, "alpha must be positive and finite, not 0"),
        (2, "dirichlet", float("nan"), "alpha must be"),
        (15, "dirichlet", 1e-3, "100 draws of Dirichlet"),
    ],
)
def test_impossible_splits_are_named(n: int, how: str, alpha: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        split(lopsided(), n, how, alpha=alpha)  # type: ignore[arg-type]
