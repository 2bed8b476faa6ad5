"""Consistency screening: sound, complete in what a cost cannot explain, a restart at a cut, bounded harm."""

import subprocess
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pytest

import decon
import topologies
from decon.attacks import ALIE, Attack, Constant, Equivocate, Gaussian, InnerProduct, SignFlip, Zero
from decon.costs import Huber, LeastSquares, LogisticRegression, Quadratic, SoftmaxRegression
from decon.errors import OptionError
from decon.methods.local_steps import SquareRoot
from decon.screens.claims import Claim, Kept, contradiction, widened
from decon.screens.public import REASONS
from topologies import Topology


def problem(n, dim=3, *, seed=0, condition=10.0):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(n, dim, dim)))[0]
    curved = np.einsum("nij,nj,nkj->nik", turn, np.exp(rng.uniform(0, np.log(condition), (n, dim))), turn)
    return Quadratic((curved + curved.transpose(0, 2, 1)) / 2, rng.normal(size=(n, dim)))


def random_graph(rng, n):
    while True:
        graph = nx.gnp_random_graph(n, rng.uniform(0.3, 1.0), seed=int(rng.integers(2**31)))
        if nx.is_connected(graph):
            break
    if rng.random() < 0.5:
        for i, j in graph.edges:
            graph[i][j]["weight"] = float(10 ** rng.uniform(-1.5, 1.5))
    return Topology(graph)


def costs_of(rng, n):
    dim, size, apart = int(rng.integers(1, 8)), 10 ** rng.uniform(-4, 4), 10 ** rng.uniform(-1, 2)
    samples = rng.normal(size=(n, 3 * dim + 2, dim)) * size
    targets = rng.normal(size=(n, 3 * dim + 2)) * apart
    kind = rng.integers(5)
    if kind == 0:
        return problem(n, dim, seed=int(rng.integers(2**31)), condition=10 ** rng.uniform(0, 6))
    if kind == 1:
        return LeastSquares(samples, targets)
    if kind == 2:
        return LogisticRegression(samples, np.where(targets > 0, 1, -1), ridge=size**2 * 10 ** rng.uniform(-3, 1))
    if kind == 3:
        return Huber(samples, targets, ridge=size**2 * 10 ** rng.uniform(-3, 1))
    return SoftmaxRegression(samples, (targets > 0).astype(int), ridge=size**2, classes=2)


def honest_run(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 16))
    topo, costs = random_graph(rng, n), costs_of(rng, n)
    options = {"x0": "normal"} if rng.random() < 0.4 else {}
    if rng.random() < 0.25:
        options["local_step"] = decon.Stochastic(sigma=float(costs.smoothness), batch_size=None)
    if rng.random() < 0.2:
        options["dual_bound"] = float(10 ** rng.uniform(-1, 2))
    return decon.solve(
        topo,
        costs,
        penalty="auto" if rng.random() < 0.7 else float(costs.smoothness * 10 ** rng.uniform(-2, 1)),
        screening=decon.Consistency(pairs="all" if rng.random() < 0.3 else "anchored", restart=rng.random() < 0.5),
        precision="single" if rng.random() < 0.25 else "double",
        iterations=int(rng.choice([20, 60, 120])),
        record_every=200,
        **options,
    )


@pytest.mark.parametrize("seed", range(25))
def test_no_honest_agent_is_ever_cut(seed):
    run = honest_run(seed)
    assert run.exposed.size == 0
    assert run.severed.size == 0


@pytest.mark.slow
def test_no_honest_agent_is_ever_cut_in_five_thousand_runs():
    assert sum(honest_run(seed).exposed.size for seed in range(10_000, 15_000)) == 0


@pytest.mark.parametrize(
    "attack", [Gaussian(0, 0.05), Gaussian(1, 1), SignFlip(), Zero(), ALIE(), InnerProduct()], ids=repr
)
@pytest.mark.parametrize("family", ["ring", "erdos_renyi", "star", "torus"])
def test_liars_are_found_and_the_run_ends_at_the_honest_minimiser(family, attack):
    topo, liars = topologies.make(family, 16), [5]
    run = decon.solve(
        topo, problem(16), byzantine=liars, attack=attack, screening=decon.Consistency(), iterations=1500, tol=1e-10
    )
    assert run.exposed["agent"].tolist() == liars
    assert run.status == "converged"  # to 1e-10 of a minimiser of size .1 to 1
    assert run.detection.agents.false_positive == 0
    assert run.detection.accused.nonzero()[0].tolist() == liars
    assert f"exposed:          agent 5 at iteration {run.exposed['k'][0]}" in str(run.detection)


