"""Profiling: P1's rule against a dense reference, severing against Theorem 1, the default rule against its figures."""

from __future__ import annotations

from itertools import islice

import networkx as nx
import numpy as np
import pytest

import decon
import topologies
from benchmarks import suite_a
from decon.attacks import Constant, Gaussian, NonFinite, Outlier, Scheduled, SignFlip
from decon.costs import Quadratic
from decon.network.links import LocalLinks
from decon.network.segments import segment_median, segment_quantile
from decon.screens.detection import Counts, _unseen
from decon.screens.leave_one_out import Stars, star_deviation
from tests.decon.problems import admm, iterate, quadratic
from topologies import Topology


@pytest.fixture
def irregular():
    return topologies.make("erdos_renyi", 12, p=0.5, seed=3)


def test_segment_statistics_match_numpy(irregular):
    rng = np.random.default_rng(0)
    receivers, n = irregular.receivers, irregular.n
    values, mask = rng.normal(size=len(receivers)), rng.random(len(receivers)) < 0.6
    mask[receivers == 4] = False
    median, quartile = segment_median(receivers, values, mask, n), segment_quantile(receivers, values, mask, n, 0.25)
    for i in range(n):
        mine = values[(receivers == i) & mask]
        assert median[i] == (np.median(mine) if mine.size else np.inf)
        assert quartile[i] == (np.quantile(mine, 0.25, method="lower") if mine.size else np.inf)


def test_scores_match_the_vectors_of_the_paper(irregular):
    """‖Qy‖² = ½ Σ_edges ‖y_i - y_j‖² over the star around i, built as (29) and (30) say."""
    rng = np.random.default_rng(1)
    links, n = LocalLinks(irregular), irregular.n
    z = 1e3 + rng.normal(size=(n, 4))
    active = np.ones(len(links.receivers), dtype=bool)
    active[[0, irregular.reverse[0]]] = False
    dev, without = star_deviation(Stars(links.receivers, z, links.broadcast(z), active))
    for arc in np.flatnonzero(active):
        i, j = irregular.receivers[arc], irregular.senders[arc]
        around = irregular.senders[(irregular.receivers == i) & active]
        mean = z[[i, *around]].mean(axis=0)
        expected = 0.5 * sum(np.sum((z[k] - mean) ** 2) for k in around)
        assert np.isclose(dev[i], expected, rtol=1e-9)  # differences of values near 1e3: 1e-13 · 1e3 relative
        others = around[around != j]
        mean = z[others].mean(axis=0)
        expected = 0.5 * sum(np.sum((z[k] - mean) ** 2) for k in others) if others.size else dev[i]
        assert np.isclose(without[arc], expected, rtol=1e-9, atol=1e-9)


def _severing_run(lumped: bool) -> float:
    """Cut all links of one falsifying agent at iteration 40; return the honest distance at the end."""
    topo, costs, liar = topologies.make("random_regular", 12, d=4, seed=1), quadratic(12, seed=2), 5
    keep = np.setdiff1d(np.arange(12), [liar])
    target = decon.minimizer(costs, keep)
    c, noise = 0.3, np.random.default_rng(0)
    x, z, eta = np.zeros((12, 3)), np.zeros((12, 3)), np.zeros((len(topo.receivers), 3))
    used = np.ones(len(topo.receivers), dtype=bool)
    links, alpha = LocalLinks(topo), np.zeros((12, 3))
    gap = np.zeros_like(eta)
    for k in range(600):
        if k == 40:
            used = (topo.receivers != liar) & (topo.senders != liar)
        weight = 2 * c * links.arc_sum(used.astype(float))
        if not lumped:
            eta[~used] = 0.0
            alpha = -links.arc_sum(eta)
        pull = links.arc_sum(gap * used[:, None]) - alpha
        x = costs.prox(weight[:, None] * z + pull, weight + (weight == 0) * 1e-9)
        z = x.copy()
        z[liar] += noise.normal(1.0, 1.0, 3)
        gap = c * (z[topo.senders] - z[topo.receivers]) * used[:, None]
        eta += gap
        alpha = alpha - links.arc_sum(gap)
    return float(np.linalg.norm(x[keep] - target, axis=1).max())


def test_lumped_duals_end_elsewhere_and_arc_duals_at_the_minimizer():
    """The severed neighbour's past pull stays in a lumped α_i, so Σα_i ≠ 0 over honest agents and x* is not fixed."""
    assert _severing_run(lumped=True) > 0.05
    assert _severing_run(lumped=False) < 1e-12  # rounding at |x| of order 1


