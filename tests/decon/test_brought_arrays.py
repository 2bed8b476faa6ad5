"""Whatever users bring becomes the same numbers, or is refused in one line that names value and place."""

import copy
import decimal
import fractions
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import decon
import topologies
from decon.arrays import blocks_of, real_array
from decon.attacks import WorstCase
from decon.costs import (
    FromCVXPY,
    Huber,
    LeastSquares,
    LogisticRegression,
    Quadratic,
    Ridge,
    SoftmaxRegression,
    WithHub,
)
from decon.datasets import Dataset, quadratics, split, synthetic_classification, synthetic_regression
from decon.distributed import Shards, save_shards
from decon.errors import CostError, DataError, DeconError, OptionError

RNG = np.random.default_rng(3)
WHOLE = RNG.integers(-4, 5, size=(6, 3)).astype(float)  # whole numbers survive every type below


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


RIGHT = {
    "list": lambda a: a.tolist(),
    "tuple of arrays": lambda a: tuple(a),
    "int": lambda a: a.astype(int),
    "int8": lambda a: a.astype(np.int8),
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "longdouble": lambda a: a.astype(np.longdouble),
    "big-endian": lambda a: a.astype(">f8"),
    "read-only": read_only,
    "fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "subclass": lambda a: a.view(type("Mine", (np.ndarray,), {})),
    "DataFrame": pd.DataFrame,
    "DataFrame of Int64": lambda a: pd.DataFrame(a.astype(int)).astype("Int64"),
    "DataFrame of mixed": lambda a: pd.DataFrame(a).astype({0: "int8", 1: "Float64"}),
    "masked, nothing masked": lambda a: np.ma.masked_invalid(a),
    "csr": sp.csr_array,
    "coo matrix": sp.coo_matrix,
    "objects": lambda a: a.astype(object),
    "fractions": lambda a: [[fractions.Fraction(int(x)) for x in row] for row in a],
    "decimals": lambda a: [[decimal.Decimal(int(x)) for x in row] for row in a],
    "series": lambda a: [pd.Series(row, index=[7, 5, 3]) for row in a],
    "masked rows": lambda a: [np.ma.masked_invalid(row) for row in a],
}


@pytest.mark.parametrize("bring", RIGHT.values(), ids=RIGHT)
def test_it_is_the_same_numbers(bring):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = real_array("X", bring(WHOLE))
    assert found.dtype == np.float64
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, WHOLE)


WRONG = {
    "text": (lambda a: a.astype(str), r"not text: '.*' at \[0, 0\]"),
    "text in a list": (lambda a: [[1.0, "b", 2.0]], r"not text: 'b' at \[0, 1\]"),
    "numbers as text": (lambda a: [["1", "2"]], r"not text: '1'"),
    "bytes": (lambda a: a.astype(bytes), "not bytes"),
    "categories": (lambda a: pd.Series(["x", "y"], dtype="category"), r"not text: 'x' at \[0\]"),
    "complex": (lambda a: a + 0j, "not complex"),
    "complex in a list": (lambda a: [1.0, 2j], "not complex"),
    "complex sparse": (lambda a: sp.csr_array(a + 1j), "not complex"),
    "masked": (lambda a: np.ma.masked_array(a, a == a[2, 1]), r"the entry at \[\d, \d\] is masked"),
    "masked in a list": (lambda a: [a[0], np.ma.masked_array(a[1], [0, 1, 0])], r"the entry at \[1, 1\] is masked"),
    "pandas NA": (
        lambda a: pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64")}),
        r"value at \[1, 0\] is missing",
    ),
    "pandas NaT": (lambda a: pd.array([pd.NaT], dtype=object), "missing"),
    "None": (lambda a: [[1.0, None]], r"value at \[0, 1\] is missing"),
    "ragged": (lambda a: [[1.0], [1.0, 2.0]], "the same shape for each agent"),
    "ragged arrays": (lambda a: [np.ones(2), np.ones(3)], "the same shape"),
    "array of arrays": (lambda a: np.array([np.ones(2), np.ones(3)], dtype=object), "the same shape"),
    "dates": (lambda a: np.array(["2020-01-01"], dtype="M8[D]"), "not dates"),
    "spans": (lambda a: np.array([1], dtype="m8[s]"), "not spans of time"),
    "records": (lambda a: np.zeros(2, dtype=[("a", float)]), "not records"),
    "dict": (lambda a: {"x": a}, "not a dict"),
    "set": (lambda a: {1.0, 2.0}, "not a set"),
    "objects": (lambda a: [object()], r"not a object: .* at \[0\]|not a"),
    "generator": (lambda a: (x for x in a), "not a generator"),
    "sparse, too large": (lambda a: sp.csr_array((10**6, 10**6)), "too large to write out"),
}


