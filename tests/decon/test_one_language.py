"""The same words make the same graph, data, liars and draws in Python, on the command line, in TOML and in a study."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import decon
import topologies
from decon.attacks.liars import choose
from decon.cli import main
from decon.spec.defaults import ATTACK
from decon.spec.grammar import parse
from decon.spec.objects import make, make_attack
from decon.studies import sweeping

OWN = '''
from dataclasses import dataclass
from typing import NamedTuple
import numpy as np
import decon
from decon.methods.protocol import Proposal

class Place(NamedTuple):
    x: np.ndarray

@decon.register
@dataclass(frozen=True)
class Drift(decon.attacks.Attack):
    """Walks away at a constant speed."""

    speed: float = 0.5

    def __call__(self, view, rng):
        return view.own + self.speed * view.k

@decon.register
@dataclass(frozen=True)
class Descent:
    """Decentralized gradient descent with equal weights of 1/(d_max + 1)."""

    step: float = 0.02

    def begin(self, costs, links, x0):
        return Place(x0)

    def propose(self, costs, links, state, k):
        return Proposal(state.x, state.x)

    def absorb(self, costs, links, state, proposal, heard, k):
        mixed = links.arc_sum(heard.gaps() / (1 + links.degrees.max()))
        return Place(proposal.x + mixed - self.step * costs.gradient(proposal.x))

@decon.register
def lines(agents, *, slope=1.0, seed=0):
    """Draw costs (x - slope i)^2 / 2."""
    agents = np.asarray(agents)
    return decon.costs.Quadratic(np.ones((len(agents), 1, 1)), slope * agents[:, None].astype(float))
'''

EXPERIMENTS = [
    {"topology": "erdos_renyi:p=0.4", "data": "quadratics:dim=3"},
    {"topology": "erdos_renyi:p=0.5", "agents": 10, "data": "quadratics", "byzantine": 2, "screening": "profiling"},
    {"topology": "watts_strogatz:k=4,p=0.3", "data": "diabetes", "byzantine": 0.15, "attack": "sign_flip:scale=-2"},
    {"topology": "complete", "agents": 8, "data": "wine", "ridge": 1.0, "byzantine": [1, 4], "attack": "ALIE"},
    {"topology": "karate_club", "data": "breast_cancer", "byzantine": 3, "attack": "Gaussian:std=2,start=10"},
    {"topology": "ring", "agents": 6, "data": "quadratics:dim=2", "x0": "normal", "alpha0": "normal", "seed": 3},
    {"topology": "star", "agents": 7, "data": "digits", "local_step": "stochastic:scale=0.3", "dual_bound": 0.1},
    {"topology": "grid", "agents": 9, "data": "synthetic:dim=4,samples=9", "cost": "huber:delta=0.5",
     "penalty": "auto"},
    {"topology": "torus", "agents": 9, "data": "quadratics:dim=2", "byzantine": 1, "strength": 3.0,
     "screening": "road:threshold=40"},
    {"topology": "net.graphml", "data": "quadratics:dim=2", "byzantine": ["bob"], "attack": "zero:every=2",
     "precision": "single"},
    {"topology": "complete", "agents": 5, "data": "lines:slope=2.0", "byzantine": 1, "attack": "drift:speed=0.1",
     "use": ["own.py"]},
    {"topology": "random_regular:d=4", "data": "quadratics:dim=2", "method": "descent:step=0.05", "use": ["own.py"],
     "penalty": None},
]  # fmt: skip


def told(given: dict) -> dict:
    words = {"penalty": 0.7, "iterations": 30, **given}
    return {key: value for key, value in words.items() if value is not None}


def in_python(words: dict) -> decon.Result:
    """Say the experiment with objects, as far as there are any."""
    seed, ridge = words.get("seed", 0), words.get("ridge", 5.0)
    name, params = parse(words["topology"])
    if words["topology"] == "net.graphml":
        topo = topologies.read("net.graphml")
    else:
        size = None if topologies.fixed_size(name) else words.get("agents", 20)
        topo = topologies.make(name, size, seed=seed, **params)
    head, options = parse(words["data"])
    if head == "quadratics":
        costs = decon.datasets.quadratics(range(topo.n), seed=seed, **options)
    elif head == "synthetic":
        data = decon.datasets.synthetic_regression(options["samples"] * topo.n, options["dim"], seed=seed)
        costs = decon.datasets.costs(data, topo.n, seed=seed, ridge=ridge, kind=decon.costs.Huber, delta=0.5)
    elif head == "lines":
        costs = decon.costs.Quadratic(np.ones((topo.n, 1, 1)), 2.0 * np.arange(float(topo.n))[:, None])
    else:
        costs = decon.datasets.costs(head, topo.n, seed=seed, ridge=ridge)
    given = {key: words[key] for key in ("x0", "alpha0", "precision", "dual_bound", "penalty") if key in words}
    if "screening" in words:
        given["screening"] = decon.Profiling() if words["screening"] == "profiling" else decon.Road(threshold=40.0)
    if "local_step" in words:
        given["local_step"] = decon.Stochastic(decon.SquareRoot(0.3), 32)
    if "method" in words:
        given["method"] = make("method", words["method"])
    if "byzantine" in words:
        attack = make_attack(words.get("attack", ATTACK))
        attack = decon.attacks.Scaled(attack, words["strength"]) if "strength" in words else attack
        given |= {"byzantine": words["byzantine"], "attack": attack}
    return decon.solve(topo, costs, iterations=words["iterations"], seed=seed, **given)


def on_the_command_line(monkeypatch, *args: str) -> None:
    monkeypatch.setattr(sys, "argv", ["decon", *args])
    main()


def as_flags(words: dict) -> list[str]:
    flags = []
    for key, value in words.items():
        shown = value if isinstance(value, str) else json.dumps(value) if key == "byzantine" else None
        for one in value if shown is None and isinstance(value, list) else [shown or str(value)]:
            flags += [f"--{key.replace('_', '-')}", one]
    return flags


def as_study(words: dict) -> str:
    """Write a study of one cell."""
    grid = {"topology": words["topology"], "agents": words.get("agents", 20), "seed": words.get("seed", 0)}
    grid |= {key: words[key] for key in ("byzantine", "attack", "strength", "penalty") if key in words}
    if isinstance(grid.get("byzantine"), list):
        grid["byzantine"] = [grid["byzantine"]]  # a list in a grid is a list of values
    method = {key: words[key] for key in ("method", "screening", "local_step", "dual_bound") if key in words}
    head, options = parse(words["data"])
    problem = {"data": words["data"]}
    if head == "synthetic":
        problem = {"costs": "huber", "data": head, **options, "delta": 0.5}
    elif head not in ("quadratics", "lines"):
        problem["ridge"] = words.get("ridge", 5.0)
    run = {key: words[key] for key in ("iterations", "x0", "alpha0", "precision") if key in words}
    tables = {"grid": {**grid, "method": "m"}, "methods.m": method, "problem": problem, "run": run}
    lines = [f"use = {json.dumps(words['use'])}"] if "use" in words else []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines)


@pytest.mark.parametrize("given", EXPERIMENTS, ids=lambda given: given["topology"] + " " + given["data"])
def test_python_flags_toml_compare_and_a_study_agree_in_every_number(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    pairs = [("ann", "bob"), ("ann", "cyd"), ("bob", "cyd"), ("cyd", "dan"), ("ann", "dan")]
    topologies.write(topologies.Topology(nx.Graph(pairs)), "net.graphml")
    words = told(given)
    decon.Experiment.from_mapping(words, "test")  # what --use names is registered from here on
    first = in_python(words)

    on_the_command_line(monkeypatch, "solve", *as_flags(words), "--out", "flags")
    toml = {key: value for key, value in words.items() if key != "topology"} | {"topology": words["topology"]}
    Path("run.toml").write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in toml.items()))
    on_the_command_line(monkeypatch, "solve", "run.toml", "--out", "toml")
    for name in ("flags", "toml"):
        run = decon.Result.load(name)
        np.testing.assert_array_equal(run.edges, first.edges)
        np.testing.assert_array_equal(run.byzantine, first.byzantine)
        np.testing.assert_array_equal(run.minimizer, first.minimizer)
        np.testing.assert_array_equal(run.x, first.x)
        np.testing.assert_array_equal(run.distance, first.distance)
        np.testing.assert_array_equal(run.severed, first.severed)
        assert (run.status, run.penalty) == (first.status, pytest.approx(first.penalty, rel=0, abs=0, nan_ok=True))

    Path("study.toml").write_text(as_study(words))
    outcome = sweeping.run("study.toml", jobs=1)
    (row,) = outcome.rows.to_dict("records")
    assert row["status"] == first.status, row["message"]
    assert row["distance"] == first.distance[-1]
    assert row["objective"] == first.objective[-1]
    assert row["error_norm"] == first.error_norm.max()
    assert row["severed"] == len(first.severed)

    capsys.readouterr()
    on_the_command_line(monkeypatch, "compare", *as_flags({"byzantine": 0, **words}), "--out", "compared")
    (cell,) = pd.read_csv("compared/table.csv").to_dict("records")
    if first.byzantine.size:
        tail = max(1, len(first.distance) // 10)
        assert cell["attacked_error"] == first.distance[-tail:].max()
    else:
        assert cell["final_error"] == first.distance[-1]
    assert cell["edges"] == len(first.edges)


def test_a_table_of_ones_own_finds_its_agents_by_the_names_in_the_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    topologies.write(topologies.Topology(nx.path_graph(["bob", "ann", "cyd"])), "net.graphml")
    Path("mine.csv").write_text("agent,a,b,target\nann,1,0,1\nann,0,1,2\nbob,1,1,3\ncyd,2,0,1\ncyd,0,3,0\ncyd,1,2,1\n")
    flags = ("--topology", "net.graphml", "--data", "mine.csv", "--penalty", "2", "--ridge", "1", "--iterations", "200")
    on_the_command_line(monkeypatch, "solve", *flags, "--out", "run")
    A, y = [[[1, 1]], [[1, 0], [0, 1]], [[2, 0], [0, 3], [1, 2]]], [[3], [1, 2], [1, 0, 1]]  # bob, ann, cyd
    stacked, targets = np.vstack(A), np.concatenate(y)
    closed = np.linalg.solve(stacked.T @ stacked + 3 * np.eye(2), stacked.T @ targets)  # a ridge of 1 an agent
    np.testing.assert_allclose(decon.Result.load("run").minimizer, closed, rtol=1e-12)
    grid = '[grid]\ntopology = { file = "net.graphml" }\npenalty = 2.0\n[run]\niterations = 200\n'
    Path("study.toml").write_text(grid + '[problem]\ndata = "mine.csv"\nridge = 1.0\n')
    first = sweeping.run("study.toml", jobs=1)
    assert first.rows["distance"].tolist() == [decon.Result.load("run").distance[-1]]
    Path("mine.csv").write_text(Path("mine.csv").read_text().replace("bob,1,1,3", "bob,1,1,4"))
    assert sweeping.run("study.toml", jobs=1).done == 1  # other data, another run


def test_liars_are_a_count_a_share_or_agents_everywhere():
    topo = topologies.make("erdos_renyi", 20, p=0.4, seed=1)
    drawn = decon.draw_byzantine(topo, 3, seed=5).tolist()
    for same in (3, np.int64(3), 0.15, np.float32(0.15), drawn, drawn[::-1], np.array(drawn), np.array(3)):
        assert choose(topo, same, 5).tolist() == drawn
    for wrong, message in (
        ([1, 1], "agent 1 more than once"),
        ([20], "must lie in 0 … 19, found 20"),
        ([-1], "found -1"),
        (1.5, r"share .* not 1.5"),
        (11, "11 of 20 agents"),
        (range(11), "majority"),
        (True, "not True"),
        ("3", "not '3'"),
        ([1.0], "indices or labels"),
        ([[1], [2, 3]], "indices or labels"),
        (["nobody"], "no agent is labelled 'nobody'"),
        (float("nan"), "not nan"),
        (10**30, "agents cannot be"),
        (None, "not None"),
    ):
        with pytest.raises(decon.OptionError, match=message):
            choose(topo, wrong)


def test_a_lie_needs_liars_and_liars_a_lie():
    topo, costs = topologies.make("ring", 5), decon.datasets.quadratics(range(5), dim=1)
    with pytest.raises(decon.OptionError, match="1 agents are Byzantine, but attack is not given"):
        decon.solve(topo, costs, byzantine=1)
    with pytest.raises(decon.OptionError, match="nobody to make it"):
        decon.solve(topo, costs, attack=decon.attacks.Zero())
    with pytest.raises(decon.OptionError, match="nobody to make it"):
        decon.compare([topo], costs, byzantine=0, attack=decon.attacks.Zero())
    with pytest.raises(decon.OptionError, match="nobody to make it"):
        decon.verify(topo, costs, byzantine=0, attack=decon.attacks.Zero())
    for wrong in ({"iterations": True}, {"record_every": True}, {"tol": True}, {"seed": False}, {"dual_bound": True}):
        with pytest.raises(decon.OptionError, match=next(iter(wrong)).replace("_", ".")):
            decon.solve(topo, costs, **wrong)


def test_registered_names_are_taken_once_and_what_is_nothing_is_refused():
    from dataclasses import dataclass

    with pytest.raises(decon.OptionError, match="'Gaussian' is decon's own"):

        @decon.register
        @dataclass(frozen=True)
        class Gaussian(decon.attacks.Attack):
            def __call__(self, view, rng):
                return view.own

    with pytest.raises(decon.OptionError, match="is no dataclass of an attack"):
        decon.register(int)


def test_an_entry_point_of_another_package_is_a_word(monkeypatch):
    from decon.spec import registry as place

    class Entry:
        @staticmethod
        def load():
            from dataclasses import make_dataclass

            return make_dataclass(
                "FromAPackage", [], bases=(decon.attacks.Attack,), frozen=True,
                namespace={"__call__": lambda self, view, rng: view.own},
            )  # fmt: skip

    asked = []

    def found(*, group):
        asked.append(group)
        return [Entry]

    monkeypatch.setattr(place, "entry_points", found)
    place._load_entry_points.cache_clear()
    try:
        assert type(make("attack", "from_a_package")).__name__ == "FromAPackage"
        assert asked == ["decon.plugins"]
    finally:
        place._known()["attack"].pop("FromAPackage")
        place._load_entry_points.cache_clear()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot use 'mine.py': No such file"),
        ("import decon\ndecon.register(3)\n", "cannot use 'mine.py': OptionError: 3 is no"),
        ("def (", "cannot use 'mine.py': SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, monkeypatch, capsys, text, message):
    monkeypatch.chdir(tmp_path)
    if text:
        Path("mine.py").write_text(text)
    with pytest.raises(SystemExit):
        on_the_command_line(monkeypatch, "solve", "--use", "mine.py")
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_solve_has_no_liar_unless_told_and_help_says_the_defaults_there_are(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    on_the_command_line(monkeypatch, "solve", "--agents", "6", "--penalty", "2", "--iterations", "3", "--out", "run")
    assert decon.Result.load("run").byzantine.size == 0
    capsys.readouterr()
    for command, liars in (("solve", "0"), ("compare", "3")):
        on_the_command_line(monkeypatch, command, "--help")
        out = " ".join(capsys.readouterr().out.split())
        assert f"list (4,7 or ann,bob). [{liars}]" in out
        for shown in ("[diabetes]", "[5]", "[auto]", "[400]", "[20]", "[inf]", "[exact]"):
            assert shown in out
