"""Numbers and objects nobody means: a right answer or one clear line, never a warning, NaN or a crash."""

import contextlib
import math

import networkx as nx
import numpy as np
import pytest

import analysis
import topologies
from analysis import HypothesisError
from topologies import Topology, TopologyError


def scaled(topo, factor):
    return Topology.from_edges(topo.n, topo.edges, topo.weights * factor)


RING = topologies.make("ring", 6)
ODD = topologies.make("erdos_renyi", 7, p=0.5, seed=0)
UNEVEN = Topology.from_edges(4, [[0, 1], [1, 2], [2, 3], [0, 3], [0, 2]], [1e-16, 1, 1e16, 1, 1])
GRAPHS = {"ring": RING, "irregular": ODD, "ring*1e30": scaled(RING, 1e30), "irregular*1e-30": scaled(ODD, 1e-30)}
GRAPHS["uneven"] = UNEVEN
SIZES = [
    (1.0, 1.0, 0.5), (1.0, 1e16, 0.5), (1.0, 4.0, 1e14), (1.0, 4.0, 1e-30), (1e-30, 1e30, 1e30), (1e30, 1e30, 1e-30),
    (1.0, 4.0, 1e200), (1e-200, 1e-200, 1e-200), (1.0, 1e308, 1.0), (5e-324, 1.0, 1.0), (1.0, math.nan, 1.0),
    (-1.0, 2.0, 1.0), (1.0, 2.0, 0.0), ("1", 2.0, 1.0), (1.0, 2.0, None),
]  # fmt: skip


def answers(topo, nu, ell, c):
    """Return the questions, each a call that gives the numbers to look at; rates first."""
    k = {"strong_convexity": nu, "smoothness": ell}
    hessians = np.linspace(1.0, 2.0, topo.n) * (abs(nu) if isinstance(nu, float) else 1.0)

    def numbers(bound, *names):
        return [getattr(bound, name) for name in names]

    return {
        "theorem1": lambda: numbers(analysis.theorem1(topo.spectrum, penalty=c, **k), "rate", "error_gain"),
        "theorem2": lambda: [
            (found := analysis.theorem2(topo.spectrum, penalty=c, **k)).rate, found.radius(1.0), found.error_gain
        ],
        "theorem3": lambda: numbers(analysis.theorem3(topo.spectrum, **k), "rate", "penalty", "network_ratio"),
        "theorem4": lambda: numbers(analysis.theorem4(topo.spectrum, penalty=c, **k), "rate", "share"),
        "corollary1": lambda: [analysis.corollary1(topo.spectrum, penalty=c, decay=0.9, scale=1.0, **k).rate],
        "corollary2": lambda: [0.0, analysis.corollary2(topo.spectrum, penalty=c, error_bound=1.0, **k).radius],
        "certified_rate": lambda: [analysis.certified_rate(topo, penalty=c, **k)],
        "exact_rate": lambda: [analysis.exact_rate(topo, hessians, c)],
        "exact_radius": lambda: [0.0, analysis.exact_radius(topo, hessians, c, [0], 1.0).radius],
        "steady state": lambda: [
            0.0, analysis.steady_state_covariance(topo, hessians, c, [0], 1.0).mean_square([1, 2])
        ],
    }  # fmt: skip


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", GRAPHS)
def test_absurd_numbers_are_answered_or_refused(name, sizes):
    for question, ask in answers(GRAPHS[name], *sizes).items():
        rate, others = 0.0, []
        with contextlib.suppress(HypothesisError, TopologyError):
            rate, *others = ask()
        assert 0 <= rate <= 1, question
        assert all(math.isfinite(value) and value >= 0 for value in others), (question, others)


