import numpy as np
import pytest

from decon.errors import OptionError
from decon.studies import Study
from decon.studies.options import expand


def test_ranges_include_their_end_in_floating_point():
    values = expand({"start": 0.0, "stop": 0.3, "step": 0.1}, "byzantine")
    np.testing.assert_allclose(values, [0.0, 0.1, 0.2, 0.3], rtol=1e-15)  # three additions at most


def test_logarithmic_ranges_have_equal_ratios():
    values = np.array(expand({"start": 1e-3, "stop": 10.0, "count": 9, "log": True}, "penalty"))
    np.testing.assert_allclose(values[1:] / values[:-1], 10 ** (4 / 8), rtol=1e-11)  # written to 12 digits


@pytest.mark.parametrize(
    "tables, words",
    [
        ({"grids": {}}, "did you mean 'grid'"),
        ({"grid": {"topolgy": "ring"}}, "did you mean 'topology'"),
        ({"grid": {"attack": "SignFlp"}}, "did you mean 'SignFlip'"),
        ({"grid": {"attack": {"kind": "Gaussian", "sdt": 1.0}}}, "did you mean 'std'"),
        ({"grid": {"topology": "erdos_reny"}}, "did you mean 'erdos_renyi'"),
        ({"grid": {"topology": {"family": "erdos_renyi", "q": 0.3}}}, "no parameter 'q'"),
        ({"grid": {"method": "amdm"}}, "did you mean 'admm'"),
        ({"grid": {"penalty": "certifed"}}, "did you mean 'certified'"),
        ({"grid": {"penalty": -1.0}}, "-1.0"),
        ({"grid": {"byzantine": 0.6}}, "0.6"),
        ({"grid": {"n": [10, 10]}}, "10 twice"),
        ({"grid": {"n": 1}}, "not 1"),
        ({"grid": {"seed": []}}, "empty"),
        ({"grid": {"n": {"start": 1, "stop": 9}}}, "step or count"),
        ({"methods": {"a": {"dualbound": 1.0}}}, "did you mean 'dual_bound'"),
        ({"methods": {"a": {"dual_bound": -1.0}}}, "-1.0"),
        ({"problem": {"costs": "quadratics"}}, "did you mean 'quadratic'"),
        ({"problem": {"samples": 5}}, "no key 'samples'"),
        ({"problem": {"condition": "a"}}, "condition must be a finite number of at least 1, not 'a'"),
        ({"problem": {"costs": "huber", "delta": [1.0]}}, r"delta must be a positive finite number, not \[1.0\]"),
        ({"problem": {"costs": "logistic", "ridge": -1}}, "ridge must be"),
        ({"run": {"iteration": 5}}, "did you mean 'iterations'"),
        ({"run": {"iterations": "x"}}, "iterations must be a whole number of at least 0, not 'x'"),
        ({"run": {"tol": 0}}, "tol must be a positive"),
        ({"run": {"record_every": 0}}, "record_every must be"),
        ({"run": {"x0": "ones"}}, 'x0 must be "normal" or None'),
        ({"grid": {"attack": {"kind": "Decaying", "ratio": 0.5}}}, "needs attack"),
        ({"grid": {"attack": {"kind": "Decaying", "ratio": 1.5, "attack": {"kind": "Zero"}}}}, "not 1.5"),
    ],
)
def test_what_no_study_has_is_refused_with_the_nearest_thing_it_has(tables, words):
    with pytest.raises(ValueError, match=words):
        Study.parse(tables)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(OptionError, match="no study at"):
        Study.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[grid\n")
    with pytest.raises(OptionError, match=r"bad\.toml is not TOML"):
        Study.load(tmp_path / "bad.toml")


def test_where_nobody_falsifies_attack_and_strength_make_no_cells():
    grid = {"byzantine": [0.0, 0.2], "attack": ["Gaussian", "Zero"], "strength": [1.0, 2.0], "penalty": 0.5}
    cells = Study.parse({"grid": grid}).cells()
    assert len(cells) == 1 + 2 * 2
    assert len({cell.key for cell in cells}) == len(cells)


def test_the_key_follows_everything_that_changes_the_result_and_nothing_else(monkeypatch):
    base = {"grid": {"penalty": 0.5, "byzantine": 0.2}, "run": {"iterations": 10}}

    def key(tables):
        (cell,) = Study.parse(tables).cells()
        return cell.key

    first = key(base)
    assert key({**base, "name": "another name"}) == first
    assert key({**base, "grid": {"byzantine": 0.2, "penalty": [0.5]}}) == first  # order and spelling do not count
    assert key({**base, "grid": {**base["grid"], "attack": {"kind": "Gaussian", "mean": 1}}}) == first  # a default
    assert key({**base, "grid": {**base["grid"], "attack": "gaussian:mean=1.0,std=1"}}) == first  # in words
    changes = [
        {"run": {"iterations": 11}},
        {"run": {"iterations": 10, "tol": 1e-3}},
        {"problem": {"dim": 4}},
        *({"grid": {**base["grid"], k: v}} for k, v in (("seed", 1), ("n", 21), ("strength", 2.0), ("penalty", 0.6))),
        {"grid": {**base["grid"], "attack": {"kind": "Gaussian", "std": 2.0}}},
        {"grid": {**base["grid"], "method": "bounded"}, "methods": {"bounded": {"dual_bound": 2.0}}},
    ]
    keys = [key({**base, **change}) for change in changes]
    assert len({first, *keys}) == 1 + len(changes)
    monkeypatch.setattr("decon.studies.study.__version__", "99.0")
    assert key(base) != first


def test_a_range_in_steps_holds_the_numbers_one_would_write():
    assert expand({"start": 0.1, "stop": 0.5, "step": 0.1}, "penalty") == [0.1, 0.2, 0.3, 0.4, 0.5]