@pytest.mark.parametrize("bring, message", WRONG.values(), ids=WRONG)
def test_it_is_refused_in_one_line(bring, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for error in (CostError, DataError):
            with pytest.raises(error, match=f"^X must be an array of real numbers, .*{message}") as caught:
                real_array("X", bring(WHOLE), error=error)
            assert "\n" not in str(caught.value)


def test_integers_beyond_doubles_are_infinite_and_so_refused_by_place():
    with pytest.raises(CostError, match="b is not finite for agent 1"):
        Quadratic(np.ones((2, 1, 1)), [[1], [10**400]])


@pytest.mark.parametrize(
    "value", [None, 5, 2.5, "abc", b"abc", {"a": 1}, pd.DataFrame(WHOLE), sp.csr_array(WHOLE), len]
)
def test_blocks_are_one_array_an_agent(value):
    with pytest.raises(CostError, match=r"^X must be one array for each agent, not "):
        blocks_of("X", value)


def test_blocks_may_be_of_any_kind():
    expected = [WHOLE[:2], WHOLE[2:6]]
    kinds = (list, np.asarray, pd.DataFrame, sp.csr_array, np.ma.masked_invalid)
    for kind in kinds:
        for mine, other in zip(blocks_of("X", [kind(part) for part in expected]), expected, strict=True):
            np.testing.assert_array_equal(mine, other)
    series = pd.DataFrame({"agent": [0, 0, 1], "y": [1.0, 2.0, 3.0]}).groupby("agent")["y"].apply(np.array)
    assert [part.tolist() for part in blocks_of("y", series)] == [[1.0, 2.0], [3.0]]
    assert [part.tolist() for part in blocks_of("y", (row for row in WHOLE))] == WHOLE.tolist()


A = [RNG.integers(-4, 5, size=(m, 2)).astype(float) for m in (3, 2, 4)]
Y = [RNG.integers(0, 2, size=len(part)) for part in A]
SAMPLED = {
    "least squares": lambda A, y: LeastSquares(A, y, 0.5),
    "huber": lambda A, y: Huber(A, y, delta=1.5),
    "logistic": LogisticRegression,
    "softmax": lambda A, y: SoftmaxRegression(A, y, np.int64(2)),
}


@pytest.mark.parametrize("make", SAMPLED.values(), ids=SAMPLED)
@pytest.mark.parametrize("kind", [pd.DataFrame, sp.csr_array, np.ma.masked_invalid, np.float32, lambda a: a.tolist()])
def test_costs_of_brought_samples_are_the_same_costs(make, kind):
    plain, brought = make(A, Y), make([kind(part) for part in A], [pd.Series(part == 1) for part in Y])
    x = RNG.normal(size=(3, plain.dim))
    np.testing.assert_array_equal(plain.value(x), brought.value(x))
    np.testing.assert_array_equal(plain.gradient(x), brought.gradient(x))


@pytest.mark.parametrize("make", SAMPLED.values(), ids=SAMPLED)
@pytest.mark.parametrize(
    "A, y, message",
    [
        (A, [["yes", "no", "no"], *Y[1:]], r"y of agent 0 must be .*text: 'yes' at \[0\]"),
        ([A[0], A[1] + 1j, A[2]], Y, "A of agent 1 must be .*complex|X of agent 1 must be .*complex"),
        ([A[0], np.ma.masked_greater(A[1], -9), A[2]], Y, "of agent 1 .*masked"),
        ([A[0], [[1.0], [1.0, 2.0]], A[2]], Y, "of agent 1 .*the same shape"),
        (5, Y, "one array for each agent"),
        (A, None, "y must be one array for each agent"),
        ([1.0, 2.0, 3.0], Y, r"of agent 0 must be \(m, N\), not \(\)"),
        (sp.csr_array(A[0]), Y, "one array for each agent"),
        (pd.DataFrame(A[0]), Y, "one array for each agent"),
    ],
)
def test_costs_refuse_samples_by_agent(make, A, y, message):
    with pytest.raises(CostError, match=message):
        make(A, y)


@pytest.mark.parametrize("ridge", ["5", None, True, [1.0], np.nan, -1, 1j, 10**400])
def test_a_ridge_is_a_number(ridge):
    for make in (lambda: LeastSquares(A, Y, ridge), lambda: LogisticRegression(A, Y, ridge), lambda: Ridge(2, ridge)):
        with pytest.raises(CostError, match="ridge must be a finite number of at least 0, not "):
            make()


@pytest.mark.parametrize("ridge", [0.5, np.float32(0.5), np.int64(2), 1])
def test_a_ridge_may_be_any_number(ridge):
    assert LeastSquares(A, Y, ridge).ridge == float(ridge)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Huber(A, Y, delta="1"), "delta must be a positive finite number, not '1'"),
        (lambda: SoftmaxRegression(A, Y, 2.0), "classes must be a whole number of at least 2, not 2.0"),
        (lambda: SoftmaxRegression(A, Y, "2"), "classes must be a whole number of at least 2, not '2'"),
        (lambda: Ridge(2.0, 1.0), "dim must be a whole number of at least 1, not 2.0"),
        (lambda: Ridge(2, 1.0, n=True), "n must be a whole number of at least 1, not True"),
        (lambda: LeastSquares(A, Y).subset([0.5]), "agents must be a list of whole numbers"),
        (lambda: Quadratic(np.ones((2, 1, 1)), np.ones((2, 1))).subset([True, False]), "whole numbers"),
        (lambda: WithHub(3, Ridge(2, 1.0)), "the hub must have costs"),
        (lambda: quadratics([0.5]), "agents must be a list of whole numbers"),
        (lambda: quadratics(range(3), dim=2.0), "dim >= 1"),
        (lambda: synthetic_regression(10.0, 2), "samples = 10.0"),
        (lambda: synthetic_regression(10, 2, noise="loud"), "noise must be"),
        (lambda: synthetic_classification(10, 2, classes=2.5), "two classes, not 2.5"),
        (lambda: split(synthetic_regression(9, 2), 3.0), "n must be a whole number"),
        (lambda: split(synthetic_regression(9, 2), 3, "dirichlet", alpha="1"), "alpha must be positive and finite"),
    ],
)
def test_counts_and_options_are_named(make, message):
    with pytest.raises(DeconError, match=message):
        make()


