"""Constants of Theorems 1 to 4 against closed forms, the proposition, and a search over the free constants."""

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import differential_evolution

import analysis
from analysis import Splits
from tests.analysis import runs
from topologies import Spectrum, Topology

LAW = {"strong_convexity": 0.5, "smoothness": 2.0}
GRAPHS = [nx.path_graph(2), nx.path_graph(6), nx.star_graph(5), nx.complete_graph(5), nx.wheel_graph(7)]


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("penalty", [0.01, 0.4, 20.0])
def test_chosen_splits_are_as_good_as_a_global_search(graph, penalty):
    spectrum = Topology(graph).spectrum

    def radius(point):
        one, two, three = 1 + np.exp(point[:3])
        splits = Splits(one, two, three, 1 / (1 + np.exp(-point[3])))
        return np.log(analysis.theorem2(spectrum, penalty=penalty, splits=splits, **LAW).radius(1.0))

    found = differential_evolution(radius, [(-8, 8)] * 4, seed=0, maxiter=60, popsize=12, tol=1e-10).fun
    chosen = analysis.theorem2(spectrum, penalty=penalty, objective="radius", **LAW).radius(1.0)
    assert np.log(chosen) <= found + 1e-3  # the search itself is only good to about this


@pytest.mark.parametrize("graph", GRAPHS)
def test_chosen_rate_is_within_a_few_per_cent_of_the_error_free_one(graph):
    spectrum = Topology(graph).spectrum
    ratio = spectrum.graph_condition / 4.0
    share = 0.5 * (np.sqrt(ratio**2 + 4) - ratio)
    lambda2 = 1 / (1 - share**2)
    best = 1 / (lambda2 * spectrum.graph_condition**2)  # δ where the two terms meet, λ₁ = λ₃ = 1, θ = 0
    bound = analysis.theorem3(spectrum, **LAW)
    assert 0.95 * best <= bound.contraction <= best
    edge = analysis.theorem1(spectrum, penalty=bound.penalty, splits=Splits(1 + 1e-12, lambda2, 1 + 1e-12), **LAW)
    assert edge.contraction <= best * (1 + 1e-9)


@pytest.mark.parametrize("graph", GRAPHS)
def test_best_penalty_maximises_the_contraction_of_its_splits(graph):
    spectrum = Topology(graph).spectrum
    splits = Splits(1.2, 3.0, 1.3, theta=0.2)
    best = analysis.theorem3(spectrum, splits=splits, **LAW)
    assert best.penalty == pytest.approx(
        2.0 * np.sqrt(1.2 * 3 / (2 * 1.3 * spectrum.algebraic_connectivity * spectrum.signless_max)), rel=1e-12
    )
    for factor in (0.3, 0.9, 1.1, 4.0):
        other = analysis.theorem3(spectrum, penalty=factor * best.penalty, splits=splits, **LAW)
        assert other.contraction <= best.contraction * (1 + 1e-12)


def test_no_graph_meets_the_network_condition():
    rng = np.random.default_rng(0)
    for graph in nx.graph_atlas_g()[3:]:  # every graph on up to seven nodes
        if graph.number_of_nodes() < 2 or not nx.is_connected(graph):
            continue
        for _, _, data in graph.edges(data=True):
            data["weight"] = float(10 ** rng.uniform(-2, 2)) if graph.number_of_edges() % 2 else 1.0
        s = Topology(graph).spectrum
        # the best any δ, λ, b could do; the proposition says it falls short by a quarter of d_min
        assert s.signless_min * (1 + s.algebraic_connectivity / s.signless_max) <= 0.875 * s.signless_max


@pytest.mark.parametrize("graph", [*GRAPHS, nx.complete_graph(40)])
@pytest.mark.parametrize("penalty", [1e-3, 1.0, 1e2])
def test_the_ratio_form_says_that_it_fails(graph, penalty):
    bound = analysis.theorem3(Topology(graph).spectrum, penalty=penalty, **LAW)
    assert not bound.network_condition
    assert bound.ratio.rate > 1
    assert bound.network_ratio < bound.network_threshold < 1  # Remark 2: the right side is below 1
    assert bound.rate < 1  # the energy form needs no condition


def test_a_spectrum_alone_is_enough_and_a_million_agents_cost_nothing():
    ring = Spectrum(10**6, 3.9e-11, 4.0, 0.0, 2.0, 2.0, True, True)
    bound = analysis.theorem3(ring, **LAW)
    assert 0 < bound.contraction < 1e-11
    assert 0 < bound.radius(1.0) < np.inf