@pytest.mark.parametrize("penalty", [1e14, 1e-14, 1e30])
@pytest.mark.parametrize("name", ["ring", "irregular"])
def test_rounding_certifies_nothing(name, penalty):
    """The true rates, 1 - ν/(2cd) at most and at least, leave 1 by less than the rounding of what is certified."""
    k = {"strong_convexity": 1.0, "smoothness": 4.0, "penalty": penalty}
    topo = GRAPHS[name]
    rate = analysis.certified_rate(topo, **k)
    slowest = 2 * penalty * topo.degrees.max() / (1 + 2 * penalty * topo.degrees.max()) if penalty > 1 else 1.0
    assert rate >= slowest - 1e-14 if name == "ring" else rate == 1.0  # a regular graph's own formula errs by an ulp
    if rate == 1.0:
        assert analysis.certified_radius(topo, **k, byzantine=[0], error_bound=1.0) == math.inf


def test_equal_curvatures_and_two_agents():
    pair = Topology(nx.path_graph(2))
    k = {"strong_convexity": 1.0, "smoothness": 1.0, "penalty": 0.5}
    exact = analysis.exact_rate(pair, np.ones(2), 0.5)
    # one cost only, so the certificate is the exact rate; closed forms on both sides
    assert analysis.certified_rate(pair, **k) == pytest.approx(exact, rel=1e-12)
    assert analysis.theorem1(pair.spectrum, **k).distance_rate >= exact


@pytest.mark.parametrize("weight", [1e308, 1e31, 1e-31, 5e-324, 0.0, -1.0, math.nan, math.inf])
def test_a_weight_out_of_range_is_refused_with_its_edge(weight):
    graph = nx.path_graph(["a", "b", "c"])
    graph["a"]["b"]["weight"] = weight
    with pytest.raises(TopologyError, match=r"edge \('a', 'b'\) has weight .* from 1e-30 to 1e\+30"):
        Topology(graph)


def test_weights_too_far_apart_leave_no_spectrum():
    with pytest.raises(TopologyError, match="1e-16 to 1e\\+16, lie too far apart"):
        _ = UNEVEN.spectrum


def test_a_response_that_takes_too_long_is_refused_soon():
    with pytest.raises(HypothesisError, match="too long to hold"):
        analysis.exact_radius(RING, np.ones(6), 1e9, [0], 1.0)


@pytest.mark.parametrize("wrong", [RING, nx.cycle_graph(6), "ring", None], ids=lambda wrong: type(wrong).__name__)
def test_what_is_no_spectrum_is_named(wrong):
    k = {"strong_convexity": 1.0, "smoothness": 2.0}
    for ask in (
        lambda: analysis.theorem1(wrong, penalty=1.0, **k),
        lambda: analysis.theorem2(wrong, penalty=1.0, **k),
        lambda: analysis.theorem3(wrong, **k),
        lambda: analysis.theorem4(wrong, **k),
        lambda: analysis.corollary1(wrong, decay=0.5, scale=1.0, **k),
        lambda: analysis.corollary2(wrong, error_bound=1.0, **k),
    ):
        with pytest.raises(HypothesisError, match=rf"topologies.Spectrum is needed .* not {type(wrong).__name__}"):
            ask()


@pytest.mark.parametrize("wrong", [nx.cycle_graph(6), "ring", None], ids=lambda wrong: type(wrong).__name__)
def test_what_is_no_topology_is_named(wrong):
    k = {"strong_convexity": 1.0, "smoothness": 2.0}
    for ask in (
        lambda: analysis.certified_rate(wrong, penalty=1.0, **k),
        lambda: analysis.certified_radius(wrong, penalty=1.0, byzantine=[0], error_bound=1.0, **k),
        lambda: analysis.exact_rate(wrong, np.ones(6), 1.0),
        lambda: analysis.exact_radius(wrong, np.ones(6), 1.0, [0], 1.0),
        lambda: analysis.steady_state_covariance(wrong, np.ones(6), 1.0, [0], 1.0),
        lambda: analysis.optimal_penalty(wrong, **k),
        lambda: analysis.suggest_edges(wrong, 1),
        lambda: analysis.optimal_weights(wrong),
        lambda: analysis.best_penalty_per_topology([wrong], **k),
    ):
        with pytest.raises(HypothesisError, match=rf"topologies.Topology is needed, not {type(wrong).__name__}"):
            ask()