def test_after_the_cut_the_run_is_admm_on_the_rest_bit_for_bit():
    """The lies of one leaf of a star: what is left is the star without it, from the same start."""
    costs, topo = problem(7), Topology(nx.star_graph(6))
    run = decon.solve(
        topo, costs, penalty=0.7, byzantine=[6], attack=Gaussian(5, 1), screening=decon.Consistency(), iterations=41
    )
    cut = int(run.exposed["k"][0])
    alone = decon.solve(
        Topology(nx.star_graph(5)),
        costs.subset(range(6)),
        penalty=0.7,
        screening=decon.Consistency(),
        iterations=41 - cut,
    )
    np.testing.assert_array_equal(run.x[:6], alone.x)


@pytest.mark.parametrize("size", [1.0, 1e12, 1e60, 9e98])
def test_a_spike_of_any_size_costs_the_same_iterations_and_leaves_nothing(size):
    """With G it is cut before its first message is used; a restart drops all flows."""
    screen = decon.Consistency()
    run = decon.solve(
        topologies.make("torus", 16),
        problem(16),
        byzantine=[3],
        attack=Gaussian(10 * size, 0),
        screening=screen,
        iterations=900,
    )
    assert run.exposed["k"].tolist() == [1]
    assert REASONS[run.exposed["reason"][0]] == "gradient bound"
    assert run.distance[-1] < 1e-13  # rounding of a minimiser of size .1 to 1


def test_without_a_gradient_bound_a_spike_is_cut_by_its_next_message_and_the_restart_drops_what_it_left():
    run = decon.solve(
        topologies.make("torus", 16),
        problem(16),
        byzantine=[3],
        attack=Gaussian(1e60, 1e59),
        screening=decon.Consistency(gradient_bound=None),
        iterations=900,
    )
    assert run.exposed["k"].tolist() == [2]
    assert run.distance[-1] < 1e-13


def test_a_constant_lie_stays_and_does_no_more_harm_than_its_claim_allows():
    """F_j is a translated gradient: nobody can tell, and the end is the minimiser with it, theory 10 (c)."""
    costs, topo = problem(8), topologies.make("complete", 8)
    screen = decon.Consistency(gradient_bound=None)
    run = decon.solve(topo, costs, byzantine=[2], attack=Constant(0.3), screening=screen, iterations=800)
    assert run.exposed.size == 0
    target = decon.minimizer(costs, np.delete(np.arange(8), 2))
    claimed = np.abs(run.final.inner.gradient.sum(axis=0)).max()  # the honest agents' and its own true one
    harm = np.linalg.norm(run.x[:2].mean(axis=0) - target)
    lie = costs.H[2] @ (target - 0.3) - costs.b[2]  # F_j(x) = ∇f_j(x - lie), what the messages x + lie claim
    assert claimed > 0
    assert harm <= np.linalg.norm(lie) / (8 * costs.strong_convexity) + 1e-9


def test_equivocation_is_exposed_at_once():
    run = decon.solve(
        topologies.make("complete", 6),
        problem(6),
        byzantine=[1],
        attack=Equivocate(),
        screening=decon.Consistency(gradient_bound=None),
        iterations=300,
    )
    assert run.exposed["k"].tolist() == [1]
    assert REASONS[run.exposed["reason"][0]] == "equivocation"
    assert run.distance[-1] < 1e-10


def test_p2s_liars_are_judged_by_what_they_said_not_by_what_they_truly_compute():
    """Under P2 a liar's own recursion is honest; the public record is what its neighbours know."""
    costs, topo = problem(9), topologies.make("star", 9)
    run = decon.solve(
        topo,
        costs,
        penalty=0.5,
        local_step=decon.Stochastic(sigma=SquareRoot(2.0), batch_size=None),
        byzantine=[4],
        attack=SignFlip(),
        screening=decon.Consistency(knowledge="star"),
        iterations=60,
    )
    assert run.exposed["agent"].tolist() == [4]
    assert run.exposed["k"][0] <= 4


