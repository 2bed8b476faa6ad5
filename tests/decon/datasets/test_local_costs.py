import numpy as np
import pytest

from decon import datasets
from decon.costs import LeastSquares, LogisticRegression, SoftmaxRegression
from decon.errors import DataError


@pytest.mark.parametrize(
    "name, kind, dim",
    [
        ("diabetes", LeastSquares, 11),
        ("breast_cancer", LogisticRegression, 31),
        ("wine", SoftmaxRegression, 3 * 14),
        ("digits", SoftmaxRegression, 10 * 65),
    ],
)
@pytest.mark.parametrize("how", ["iid", "label", "dirichlet"])
def test_the_costs_are_those_of_the_split(name: str, kind: type, dim: int, how: str) -> None:
    local = datasets.costs(name, n=6, split=how, alpha=2.0, seed=3, ridge=0.1)  # type: ignore[arg-type]
    data = datasets.load(name, seed=3)
    parts = datasets.split(data, 6, how, alpha=2.0, seed=3)  # type: ignore[arg-type]
    assert isinstance(local, kind)
    assert (local.n, local.dim, local.samples.tolist()) == (6, dim, [len(part) for part in parts])
    # the gradient at zero in closed form: residuals are -y, 1/2 - y, or 1/classes - indicator
    X, y = data.X[parts[5]], data.y[parts[5]]
    if kind is LeastSquares:
        expected = -X.T @ y
    elif kind is LogisticRegression:
        expected = X.T @ (0.5 - y) / len(y)
    else:
        classes = len(data.classes)
        expected = ((1 / classes - np.eye(classes)[y]).T @ X / len(y)).ravel()
    assert np.abs(local.gradient(np.zeros((6, dim)))[5] - expected).max() < 1e-12  # sums of up to 100 terms


def test_accuracy_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression as Reference

    for name in ("digits", "breast_cancer"):
        data = datasets.load(name)
        model = Reference(fit_intercept=False, max_iter=2000).fit(data.X, data.y)
        assert data.accuracy(model.coef_.ravel()) == model.score(data.X_test, data.y_test) > 0.9


def test_accuracy_needs_a_classification_and_its_number_of_weights() -> None:
    with pytest.raises(DataError, match=r"diabetes \(regression"):
        datasets.load("diabetes").accuracy(np.zeros(11))
    with pytest.raises(DataError, match=r"digits .* \(65,\) weights"):
        datasets.load("digits").accuracy(np.zeros(65))


def test_the_costs_of_some_agents_are_those_of_all() -> None:
    chosen = [4, 1]
    everyone = datasets.costs("wine", n=6, split="dirichlet", alpha=2.0, seed=3, ridge=0.1)
    some = datasets.costs("wine", n=6, split="dirichlet", alpha=2.0, seed=3, ridge=0.1, agents=chosen)
    assert some.samples.tolist() == everyone.samples[chosen].tolist()
    x = np.random.default_rng(0).normal(size=(6, everyone.dim))
    np.testing.assert_allclose(some.gradient(x[chosen]), everyone.gradient(x)[chosen], atol=1e-12)  # sums of ~24 terms