@pytest.mark.parametrize("score", ["mean", "median"])
def test_the_papers_rule_finds_gaussian_liars_and_recovers_exactly(score):
    topo, costs = topologies.make("complete", 10), quadratic(10)
    result = decon.solve(
        topo,
        costs,
        penalty=0.3,
        byzantine=[2, 7],
        attack=Gaussian(1.0, 1.0),
        screening=decon.Profiling(warmup=15, threshold=0.6, score=score),
        iterations=300,
    )
    found = result.detection
    assert found.links.false_negative == 0
    assert found.agents == Counts(2, 0, 0, 8)
    assert found.honest_connected
    assert result.distance[-1] < 1e-12  # exact recovery, to rounding


def test_road_severs_what_accumulates():
    topo, costs = topologies.make("complete", 8), quadratic(8)
    options = {"penalty": 0.3, "screening": decon.Road(20.0), "iterations": 300}
    calm = decon.solve(topo, costs, **options)
    assert not calm.severed.size
    found = decon.solve(topo, costs, byzantine=[1], attack=Gaussian(1.0, 1.0), **options).detection
    assert found.links.false_negative == 0
    assert found.links.true_positive == 7


def test_a_severed_neighbour_that_behaves_again_is_taken_back():
    topo, costs = topologies.make("complete", 8), quadratic(8)
    rule = decon.Profiling(warmup=10, threshold=3.0, patience=10)
    attack = Scheduled(Gaussian(10.0, 1.0), start=15, stop=30)
    result = decon.solve(topo, costs, penalty=0.3, byzantine=[1], attack=attack, screening=rule, iterations=400)
    assert result.severed.size
    assert not result.detection.is_severed.any()
    assert np.linalg.norm(result.x - decon.minimizer(costs), axis=1).max() < 1e-10  # all agents' minimiser again


def test_a_rule_that_never_readmits_says_that_the_network_is_apart():
    topo, costs = Topology(nx.path_graph(6)), quadratic(6)
    result = decon.solve(topo, costs, penalty=0.3, screening=decon.Road(1e-3), iterations=100)
    assert result.status == "disconnected"
    assert result.iterations < 100
    assert not result.detection.honest_connected


@pytest.mark.parametrize("attack", [NonFinite(), NonFinite(-np.inf), Outlier(1e300), Outlier(-1e308)])
def test_hostile_values_never_enter_an_honest_state(attack):
    topo, costs = topologies.make("random_regular", 12, d=4, seed=1), quadratic(12)
    for rule in (decon.Profiling(), decon.Profiling(warmup=5, threshold=1.0), decon.Road(100.0)):
        result = decon.solve(
            topo, costs, penalty=0.3, byzantine=[5], attack=attack, screening=rule, iterations=350, record_every=50
        )
        assert result.detection.links.false_negative == 0
        assert (result.severed["k"] == 1).sum() == 4  # at once
        assert result.distance[-1] < 1e-10


def test_constant_lies_lead_to_the_altered_minimizer():
    """z = x + b is honest ADMM in z with the cost f_b(z - b) - 2cd bᵀz: predicted, then run; no rule may see it."""
    topo, costs, liar, c, b = topologies.make("random_regular", 12, d=4, seed=1), quadratic(12), 3, 0.3, 0.4
    shift = np.full(3, b)
    slope = costs.b.copy()
    slope[liar] += costs.H[liar] @ shift + 2 * c * 4 * shift
    predicted = decon.minimizer(Quadratic(costs.H, slope))
    for rule in (None, decon.Profiling()):
        result = decon.solve(
            topo, costs, penalty=c, byzantine=[liar], attack=Constant(b), screening=rule, iterations=500
        )
        honest = np.delete(result.x, liar, axis=0)
        assert np.linalg.norm(honest - predicted, axis=1).max() < 1e-8
        assert result.distance[-1] > 0.01


@pytest.mark.parametrize("liars", [[1], [1, 2], [1, 2, 3, 4]])
def test_the_largest_unseen_error_is_just_at_the_alarm(liars):
    """Liars around a star's hub that err alike reach dev = ε² exactly: ``undetected_harm`` rests on a sharp bound."""
    star = topologies.make("star", 5)
    largest = _unseen(star, liars, 0.7)
    z = np.zeros((5, 1))
    z[liars] = largest[0] / np.sqrt(len(liars))  # the bound is on all liars around the hub together
    messages = z[star.senders[:4]]
    dev, _ = star_deviation(Stars(star.receivers[:4], z[:1], messages, np.ones(4, dtype=bool)))
    assert np.isclose(np.sqrt(dev[0]), 0.7, rtol=1e-12)  # a handful of roundings


