import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import decon
import topologies
from decon import attacks
from decon.screens.protocol import Verdict

HISTORIES = ("x", "distance", "distance_all", "consensus_error", "objective", "error_norm", "recorded", "severed")


@dataclass(frozen=True)
class Memory:
    """The memory of a rule that cuts the loudest link now and then, with every kind of thing in it."""

    heard: np.ndarray
    parts: tuple
    count: int
    note: str | None = None


@dataclass(frozen=True)
class CutLoudest:
    readmits: bool = True

    def start(self, links, dim, rate):
        return Memory(np.zeros(len(links.receivers)), (np.zeros(2), None), 0)

    def judge(self, links, inbox, state):
        heard = 0.9 * state.heard + np.abs(inbox.messages).max(axis=1)
        keep = heard < np.inf if state.count % 7 else heard < np.quantile(heard, 0.9)
        return Verdict(keep, Memory(heard, (state.parts[0] + 1, None), state.count + 1, "x" * (state.count % 3)))


def problem():
    rng = np.random.default_rng(0)
    topo = topologies.make("erdos_renyi", 10, p=0.5, seed=0)
    A, y = rng.normal(size=(10, 6, 3)), rng.normal(size=(10, 6))
    return topo, decon.costs.LeastSquares(A, y, ridge=0.2)


CASES = {
    "node": {"byzantine": [1, 2], "attack": attacks.Gaussian(0.0, 0.1)},
    "arc": {"dual_bound": 2.0, "byzantine": [3], "attack": attacks.Equivocate(), "alpha0": "normal"},
    "screened": {"screening": CutLoudest(), "byzantine": [3], "attack": attacks.Outlier(5.0), "x0": "normal"},
    "stochastic": {"dual_bound": 1.0, "local_step": decon.Stochastic(decon.SquareRoot(20.0), batch_size=2)},
    "sparse record": {"record_every": 7},
}


def killed_at(monkeypatch, iteration, *args, **options):
    """Stop a run in the middle of an iteration, as a kill does."""
    from decon.runs import loop as run

    real = run.play

    def step(setup, links, state):
        if state.k == iteration:
            raise MemoryError("killed")
        return real(setup, links, state)

    with monkeypatch.context() as patch:
        patch.setattr(run, "play", step)
        with pytest.raises(MemoryError):
            decon.solve(*args, **options)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("at", [3, 25, 30])
def test_a_run_goes_on_with_the_same_bits(tmp_path, monkeypatch, case, at):
    options = {"penalty": 0.3, "iterations": 40, "seed": 3, **CASES[case]}
    whole = decon.solve(*problem(), **options)
    kept = {**options, "checkpoint": tmp_path, "checkpoint_every": 10}
    killed_at(monkeypatch, at, *problem(), **kept)
    resumed = decon.solve(*problem(), **kept)
    for name in HISTORIES:
        assert getattr(resumed, name).tobytes() == getattr(whole, name).tobytes(), name
    assert (resumed.status, resumed.iterations) == (whole.status, whole.iterations)
    assert len(list(tmp_path.glob("state-*"))) == 1


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    options = {"penalty": 0.3, "iterations": 20, "checkpoint": tmp_path, "checkpoint_every": 10}
    topo, costs = problem()
    decon.solve(topo, costs, **options)
    for other in ({"penalty": 0.31}, {"seed": 1}, {"dual_bound": 3.0}, {"x0": np.ones((10, 3))},
                  {"byzantine": [1], "attack": decon.attacks.NoAttack()}):  # fmt: skip
        with pytest.raises(decon.OptionError, match="another run"):
            decon.solve(topo, costs, **{**options, **other})
    with pytest.raises(decon.OptionError, match="another run"):
        decon.solve(topologies.make("ring", 10), costs, **options)


def test_a_broken_checkpoint_is_named(tmp_path):
    options = {"penalty": 0.3, "iterations": 20, "checkpoint": tmp_path, "checkpoint_every": 10}
    decon.solve(*problem(), **options)
    latest = json.loads((tmp_path / "latest.json").read_text())
    (tmp_path / "latest.json").write_text(json.dumps({**latest, "format": 1}))
    with pytest.raises(decon.OptionError, match="another version of decon"):
        decon.solve(*problem(), **options)
    (tmp_path / "latest.json").write_text(json.dumps({**latest, "places": 3}))
    with pytest.raises(decon.OptionError, match="one of 3 processes"):
        decon.solve(*problem(), **options)
    (tmp_path / "latest.json").write_text("{")
    with pytest.raises(decon.OptionError, match="does not hold a checkpoint"):
        decon.solve(*problem(), **options)
    (tmp_path / "latest.json").write_text(json.dumps(latest))
    next(iter(tmp_path.glob("state-*"))).unlink()
    with pytest.raises(decon.OptionError, match="not complete"):
        decon.solve(*problem(), **options)
    with pytest.raises(decon.OptionError, match="checkpoint_every"):
        decon.solve(*problem(), **{**options, "checkpoint_every": 0})


SCRIPT = """
import sys, numpy as np, topologies, decon
from decon import attacks
rng = np.random.default_rng(0)
topo = topologies.make("erdos_renyi", 10, p=0.5, seed=0)
costs = decon.costs.LeastSquares(rng.normal(size=(10, 6, 3)), rng.normal(size=(10, 6)), ridge=0.2)
result = decon.solve(topo, costs, penalty=0.3, iterations=6000, seed=3, dual_bound=2.0, byzantine=[3],
    attack=attacks.Equivocate(), local_step=decon.Stochastic(decon.SquareRoot(20.0), batch_size=2), x0="normal",
    checkpoint=sys.argv[1] if len(sys.argv) > 3 else None, checkpoint_every=50, engine=sys.argv[2])
if sys.argv[2] == "mpi":
    first, result = result.links.place == 0, result.gather()
    if not first:
        sys.exit()
np.savez(sys.argv[1] + "-out.npz", x=result.x, distance=result.distance, error=result.error_norm)
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", pytest.param("mpi", marks=pytest.mark.mpi)])
def test_killed_at_twenty_random_moments_a_run_ends_with_the_same_bits(tmp_path, engine):
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "ignore", str(file)]
    if engine == "mpi":
        command = [str(Path(sys.executable).with_name("mpiexec")), "-n", "2", *command]
    subprocess.run([*command, str(tmp_path / "whole"), engine], check=True, env=environment)
    chance = random.Random(0)
    folder, kills, last = tmp_path / "kept", 0, -1
    while kills < 20:
        process = subprocess.Popen([*command, str(folder), engine, "keep"], env=environment, start_new_session=True)
        while process.poll() is None and _reached(folder) <= last:
            time.sleep(0.005)  # it goes on from where it was
        time.sleep(chance.uniform(0.0, 0.15))
        if process.poll() is not None:
            break  # it finished first
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        assert _reached(folder) >= last  # nothing kept is lost
        last = _reached(folder)
    subprocess.run([*command, str(folder), engine, "keep"], check=True, env=environment)
    with np.load(tmp_path / "whole-out.npz") as whole, np.load(tmp_path / "kept-out.npz") as resumed:
        for name in whole.files:
            assert whole[name].tobytes() == resumed[name].tobytes(), name
    assert kills == 20


def _reached(folder):
    try:
        return json.loads((folder / "latest.json").read_text())["k"]
    except FileNotFoundError:
        return -1
