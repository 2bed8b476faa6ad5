"""Results and checkpoints that are not what a run wrote are refused before anything is done with them."""

import json
import zipfile

import numpy as np
import pytest

import decon
import topologies
from decon.datasets import quadratics
from decon.errors import OptionError
from decon.studies.study import Study

TOPO, COSTS = topologies.make("ring", 5), quadratics(range(5), dim=2)


@pytest.fixture
def kept(tmp_path):
    decon.solve(TOPO, COSTS, iterations=6, penalty=0.7).save(tmp_path / "run")
    return tmp_path


def changed(file, **arrays):
    with np.load(file) as stored:
        held = dict(stored)
    held |= {name: change(held[name]) for name, change in arrays.items()}
    np.savez(file, **{name: array for name, array in held.items() if array is not None})


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x": lambda x: x.ravel()}, r"x is an array of float64 \(10,\)"),
        ({"x": lambda x: x[:3]}, "the labels cannot be"),
        ({"x": lambda x: x.astype("U")}, "x is an array of <U"),
        ({"distance": lambda d: d[:-1]}, "distance is an array"),
        ({"minimizer": lambda m: m[:1]}, "minimizer is an array"),
        ({"recorded": lambda r: r.astype(float)}, "recorded is an array of float64"),
        ({"edges": lambda e: e.T}, "edges is an array"),
        ({"severed": lambda s: np.zeros(2)}, "severed holds no link events"),
        ({"x": lambda x: None}, "'x'"),
    ],
)
def test_results_of_other_shapes_are_refused(kept, arrays, message):
    changed(kept / "run.npz", **arrays)
    with pytest.raises(OptionError, match=f"does not hold a decon result: .*{message}"):
        decon.Result.load(kept / "run")


@pytest.mark.parametrize(
    "words, message",
    [
        ({"iterations": "6"}, "iterations"),
        ({"status": 3}, "status"),
        ({"manifest": []}, "manifest"),
        ({"labels": [1]}, "labels"),
        ({"labels": 3}, "does not hold"),
        ({"more": 1}, "more"),
    ],
)
def test_results_in_other_words_are_refused(kept, words, message):
    text = json.loads((kept / "run.json").read_text())
    (kept / "run.json").write_text(json.dumps(text | words))
    with pytest.raises(OptionError, match=message):
        decon.Result.load(kept / "run")


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{}", "null", '"', '{"format": {}}'])
def test_results_that_are_no_table_are_refused(kept, text):
    (kept / "run.json").write_text(text)
    with pytest.raises(OptionError, match=r"does not hold a decon result|was written by"):
        decon.Result.load(kept / "run")


def test_a_result_that_unfolds_without_bound_is_refused(kept):
    with zipfile.ZipFile(kept / "run.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**26,)})
        for _ in range(2**9):
            file.write(bytes(2**20))
    with pytest.raises(OptionError, match="would unfold"):
        decon.Result.load(kept / "run")


def test_a_checkpoint_of_which_a_number_was_changed_is_refused(tmp_path):
    """Checksums of the archive fit: only what the run wrote down of its state tells."""
    options = {"penalty": 0.7, "checkpoint": tmp_path, "checkpoint_every": 3}
    decon.solve(TOPO, COSTS, iterations=6, **options)
    (file,) = tmp_path.glob("state-*.npz")
    good = file.read_bytes()
    changed(file, a0=lambda a: a + 1e-12)
    with pytest.raises(OptionError, match="is not as it was written"):
        decon.solve(TOPO, COSTS, iterations=8, **options)
    for damaged in (good[: len(good) // 2], b"", good.replace(b"a0.npy", b"b0.npy")):
        file.write_bytes(damaged)
        with pytest.raises(OptionError, match="does not hold a checkpoint"):
            decon.solve(TOPO, COSTS, iterations=8, **options)
    file.write_bytes(good)
    resumed = decon.solve(TOPO, COSTS, iterations=8, **options)
    np.testing.assert_array_equal(resumed.x, decon.solve(TOPO, COSTS, iterations=8, penalty=0.7).x)


@pytest.mark.parametrize(
    "text", ["[]", "3", '{"format": 3}', "[" * 100_000, '{"format": 3, "places": 1, "k": "../../etc"}']
)
def test_a_checkpoint_whose_list_is_something_else_is_refused(tmp_path, text):
    (tmp_path / "latest.json").write_text(text)
    with pytest.raises(OptionError, match="checkpoint"):
        decon.solve(TOPO, COSTS, iterations=8, penalty=0.7, checkpoint=tmp_path, checkpoint_every=3)


@pytest.mark.parametrize(
    "text, message",
    [
        ("[grid]\nseed = { start = 0, stop = 1e12, step = 1 }", "more than 100000 values"),
        ("[grid]\nseed = { start = 0, stop = 1, step = 1e-320 }", "more than 100000 values"),
        ("[grid]\npenalty = { start = 1, stop = 2, count = 1000000000000 }", "count must be .* at most 100000"),
        ("[grid]\nn = 1000000000000", "at most 100000000, not n = 1000000000000"),
        ("[grid]\nn = " + "[" * 5000, "TOML"),
        ("[grid]\nbyzantine = " + "1" * 400, "byzantine must hold"),
        ("[grid]\nstrength = " + "1" * 400, "strength must hold"),
        ("[grid]\nseed = { start = 1, step = 1, stop = 1" + "0" * 400 + " }", "a range needs the numbers"),
        ("[methods.x]\ndual_bound = 1" + "0" * 400, "dual_bound must be"),
    ],
)
def test_studies_without_bound_are_refused(tmp_path, text, message):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises((OptionError, topologies.TopologyError), match=message):
        Study.load(tmp_path / "a.toml")


def test_a_grid_without_bound_is_refused():
    axis = {"start": 1, "stop": 2000, "step": 1}
    study = Study.parse({"grid": {"seed": axis, "penalty": axis}})
    with pytest.raises(OptionError, match="the grid has 4000000 runs; a study has at most 1000000"):
        study.cells()


@pytest.mark.parametrize("name", ["ring", "complete", "erdos_renyi", "star", "barabasi_albert"])
def test_a_million_million_agents_are_refused_at_once(name):
    with pytest.raises(topologies.TopologyError, match="at most 100000000"):
        topologies.make(name, 10**12)