def test_undetected_harm_bounds_a_run():
    topo, costs, liar = topologies.make("random_regular", 8, d=4, seed=1), quadratic(8), 3
    harm = decon.undetected_harm(topo, costs, penalty=0.3, byzantine=[liar], threshold=0.02)
    result = decon.solve(topo, costs, penalty=0.3, byzantine=[liar], attack=Gaussian(0.0, 0.005), iterations=400)
    late = result.error_norm[200:].max()
    assert late < 0.02
    honest = np.delete(result.x, liar, axis=0) - decon.minimizer(costs)
    assert np.linalg.norm(honest) <= harm


@pytest.mark.parametrize("kind", ["least squares", "logistic"])
def test_suite_a_sample(kind):
    make, count = suite_a.GRAPHS["6-regular 20"]
    given = suite_a.problem(make(1), count, kind, 1)
    for name in ("Gaussian(1,1)", "SignFlip(-3)", "Outlier(1e6)", "Equivocate", "from k=100"):
        assert suite_a.play(given, suite_a.ATTACKS_A[name], 1).won, name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["least squares", "logistic"])
@pytest.mark.parametrize("graph", list(suite_a.GRAPHS))
def test_suite_a_whole(graph, kind):
    make, count = suite_a.GRAPHS[graph]
    lost = []
    for seed in range(20):
        given = suite_a.problem(make(seed), count, kind, seed)
        lost += [
            (name, seed) for name, attack in suite_a.ATTACKS_A.items() if not suite_a.play(given, attack, seed).won
        ]
    assert not lost


@pytest.mark.parametrize("family", ["complete", "torus", "karate_club"])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_without_liars_nothing_is_lost(family, spread):
    given = suite_a.problem(suite_a.family(family, 2), 0, "least squares", 2, spread)
    plain, screened, severed = suite_a.clean(given, 2)
    assert screened <= 1.2 * plain
    assert severed == 0


@pytest.mark.parametrize(
    ("family", "kind", "spread", "seed", "scaled"),
    [
        ("ring", "logistic", 1.0, 1004, 0.95),
        ("path", "logistic", 0.0, 1015, 1.84),
        ("barbell", "least squares", 1.0, 1031, 1.15),
    ],
)
def test_two_neighbours_who_start_close_by_chance_accuse_nobody(family, kind, spread, seed, scaled):
    """Where one of few first deviations is tiny, all others look large beside it; each of these lost a link once."""
    given = suite_a.problem(suite_a.family(family, seed), 0, kind, seed, spread, scaled=scaled)
    states = given.states(suite_a.NoAttack(), decon.Profiling(), seed)
    assert all(state.active is None or state.active.all() for state in islice(states, 60))


def test_relabelling_the_agents_permutes_the_run():
    topo, costs = topologies.make("erdos_renyi", 12, p=0.5, seed=3), quadratic(12)
    order = np.random.default_rng(0).permutation(12)
    place = np.argsort(order)
    other = Topology.from_edges(12, place[topo.edges])
    moved = Quadratic(costs.H[order], costs.b[order])
    options = {"penalty": 0.3, "attack": SignFlip(-3.0), "screening": decon.Profiling(), "iterations": 120}
    first = decon.solve(topo, costs, byzantine=[4], **options)
    second = decon.solve(other, moved, byzantine=[int(place[4])], **options)
    assert np.allclose(second.x, first.x[order], atol=1e-9)  # sums run in another order
    assert len(first.severed) == len(second.severed)


def test_a_single_pair_survives_screening():
    topo, costs = Topology(nx.path_graph(2)), quadratic(2)
    result = decon.solve(topo, costs, penalty=0.3, screening=decon.Profiling(), iterations=300)
    assert result.distance[-1] < 1e-12
    assert not result.severed.size


@pytest.mark.parametrize(
    "options",
    [
        {"warmup": 3},
        {"threshold": -1.0},
        {"threshold": 1.0, "decay": 0.0},
        {"threshold": 1.0, "score": "mode"},
        {"threshold": 1.0, "score_threshold": 1.5},
        {"threshold": 1.0, "patience": 0},
    ],
)
def test_bad_options_are_refused(options):
    with pytest.raises(decon.OptionError):
        decon.Profiling(**options)


def test_states_are_never_shared_between_runs():
    topo, costs = topologies.make("complete", 6), quadratic(6)
    method = admm(topo, costs, 0.3, byzantine=np.array([1]), attack=SignFlip(), screening=decon.Profiling())
    zero = np.zeros((6, 3))
    ends = []
    for _ in range(2):
        run = iterate(method, x0=zero, alpha0=zero)
        ends.append([next(run) for _ in range(40)][-1].x)
    assert np.array_equal(*ends)