TOY = {"X_test": np.empty((0, 3)), "y_test": [], "task": "classification", "classes": ("no", "yes"), "name": "toy"}


@pytest.mark.parametrize("kind", [pd.DataFrame, sp.csr_array, np.float32, lambda a: a.tolist(), np.ma.masked_invalid])
@pytest.mark.parametrize("classes", [("no", "yes"), ["no", "yes"], np.array(["no", "yes"]), pd.Index(["no", "yes"])])
@pytest.mark.parametrize(
    "labels", [[0, 1] * 3, np.array(["no", "yes"] * 3), pd.Series(["no", "yes"] * 3), [False, True] * 3]
)
def test_data_sets_take_what_is_brought(kind, classes, labels):
    data = Dataset(kind(WHOLE), labels, **TOY | {"classes": classes})
    np.testing.assert_array_equal(data.X, WHOLE)
    assert data.y.tolist() == [0, 1] * 3
    assert data.classes == ("no", "yes")
    assert data.y.dtype == np.int64


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"y": ["no", "maybe"] * 3}, "toy: y holds 'maybe' in sample 1, which is no class"),
        ({"y": pd.array([0, None, 1, 0, 1, 0], dtype="Int64")}, r"toy: y must be .* value at \[1\] is missing"),
        ({"X": WHOLE + 1j}, "toy: X must be .*complex"),
        ({"X": WHOLE.astype(str)}, "toy: X must be .*text"),
        ({"classes": 2}, "classes must be a list, not 2"),
        ({"classes": "no"}, "classes must be a list, not 'no'"),
        ({"owner": [0, 1] * 3, "agents": ("a", "b", "c")}, "agent 'c' holds no sample"),
        ({"owner": [0, 2] * 3, "agents": ("a", "b")}, "owner must hold one of 0 … 1"),
        ({"agents": ("a", "b")}, "agents are named, but"),
    ],
)
def test_data_sets_refuse_by_name(changes, message):
    with pytest.raises(DataError, match=message):
        Dataset(**{"X": WHOLE, "y": [0, 1] * 3} | TOY | changes)