def test_minibatches_and_other_graphs_are_refused_in_one_line():
    costs = problem(4)
    with pytest.raises(OptionError, match="reveal none"):
        decon.solve(
            topologies.make("ring", 4),
            costs,
            penalty=1.0,
            local_step=decon.Stochastic(sigma=9.0, batch_size=2),
            screening=decon.Consistency(),
        )
    with pytest.raises(OptionError, match="needs a star"):
        decon.solve(topologies.make("ring", 4), costs, screening=decon.Consistency(knowledge="star"))
    with pytest.raises(OptionError, match="larger than"):
        decon.Consistency(strong_convexity=2.0, smoothness=1.0)


def pair(y, d, low, high):
    """Two claims whose differences are y and d, the second at the origin with no gradient."""
    zero, nothing = np.zeros((1, len(y))), (np.zeros(1), np.zeros(1))
    g, z = np.array([d]), np.array([y])
    kept = Kept(np.array([2]), g - low * z, z - g / high, nothing)
    first = Kept(np.array([1]), zero, zero, nothing)
    return Claim(kept, z, g, np.zeros(1), 0.0), (first,)


@pytest.mark.parametrize("seed", range(20))
def test_the_excuse_is_the_shortest_range_of_curvatures(seed):
    """Against a search over a grid of ranges around [1, 4]."""
    rng = np.random.default_rng(seed)
    y, d = rng.normal(size=3), 6 * rng.normal(size=3)
    claim, held = pair(y, d, 1.0, 4.0)
    excess, other = contradiction(claim, held, 0.25, np.ones(1, dtype=bool))
    if excess is None:
        assert (d - y) @ (4 * y - d) >= 0
        return
    low, high = widened(claim, held, other, np.array([0]), 1.0, 4.0)[:, 0]
    assert (d - low * y) @ (high * y - d) == pytest.approx(0, abs=1e-9 * (1 + d @ d + high * high))
    lows = 1.0 - np.geomspace(1e-6, 1e4, 4000)
    p, square = (d @ y) / (y @ y), (d @ d) / (y @ y)
    highs = np.maximum(4.0, p + (square - p * p) / np.maximum(p - lows, 1e-300))
    best = np.min(np.where(p > lows, highs - lows, np.inf))
    assert high - low <= best * (1 + 1e-3)


@dataclass(frozen=True)
class Sleeper(Attack):
    """Honest for long, then a lie within rounding of the last message."""

    wake: int = 700

    def __call__(self, view, rng):
        return view.own + (1.0 if view.k >= self.wake else 0.0)


def test_a_sleeper_is_found_when_it_wakes():
    run = decon.solve(
        topologies.make("torus", 16),
        problem(16),
        byzantine=[3],
        attack=Sleeper(),
        screening=decon.Consistency(),
        iterations=1600,
    )
    assert run.exposed["k"][0] in (700, 701)
    assert run.distance[-1] < 1e-12


@pytest.mark.mpi
def test_ranks_judge_their_own_agents_and_come_to_the_same_verdict(tmp_path):
    from tests.decon.distributed.test_mpi import mpiexec

    flags = ["--topology", "torus", "--agents", "12", "--data", "quadratics:dim=2", "--byzantine", "3", "--attack"]
    flags += ["gaussian:mean=1,std=1", "--screening", "consistency", "--iterations", "400"]
    for name, ranks in (("local", 1), ("mpi", 3)):
        engine = [] if ranks == 1 else ["--engine", "mpi"]
        command = ["-m", "decon", "solve", *flags, *engine, "--out", name]
        arguments, options = mpiexec(ranks, *command, capture_output=True, cwd=tmp_path)
        done = subprocess.run(arguments, check=False, timeout=300, **options)
        assert done.returncode == 0, done.stderr
    local, shared = decon.Result.load(tmp_path / "local"), decon.Result.load(tmp_path / "mpi")
    assert len(local.exposed) == 3
    for name in ("k", "agent", "reason", "other"):
        np.testing.assert_array_equal(shared.exposed[name], local.exposed[name])
    np.testing.assert_allclose(shared.x, local.x, rtol=1e-12, atol=1e-12)  # sums over neighbours in another order