def test_envelopes_agree_with_each_other_and_with_closed_forms():
    spectrum = Topology(nx.complete_graph(4)).spectrum
    two = analysis.corollary2(spectrum, error_bound=0.3, **LAW)
    assert np.allclose(two.envelope(2.0, 50), two.neighborhood.envelope(2.0, np.full(50, 0.3)), rtol=1e-12)
    assert two.radius == pytest.approx(float(two.neighborhood.distance(two.energy_limit, 0.3)))
    one = analysis.corollary1(spectrum, decay=0.9, scale=2.0, **LAW)
    beta, gain, k = one.neighborhood.rate, one.neighborhood.error_gain, np.arange(51)
    closed = beta**k + gain * 2.0 * beta * 0.9 * (beta**k - 0.9**k) / (beta - 0.9)
    assert np.allclose(one.envelope(1.0, 50), closed, rtol=1e-10)
    assert one.met(np.sqrt(2.0 * 0.9 ** np.arange(1, 20)) * 0.999)
    assert not one.met(np.ones(40))


def test_spending_the_whole_budget_of_theorem_4_gives_its_rate_exactly():
    plan = analysis.theorem4(Topology(nx.star_graph(4)).spectrum, rate=0.999, **LAW)
    spent = []
    for _ in range(30):
        spent.append(float(plan.budget(1.0, np.array(spent))[-1]))
    assert np.allclose(plan.neighborhood.envelope(1.0, np.array(spent)), plan.envelope(1.0, 30), rtol=1e-12)
    assert plan.met(1.0, np.array(spent) * (1 - 1e-9))
    assert not plan.met(1.0, np.array(spent) * 1.01)


def test_a_run_that_spends_the_budget_still_converges_to_the_minimiser():
    rng = np.random.default_rng(1)
    topo = Topology(nx.complete_graph(4))
    costs = runs.Quadratics(runs.hessians(4, 2, 0.5, 2.0, rng), rng.standard_normal((4, 2)))
    plan = analysis.theorem4(topo.spectrum, **LAW)
    penalty = plan.neighborhood.penalty
    v0 = float(runs.run(topo, costs, penalty, np.zeros((2, 4, 2))).energy[0])
    direction = np.zeros((4, 2))
    direction[1, 0] = 1.0
    # all of the budget but a little more of it kept every time, as what was not spent lowers the next budget
    sizes = np.sqrt(plan.share * v0 * plan.rate ** np.arange(400)) * 0.999 ** np.arange(1, 401)
    errors = np.concatenate([np.zeros((1, 4, 2)), sizes[:, None, None] * direction])
    run = runs.run(topo, costs, penalty, errors)
    assert plan.met(v0, run.error_norm[1:])
    assert (run.energy[1:] <= plan.envelope(v0, 400)[1:] * (1 + 1e-9)).all()
    assert run.distance[-1] < run.distance[0] * plan.rate**199


def test_the_lemmas_notice_a_wrong_run():
    rng = np.random.default_rng(0)
    topo = Topology(nx.wheel_graph(6))
    costs = runs.Quadratics(runs.hessians(6, 2, 0.5, 2.0, rng), rng.standard_normal((6, 2)))
    good = runs.run(topo, costs, 0.3, runs.attack("gaussian", 20, 6, 2, rng))
    for name in ("x", "z", "alpha", "gradient"):
        wrong = getattr(good, name).copy()
        wrong[7, 2] += 0.01
        fields = {f: getattr(good, f) for f in good.__dataclass_fields__} | {name: wrong}
        bad = analysis.lemma_residuals(analysis.Trajectory(**fields))
        assert max(bad.definition, bad.lemma1, bad.lemma2) > 1e-5
    fields = {f: getattr(good, f) for f in good.__dataclass_fields__}
    fields["minimizer_gradient"] = good.minimizer_gradient + 0.1
    assert analysis.lemma_residuals(analysis.Trajectory(**fields)).stationarity > 1e-2


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda s: analysis.theorem1(s, strong_convexity=0.0, smoothness=1.0, penalty=1.0), "ν = 0"),
        (lambda s: analysis.theorem1(s, strong_convexity=2.0, smoothness=1.0, penalty=1.0), "ν = 2"),
        (lambda s: analysis.theorem3(s, strong_convexity=1.0, smoothness=np.inf), "ℓ = inf"),
        (lambda s: analysis.theorem2(s, penalty=-1.0, **LAW), "c = -1"),
        (lambda s: analysis.theorem2(s, penalty=1.0, splits=Splits(2, 2, 2), **LAW), "theta"),
        (lambda s: analysis.theorem1(s, penalty=1.0, splits=Splits(2, 2, 2, 0.5), **LAW), "theta"),
        (lambda s: analysis.theorem2(s, penalty=1.0, splits=Splits(2, 1, 2, 0.5), **LAW), "lambda2"),
        (lambda s: analysis.theorem3(s, objective="speed", **LAW), "speed"),
        (lambda s: analysis.theorem4(s, rate=1.0, **LAW), "rate"),
        (lambda s: analysis.corollary1(s, decay=1.0, scale=1.0, **LAW), "decay"),
        (lambda s: analysis.corollary2(s, error_bound=np.nan, **LAW), "nan"),
    ],
)
def test_outside_the_hypotheses_it_refuses(call, named):
    with pytest.raises(analysis.HypothesisError, match=named):
        call(Topology(nx.cycle_graph(5)).spectrum)