def test_shards_keep_ragged_agents(tmp_path):
    save_shards(tmp_path, 2, {"A": A[:2], "y": Y[:2]}, kind="LeastSquares", ridge=0.5)
    save_shards(tmp_path, 2, {"A": A[2:], "y": Y[2:]}, kind="LeastSquares", first=2, ridge=0.5)
    plain = LeastSquares(A, Y, 0.5)
    x = RNG.normal(size=(3, 2))
    np.testing.assert_array_equal(Shards(tmp_path)(np.arange(3)).gradient(x), plain.gradient(x))
    np.testing.assert_array_equal(Shards(tmp_path)([2, 0]).gradient(x[:2]), plain.subset([2, 0]).gradient(x[:2]))


@pytest.mark.parametrize(
    "arrays, message",
    [
        (
            {"A": [np.ones((2, 2)), np.ones((2, 3))], "y": [[1, 2], [1, 2]]},
            r"the agents' A have the shapes \(2, 2\), \(2, 3\)",
        ),
        ({"A": [["a"]], "y": [[1]]}, "A of agent 0 must be .*text"),
        ({"A": 3, "y": [[1]]}, "A must be one array for each agent"),
    ],
)
def test_shards_refuse_what_they_cannot_keep(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        save_shards(tmp_path, 2, arrays, kind="LeastSquares")
    assert not list(tmp_path.iterdir())


def test_shards_that_say_something_else_are_refused(tmp_path):
    file = save_shards(tmp_path, 2, {"H": np.ones((2, 1, 1)), "b": np.ones((2, 1))})
    kept = dict(np.load(file))
    for text in ("[]", "{}", "no", '{"format": 2}', '{"format": 1, "kind": "Costs", "block": 2, "options": {}}'):
        np.savez(file, **kept | {"description": np.array(text)})
        with pytest.raises(DataError, match=r"is no shard of decon's|no class"):
            Shards(tmp_path)
    for options in ('{"ridge": 1}', '{"H": 2}'):
        text = f'{{"format": 1, "kind": "Quadratic", "block": 2, "options": {options}}}'
        np.savez(file, **kept | {"description": np.array(text)})
        with pytest.raises(DataError, match="holds no Quadratic"):
            Shards(tmp_path)([0, 1])


def owners():
    cost = {"quadratic": Quadratic(np.stack([np.eye(2)] * 2), np.ones((2, 2))), "ridge": Ridge(2, 1.0, n=2)}
    cost |= {name: make(A, Y) for name, make in SAMPLED.items()}
    cost["with hub"] = WithHub(Ridge(2, 1.0), cost["least squares"])
    cost["worst case"] = WorstCase(np.ones((2, 1, 2)))
    cost["data"] = Dataset(WHOLE, [0, 1] * 3, **TOY)
    cost["owned data"] = Dataset(WHOLE, [0, 1] * 3, **TOY, owner=[0, 1] * 3, agents=("a", "b"))
    return cost


def arrays_of(value, path=""):
    for name, part in vars(value).items():
        if isinstance(part, np.ndarray):
            yield f"{path}{name}", part
        elif type(part).__module__.startswith("decon."):
            yield from arrays_of(part, f"{path}{name}.")


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize("name", owners())
def test_what_is_read_only_stays_so_in_copies(name, way):
    mine = owners()[name]
    if hasattr(mine, "prox"):
        mine.prox(np.zeros((mine.n, mine.dim)), np.ones(mine.n))  # fills what is computed once
    twin = dict(arrays_of(way(mine)))
    kept = dict(arrays_of(mine))
    assert set(twin) == set(kept)
    assert {key: part.flags.writeable for key, part in twin.items()} == {k: p.flags.writeable for k, p in kept.items()}
    for key, part in kept.items():
        np.testing.assert_array_equal(part, twin[key])
    if name != "ridge":
        assert not all(part.flags.writeable for part in kept.values())


def test_a_start_under_a_mask_is_refused():
    start = np.ma.masked_array(np.ones((4, 2)), np.eye(4, 2))
    with pytest.raises(OptionError, match=r"x0 must be .*the entry at \[0, 0\] is masked"):
        decon.solve(topologies.make("ring", 4), quadratics(range(4), dim=2), penalty=1.0, x0=start)


def test_expressions_of_cvxpy_are_still_pickled():
    import cvxpy as cp

    costs = FromCVXPY([cp.sum_squares(cp.Variable(2) - 1)] * 2)
    again = pickle.loads(pickle.dumps(costs))
    np.testing.assert_array_equal(again.value(np.zeros((2, 2))), costs.value(np.zeros((2, 2))))
