"""A table of one's own: agents' costs are those of their rows, and what is not in the table is not guessed."""

import numpy as np
import pytest

import decon
import topologies
from decon import datasets
from decon.costs import LeastSquares, LogisticRegression, SoftmaxRegression
from decon.datasets import read_table
from decon.errors import DataError


def given(folder, text, name="mine.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


RAGGED = "agent,height,width,target\nbob,1.5,2,3\nann,0.1,-1,0.30000000000000004\nbob,5,6e-3,7\ncid,1,1,1\n"
X = np.array([[1.5, 2], [0.1, -1], [5, 6e-3], [1, 1]])
Y = np.array([3, 0.30000000000000004, 7, 1])


def test_ragged_agents_hold_their_own_rows(tmp_path):
    data = read_table(given(tmp_path, RAGGED))
    np.testing.assert_array_equal(data.X, X)  # to the last bit, unscaled, no intercept
    np.testing.assert_array_equal(data.y, Y)
    assert data.agents == ("bob", "ann", "cid")
    assert [part.tolist() for part in datasets.split(data, 3)] == [[0, 2], [1], [3]]
    made = datasets.costs(str(tmp_path / "mine.csv"), 3, ridge=0.5)
    plain = LeastSquares([X[[0, 2]], X[[1]], X[[3]]], [Y[[0, 2]], Y[[1]], Y[[3]]], 0.5)
    x = np.random.default_rng(0).normal(size=(3, 2))
    np.testing.assert_array_equal(made.gradient(x), plain.gradient(x))
    assert made.samples.tolist() == [2, 1, 1]


def test_a_run_on_a_table_ends_at_numpys_least_squares(tmp_path):
    costs = datasets.costs(read_table(given(tmp_path, RAGGED)), 3)
    result = decon.solve(topologies.make("complete", 3), costs, penalty=1.0, iterations=2000)
    expected, *_ = np.linalg.lstsq(X, Y)
    # linear convergence, 2,000 iterations: rounding of a system with condition number below 100
    np.testing.assert_allclose(result.x, np.tile(expected, (3, 1)), rtol=0, atol=1e-9)


def test_agents_are_found_by_the_networks_names(tmp_path):
    data = read_table(given(tmp_path, RAGGED))
    ordered = data.in_order(("ann", "bob", "cid"))
    assert ordered.agents == ("ann", "bob", "cid")
    assert [part.tolist() for part in datasets.split(ordered, 3)] == [[1], [0, 2], [3]]
    assert data.in_order(range(3)) is data  # numbers name nobody
    with pytest.raises(DataError, match="holds samples of 'bob', who is not in the network of 'x'"):
        data.in_order(("x", "ann", "cid"))
    with pytest.raises(DataError, match="of 3 agents, the network has 4"):
        data.in_order(range(4))
    numbered = read_table(given(tmp_path, "agent,a,y\n2,1,1\n10,2,2\n1,3,3\n"))
    assert numbered.agents == (1, 2, 10)
    assert numbered.in_order((10, 1, 2)).owner.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "text, classes, y, kind",
    [
        ("agent,a,target\n0,1,yes\n1,2,no\n", ("no", "yes"), [1, 0], LogisticRegression),
        ("agent,a,label\n0,1,3\n1,2,10\n0,3,3\n", (3, 10), [0, 1, 0], LogisticRegression),
        ("agent,a,class\n0,1,x\n1,2,y\n0,3,z\n", ("x", "y", "z"), [0, 1, 2], SoftmaxRegression),
    ],
)
def test_words_are_classes_and_so_is_a_label(tmp_path, text, classes, y, kind):
    data = read_table(given(tmp_path, text))
    assert data.classes == classes
    assert data.y.tolist() == y
    assert type(datasets.costs(data, 2, ridge=0.1)) is kind


def test_a_table_without_agents_is_split(tmp_path):
    file = given(tmp_path, "a,y\n" + "".join(f"{i},{i % 3}\n" for i in range(12)))
    data = datasets.load(str(file))
    assert data.owner is None
    assert sorted(np.concatenate(datasets.split(data, 4, "label")).tolist()) == list(range(12))
    assert datasets.load("mine.csv", folder=tmp_path, bias=True).X[:, 1].tolist() == [1.0] * 12
    with pytest.raises(DataError, match="no test samples"):
        data.accuracy(np.zeros(1))


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffagent;a;target\r\n1;2;3\r\n2;3;4\r\n",
        "Agent\ta\tTarget\n\n1\t2\t3\n2\t3\t4\n",
        "target , agent, a\n3, 1, 2\n4, 2, 3\n",
        '"agent","a","target"\n"1","2","3"\n2,3,4\n',
        "agent,a,target\n1,2,3\n2,3,4\n".encode("utf-16"),
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path, text):
    data = read_table(given(tmp_path, text))
    assert (data.agents, data.X.tolist(), data.y.tolist()) == ((1, 2), [[2.0], [3.0]], [3.0, 4.0])


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "it is empty"),
        ("agent,a,target\n", "a header and no rows"),
        ("agent,a\n0,1\n", "no column target, y, label, class among 'agent', 'a'"),
        ("agent,target\n0,1\n", "no column of features"),
        ("agent,a,a,target\n0,1,1,2\n", "two columns are called 'a'"),
        ("agent,a,y,target\n0,1,1,2\n", "2 columns could be the target: y, target"),
        ("agent,a,target\n0,1,2\n1,x,2\n", "column 'a' holds 'x', no finite number in row 2"),
        ("agent,a,target\n0,1,2\n1,,2\n", "column 'a' is empty in row 2"),
        ("agent,a,target\n0,NA,2\n1,1,2\n", "column 'a' holds 'NA', no finite number in row 1"),
        ("agent,a,target\n0,1,2\n1,1e999,2\n", "column 'a' holds 'inf', no finite number in row 2"),
        ("agent,a,target\n0,1,2\n1,1,NA\n", "column 'target' holds 'NA', no finite number in row 2"),
        ("agent,a,target\n0,1,2\n,1,2\n", "column 'agent' is empty in row 2"),
        ("agent,a,target\n0,1,2\n1,1\n", "column 'target' is empty in row 2"),
        ("agent,a,target\n0,1,2\n1,1,2,3\n", "Expected 3 fields in line 3, saw 4"),
        ("agent,a,target\n0,1,2,3\n", "loss of data"),
        ("agent,a,target\n0,1,x\n1,1,x\n", "holds one class, 'x'"),
        ('agent,a,target\n0,"1,2\n', "EOF inside string"),
        (b"agent,a,target\n0,\xff,2\n", "line 2: .* not utf-8"),
    ],
)
def test_what_is_missing_is_named(tmp_path, text, message):
    with pytest.raises(DataError, match=f"cannot read mine.csv: .*{message}") as caught:
        read_table(given(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_wrong_counts_and_splits_are_refused(tmp_path):
    data = read_table(given(tmp_path, RAGGED))
    with pytest.raises(DataError, match="mine holds samples of 3 agents, not of 4"):
        datasets.costs(data, 4)
    with pytest.raises(DataError, match="says who holds which sample; the split 'label'"):
        datasets.split(data, 3, "label")
    with pytest.raises(DataError, match="No such file"):
        datasets.load("missing.csv")
    with pytest.raises(DataError, match=r"'\.xlsx'"):
        read_table("mine.xlsx")
    assert datasets.is_table("C:/data/Mine.CSV")
