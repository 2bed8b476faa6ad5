import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import decon
import topologies
from decon.distributed import Shards, save_shards
from decon.network.mpi.partition import Part, partition

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def mpiexec(ranks, *command, **options):
    program = Path(sys.executable).with_name("mpiexec")
    found = str(program) if program.exists() else shutil.which("mpiexec")
    return [str(found), "-n", str(ranks), sys.executable, "-W", "ignore", *map(str, command)], {
        "env": ENVIRONMENT,
        "text": True,
        **options,
    }


def run(ranks, *command):
    arguments, options = mpiexec(ranks, *command, capture_output=True, timeout=300)
    return subprocess.run(arguments, check=False, **options)


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_every_attack_rule_and_local_step_gives_the_run_of_one_process(ranks):
    done = run(ranks, HERE / "mpi_cases.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cases agree" in done.stdout


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_every_attack_with_every_rule_and_local_step_gives_the_run_of_one_process(ranks):
    arguments, options = mpiexec(ranks, HERE / "mpi_cases.py", "all", capture_output=True, timeout=3600)
    done = subprocess.run(arguments, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "720 cases agree" in done.stdout


SCRIPT = """
import sys, numpy as np, topologies, decon
from decon.distributed import Shards
from mpi4py import MPI
{body}
"""


def script(tmp_path, body):
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(body=body))
    return file


@pytest.mark.mpi
@pytest.mark.parametrize("dual_bound, per_agent", [("np.inf", 1), ("5.0", 1)])
def test_bytes_sent_are_those_of_the_agents_on_the_cut(tmp_path, dual_bound, per_agent):
    body = f"""
topo = topologies.make("torus", 64)
costs = decon.costs.Quadratic(np.ones((64, 1, 1)) * np.eye(10), np.ones((64, 10)))
sent = [decon.solve(topo, costs, penalty=0.3, iterations=k, dual_bound={dual_bound}, engine="mpi").bytes_sent
        for k in (10, 11)]
if MPI.COMM_WORLD.rank == 0:
    from decon.network.mpi.partition import partition
    owner = partition(topo, MPI.COMM_WORLD.size)
    cut = owner[topo.senders] != owner[topo.receivers]
    shown = len(set(zip(topo.senders[cut].tolist(), owner[topo.receivers[cut]].tolist())))
    print(sent[1] - sent[0], shown * 10 * 8, cut.sum() * 10 * 8)
"""
    done = run(2, script(tmp_path, body))
    sent, shown, arcs = map(int, done.stdout.split())
    assert sent == shown * per_agent  # each agent on the cut once a rank that needs it
    assert sent <= arcs


@pytest.mark.mpi
def test_shards_are_read_by_the_ranks_that_need_them(tmp_path):
    rng = np.random.default_rng(0)
    H, b = np.eye(2) * rng.uniform(1, 2, size=(12, 1, 1)), rng.normal(size=(12, 2))
    for first in range(0, 12, 5):
        rows = slice(first, first + 5)
        save_shards(tmp_path / "data", 5, {"H": H[rows], "b": b[rows]}, first=first)
    body = f"""
costs = Shards({str(tmp_path / "data")!r})
share = decon.solve(topologies.make("ring", 12), costs, penalty="theorem3", iterations=30, engine="mpi")
x = share.gather().x
if MPI.COMM_WORLD.rank == 0:
    np.save({str(tmp_path / "x.npy")!r}, x)
"""
    done = run(3, script(tmp_path, body))
    assert done.returncode == 0, done.stderr
    alone = decon.solve(topologies.make("ring", 12), decon.costs.Quadratic(H, b), penalty="theorem3", iterations=30)
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), alone.x, atol=1e-12)


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "data", [["quadratics:dim=3"], ["wine", "--split", "dirichlet", "--local-step", "stochastic"], ["shards"]]
)
def test_the_command_line_gives_the_run_of_one_process(tmp_path, ranks, data):
    made = decon.datasets.quadratics(range(12), dim=2, seed=5)
    save_shards(tmp_path / "shards", 20, {"H": made.H, "b": made.b})
    flags = ["--topology", "torus", "--agents", "12", "--data", *data, "--byzantine", "3"]
    flags += ["--attack", "equivocate", "--iterations", "50"]
    for name, engine in (("local", []), ("mpi", ["--engine", "mpi"])):
        command = ["-m", "decon", "solve", *flags, *engine, "--out", name]
        arguments, options = mpiexec(ranks if engine else 1, *command, capture_output=True, cwd=tmp_path, timeout=300)
        done = subprocess.run(arguments, check=False, **options)
        assert done.returncode == 0, done.stderr
    alone, shared = (decon.Result.load(tmp_path / name) for name in ("local", "mpi"))
    np.testing.assert_array_equal(shared.edges, alone.edges)
    for name in ("x", "minimizer", "distance", "objective", "error_norm"):
        np.testing.assert_allclose(getattr(shared, name), getattr(alone, name), rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.mpi
def test_each_rank_makes_the_costs_of_its_own_agents_only(tmp_path):
    body = """
asked = []
def costs(agents):
    asked.extend(agents.tolist())
    return decon.datasets.quadratics(agents, dim=2)
topo = topologies.make("torus", 36)
share = decon.solve(topo, costs, penalty=0.5, dual_bound=5.0, byzantine=[3], attack=decon.attacks.Zero(), engine="mpi")
assert asked == share.agents.tolist(), (asked, share.agents)
assert not {"senders", "receivers", "reverse", "edges"} & set(vars(topo)), vars(topo)  # no rank lists all arcs
assert MPI.COMM_WORLD.allreduce(len(asked)) == 36
"""
    done = run(3, script(tmp_path, body))
    assert done.returncode == 0, done.stderr


@pytest.mark.mpi
def test_a_rank_that_fails_alone_ends_the_run_and_is_named(tmp_path):
    body = """
class Breaks(decon.costs.Quadratic):
    calls = 0
    def prox(self, linear, weight, start=None):
        Breaks.calls += 1
        if Breaks.calls == 5 and MPI.COMM_WORLD.rank == 1:
            raise ZeroDivisionError("on purpose")
        return super().prox(linear, weight, start)
    def subset(self, agents):
        return Breaks(self.H[agents], self.b[agents])
costs = Breaks(np.ones((8, 1, 1)), np.arange(8.0)[:, None])
decon.solve(topologies.make("ring", 8), costs, penalty=0.3, engine="mpi")
"""
    began = time.monotonic()
    done = run(2, script(tmp_path, body))
    assert done.returncode != 0
    assert "rank 1 of 2 failed with ZeroDivisionError: on purpose" in done.stderr
    assert time.monotonic() - began < 60  # 30 s, and the start of two interpreters on a busy machine


@pytest.mark.mpi
def test_bad_input_is_refused_on_every_rank(tmp_path):
    body = """
try:
    decon.solve(topologies.make("ring", 4), Shards(sys.argv[1]), penalty=0.3, engine="mpi")
except decon.DeconError as error:
    print("refused:", error)
"""
    save_shards(tmp_path / "data", 2, {"H": np.ones((2, 1, 1)), "b": np.ones((2, 1))})
    done = run(2, script(tmp_path, body), tmp_path / "data")
    assert done.stdout.count("refused:") == 2, done.stdout + done.stderr
    assert "does not exist" in done.stdout


@pytest.mark.mpi
def test_a_rank_that_is_killed_ends_the_run_within_30_seconds_and_is_named(tmp_path):
    body = """
import os
open(f"{sys.argv[1]}/pid{MPI.COMM_WORLD.rank}", "w").write(str(os.getpid()))
costs = decon.costs.Quadratic(np.ones((8, 1, 1)), np.arange(8.0)[:, None])
decon.solve(topologies.make("ring", 8), costs, penalty=0.3, iterations=10**9, engine="mpi", record_every=100)
"""
    arguments, options = mpiexec(2, script(tmp_path, body), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process = subprocess.Popen(arguments, **options)
    while not (tmp_path / "pid0").exists() or not (tmp_path / "pid1").exists():
        time.sleep(0.05)
    time.sleep(2.0)
    pid = (tmp_path / "pid1").read_text()
    os.kill(int(pid), signal.SIGKILL)
    began = time.monotonic()
    told, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode != 0
    assert f"rank 1 of 2 is process {pid}" in told
    assert f"PID {pid}" in told, told


def test_parts_cover_every_agent_and_arc_once():
    topo = topologies.make("erdos_renyi", 40, p=0.2, seed=1)
    owner = partition(topo, 3)
    parts = [Part.of(topo, owner, rank) for rank in range(3)]
    np.testing.assert_array_equal(np.sort(np.concatenate([part.agents for part in parts])), np.arange(40))
    np.testing.assert_array_equal(np.sort(np.concatenate([part.arcs for part in parts])), np.arange(2 * topo.n_edges))
    z = np.random.default_rng(0).normal(size=(40, 2))
    for part in parts:
        np.testing.assert_array_equal(part.receivers, np.searchsorted(part.agents, topo.receivers[part.arcs]))
        np.testing.assert_array_equal(part.senders, topo.senders[part.arcs])
        found = part.inner @ z[part.agents] + part.outer @ z[part.halo]
        np.testing.assert_allclose(found, (topo.adjacency @ z)[part.agents], atol=1e-14)  # sums in another order
        np.testing.assert_array_equal(part.arcs[part.uncut_back], topo.reverse[part.arcs[part.uncut]])
    # what one rank shows another is what the other expects, in the same order
    shown = {r: np.split(p.agents[p.shown], np.cumsum(p.shown_counts)[:-1]) for r, p in enumerate(parts)}
    for rank, part in enumerate(parts):
        for other, halo in zip(part.neighbours, np.split(part.halo, np.cumsum(part.halo_counts)[:-1]), strict=True):
            sent = shown[int(other)][parts[int(other)].neighbours.tolist().index(rank)]
            np.testing.assert_array_equal(sent, halo)


def test_a_ring_is_cut_at_as_few_places_as_there_are_parts():
    topo = topologies.make("ring", 90)
    owner = partition(topo, 3)
    assert (owner[topo.edges[:, 0]] != owner[topo.edges[:, 1]]).sum() == 3
    assert np.bincount(owner).max() <= 32


def test_shards_refuse_what_they_do_not_hold(tmp_path):
    with pytest.raises(decon.DataError, match="no shard"):
        Shards(tmp_path)
    save_shards(tmp_path, 2, {"H": np.ones((1, 1, 1)), "b": np.ones((1, 1))}, first=0)
    with pytest.raises(decon.DataError, match="fewer agents"):
        Shards(tmp_path)(np.array([1]))
    with pytest.raises(decon.DataError, match="agent 2 should be in"):
        Shards(tmp_path)(np.array([2]))
    with pytest.raises(decon.DataError, match="no class"):
        save_shards(tmp_path, 2, {"H": np.ones((1, 1, 1))}, kind="Costs")
