import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

import decon
import topologies
from analysis import exact_radius
from decon import attacks
from decon.attacks import View
from decon.errors import OptionError

LIARS = (2, 5, 7)


def view(k=3, n=10, dim=4, seed=0, byzantine=LIARS, weighted=False):
    rng = np.random.default_rng(seed)
    topo = topologies.make("erdos_renyi", n, p=0.5, seed=seed)
    if weighted:
        topo = topologies.Topology.from_edges(n, topo.edges, rng.uniform(0.5, 2.0, len(topo.edges)))
    x = rng.normal(1.0, 2.0, (n, dim))
    return View(k, topo, np.array(byzantine), x, x.copy(), 0.4)


def permuted(seen, order):
    """Return the same situation with agent ``order[i]`` in the place of agent i."""
    topo = topologies.Topology.from_edges(
        seen.topo.n, np.argsort(order)[seen.topo.edges], seen.topo.adjacency[tuple(seen.topo.edges.T)]
    )
    liars = np.sort(np.argsort(order)[seen.byzantine])
    return View(seen.k, topo, liars, seen.x[order], seen.z[order], seen.penalty)


def sent(attack, seen, seed=0):
    """Return the messages as {(sender, receiver): row}, broadcasts repeated."""
    rows = attack(seen, np.random.default_rng(seed))
    if not attack.per_arc:
        assert rows.shape == seen.own.shape
        rows = rows[seen.outgoing_position]
    assert rows.shape == (len(seen.outgoing), seen.x.shape[1])
    senders, receivers = seen.topo.senders[seen.outgoing], seen.topo.receivers[seen.outgoing]
    return {(int(j), int(i)): row for j, i, row in zip(senders, receivers, rows, strict=True)}


# The formulas are evaluated once here and once there, with the same operations: equal to rounding, rtol 1e-12.
close = {"rtol": 1e-12, "atol": 1e-13}


@pytest.mark.parametrize(
    "attack, formula",
    [
        (attacks.NoAttack(), lambda x, mean, std: x),
        (attacks.SignFlip(-3.0), lambda x, mean, std: -3.0 * x),
        (attacks.Constant(0.5), lambda x, mean, std: x + 0.5),
        (attacks.Constant((1.0, 2.0, 3.0, 4.0)), lambda x, mean, std: x + np.arange(1.0, 5.0)),
        (attacks.Outlier(1e6), lambda x, mean, std: np.full_like(x, 1e6)),
        (attacks.Zero(), lambda x, mean, std: np.zeros_like(x)),
        (attacks.NonFinite(), lambda x, mean, std: np.full_like(x, np.nan)),
        (attacks.NonFinite(-np.inf), lambda x, mean, std: np.full_like(x, -np.inf)),
        (attacks.ALIE(1.5), lambda x, mean, std: mean - 1.5 * std),
        (attacks.InnerProduct(0.7), lambda x, mean, std: -0.7 * mean),
    ],
    ids=lambda value: repr(value) if isinstance(value, attacks.Attack) else "",
)
def test_each_message_is_its_formula(attack, formula):
    seen = view()
    honest = [seen.x[i] for i in range(10) if i not in LIARS]
    mean = sum(honest) / 7
    std = np.sqrt(sum((row - mean) ** 2 for row in honest) / 7)
    for (j, _), row in sent(attack, seen).items():
        np.testing.assert_allclose(row, formula(seen.x[j], mean, std), **close)


def test_same_value_copies_one_honest_agent():
    seen = view()
    assert all(np.array_equal(row, seen.x[0]) for row in sent(attacks.SameValue(), seen).values())
    assert all(np.array_equal(row, seen.x[6]) for row in sent(attacks.SameValue(6), seen).values())


@pytest.mark.parametrize("replace", [False, True])
def test_gaussian_errors_have_their_mean_and_deviation(replace):
    topo = topologies.make("complete", 4)
    x = np.full((4, 50_000), 7.0)
    seen = View(1, topo, np.array([0, 3]), x, x, 1.0)
    error = attacks.Gaussian(2.0, 3.0, replace)(seen, np.random.default_rng(0)) - (0.0 if replace else 7.0)
    # 1e5 draws: the sample mean has a deviation of 3/316, the sample deviation one of 3/447; five of them
    assert abs(error.mean() - 2.0) < 0.048
    assert abs(error.std() - 3.0) < 0.034


def test_equivocation_tells_every_neighbour_something_else():
    seen = view()
    messages = sent(attacks.Equivocate(1.0, 0.5), seen)
    rows = np.array(list(messages.values()))
    distinct = np.abs(rows[:, None] - rows[None]).min(axis=2)[~np.eye(len(rows), dtype=bool)]
    assert distinct.min() > 0
    assert set(messages) == {(j, i) for j in LIARS for i in seen.topo.adjacency[[j]].indices}


ALL = [
    attacks.NoAttack(),
    attacks.Gaussian(),
    attacks.Gaussian(1.0, 2.0, replace=True),
    attacks.SignFlip(),
    attacks.Constant(),
    attacks.Outlier(),
    attacks.Zero(),
    attacks.SameValue(),
    attacks.Equivocate(),
    attacks.ALIE(),
    attacks.InnerProduct(),
    attacks.Colluding(),
    attacks.Colluding(direction=4),
    attacks.Dissensus(),
    attacks.Stealth(0.3, 0.9),
    attacks.WorstCase(np.ones((5, 3, 4))),
    attacks.Decaying(attacks.Dissensus(), 0.8),
    attacks.Scheduled(attacks.Gaussian(), start=2, every=2),
]


@pytest.mark.parametrize("attack", ALL, ids=repr)
def test_messages_are_reproducible_and_leave_the_view_alone(attack):
    seen = view()
    before = seen.x.copy()
    first, second = (attack(seen, np.random.default_rng(5)) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert np.array_equal(seen.x, before)
    with pytest.raises(dataclasses.FrozenInstanceError):
        attack.anything = 1


@pytest.mark.parametrize(
    "attack", [a for a in ALL if not isinstance(a, (attacks.SameValue, attacks.Equivocate))], ids=repr
)
def test_relabelling_the_agents_permutes_the_messages(attack):
    if isinstance(attack, (attacks.Gaussian, attacks.Scheduled)):
        attack = attacks.SignFlip(-2.0)  # draws go to liars in ascending order, so a relabelling moves them
    seen = view(weighted=True)
    order = np.random.default_rng(1).permutation(10)
    after = sent(attack, permuted(seen, order))
    for (j, i), row in sent(attack, seen).items():
        place = np.argsort(order)
        np.testing.assert_allclose(after[int(place[j]), int(place[i])], row, **close)


@pytest.mark.parametrize("n, b", [(50, 24), (20, 3), (25, 11), (101, 50)])
def test_alie_leaves_just_a_majority_beyond_it(n, b):
    """Its definition: of n - b honest normal values, those it needs as supporters lie beyond it."""
    size = attacks.ALIE.paper_strength(n, b)
    supporters = n // 2 + 1 - b
    np.testing.assert_allclose((n - b) * norm.sf(size), supporters, rtol=1e-12)  # inverse of the normal law


def test_alie_never_asks_for_a_negative_strength():
    assert attacks.ALIE.paper_strength(4, 1) == 0.0
    assert attacks.ALIE.paper_strength(2, 1) == 0.0
    seen = view(n=10)
    expected = attacks.ALIE(attacks.ALIE.paper_strength(10, 3))
    assert np.array_equal(attacks.ALIE()(seen, None), expected(seen, None))


def test_colluders_agree_for_an_iteration_or_for_the_run():
    seen, later = view(k=1), view(k=2)
    fixed, fresh = attacks.Colluding(1.0, 2.0, direction=3), attacks.Colluding(1.0, 2.0)
    for attack in (fixed, fresh):
        rows = attack(seen, np.random.default_rng(0))
        assert np.array_equal(rows, np.broadcast_to(rows[0], rows.shape))
    here, there = (attack(seen, np.random.default_rng(0)) for attack in (fixed, fresh))
    assert np.array_equal(fixed(later, np.random.default_rng(1)), here)  # same x in both views
    assert not np.array_equal(fresh(later, np.random.default_rng(1)), there)
    with pytest.raises(OptionError, match="-1"):
        attacks.Colluding(direction=-1)


@pytest.mark.parametrize("weighted", [False, True])
def test_dissensus_overturns_the_honest_pull(weighted):
    """Weighted mean pull of all neighbours = (1 - strength) × that of the honest ones, at every honest target."""
    seen = view(weighted=weighted)
    adjacency = seen.topo.adjacency.toarray()
    messages = sent(attacks.Dissensus(1.5), seen)
    for i in sorted({i for _, i in messages} - set(LIARS)):
        honest = sum(adjacency[i, k] * (seen.x[k] - seen.x[i]) for k in range(10) if k not in LIARS)
        false = sum(adjacency[i, j] * (messages[j, i] - seen.x[i]) for j in LIARS if adjacency[i, j])
        np.testing.assert_allclose(honest + false, -0.5 * honest, **close)


@pytest.mark.parametrize("k", [1, 40])
def test_stealth_stays_just_under_its_threshold(k):
    seen = view(k)
    limit = 0.3 * 0.9**k
    for (_, i), row in sent(attacks.Stealth(0.3, 0.9), seen).items():
        step = row - seen.x[i]
        assert np.linalg.norm(step) < limit
        # rounding of x + u - x is 1e-15 beside steps of 4e-3
        np.testing.assert_allclose(np.linalg.norm(step), 0.99 * limit, rtol=1e-9)
        np.testing.assert_allclose(step @ seen.honest_mean / np.linalg.norm(seen.honest_mean), 0.99 * limit, rtol=1e-9)


def test_stealth_has_a_direction_where_the_mean_has_none():
    topo = topologies.make("complete", 4)
    seen = View(1, topo, np.array([0]), np.zeros((4, 3)), np.zeros((4, 3)), 1.0)
    assert np.array_equal(attacks.Stealth(2.0)(seen, None), np.tile([1.98, 0, 0], (3, 1)))


NOTHING = attacks.NoAttack()
REFUSED = [
    ("Gaussian", "mean", ["1", np.inf, None, True, 10**400], {}),
    ("Gaussian", "std", [-1, np.nan, "1"], {}),
    ("Gaussian", "replace", ["no", 1, None], {}),
    ("SignFlip", "scale", [0, 2.0, -np.inf, "big"], {}),
    ("Constant", "value", [np.nan, "1", (), (1.0, np.inf), [[1.0]]], {}),
    ("Outlier", "value", [np.inf, "1"], {}),
    ("SameValue", "agent", [-1, 1.5, "0"], {}),
    ("NonFinite", "value", [0.0, "nan"], {}),
    ("Equivocate", "mean", [np.nan, "0"], {}),
    ("Equivocate", "std", [-0.1, np.inf], {}),
    ("ALIE", "strength", [np.nan, np.inf, "1"], {}),
    ("InnerProduct", "scale", [np.nan, "1"], {}),
    ("Colluding", "mean", [np.inf, "1"], {}),
    ("Colluding", "std", [-1, np.nan], {}),
    ("Colluding", "direction", [-1, 0.5, "north"], {}),
    ("Dissensus", "strength", [np.nan, "1"], {}),
    ("Stealth", "threshold", [0.0, -1.0, np.nan, np.inf, "1"], {}),
    ("Stealth", "ratio", [0.0, 1.1, np.nan, "1"], {}),
    ("WorstCase", "errors", ["much", [[1.0], [1.0, 2.0]], np.full((1, 1, 1), np.nan)], {}),
    ("Decaying", "attack", [None, "gaussian", attacks.Gaussian], {}),
    ("Decaying", "ratio", [0, 1, 1.0, np.nan, "0.5"], {"attack": NOTHING}),
    ("Scaled", "strength", [-1, np.nan, np.inf, "1"], {"attack": NOTHING}),
    ("Scheduled", "start", [0, -3, 1.5, np.nan, "1"], {"attack": NOTHING}),
    ("Scheduled", "stop", [1, 2.5, "3"], {"attack": NOTHING}),
    ("Scheduled", "every", [0, -1, 0.5, "2"], {"attack": NOTHING}),
]


@pytest.mark.parametrize("kind, name, values, others", REFUSED, ids=[f"{case[0]}.{case[1]}" for case in REFUSED])
def test_nonsense_is_refused_in_one_line_when_an_attack_is_made(kind, name, values, others):
    for value in values:
        with pytest.raises(OptionError) as refusal:
            getattr(attacks, kind)(**{name: value}, **others)
        assert str(refusal.value).startswith(f"{kind}: {name} must be ")
        assert "\n" not in str(refusal.value)


def test_every_option_of_every_attack_says_what_it_may_be():
    kinds = [kind for name in attacks.__all__ if dataclasses.is_dataclass(kind := getattr(attacks, name))]
    said = {(kind.__name__, field.name) for kind in kinds for field in dataclasses.fields(kind) if field.metadata}
    free = {("WorstCase", "errors"), *(("View", field.name) for field in dataclasses.fields(View))}
    assert said | free == {(kind.__name__, field.name) for kind in kinds for field in dataclasses.fields(kind)}
    assert {(name, option) for name, option, _, _ in REFUSED} - free >= said - {
        ("Scaled", "attack"), ("Scheduled", "attack")
    }  # fmt: skip


def test_numbers_of_numpy_are_numbers():
    assert attacks.Scheduled(attacks.Gaussian(np.float32(1), np.int64(2)), start=np.int64(3)).start == 3


def test_what_only_the_run_can_tell_is_refused_there():
    for attack, words in (
        (attacks.Constant((1.0, 2.0)), "4 entries, not 2"),
        (attacks.SameValue(10), "0 … 9, not 10"),
        (attacks.SameValue(5), "honest"),
    ):
        with pytest.raises(OptionError, match=words):
            attack(view(), None)


@pytest.mark.parametrize("attack", [attacks.Gaussian(1.0, 2.0), attacks.Equivocate(1.0, 2.0)], ids=repr)
def test_decaying_scales_the_error_and_scheduled_switches_it(attack):
    seen = view(k=7)
    full, true = sent(attack, seen), sent(attacks.NoAttack(), seen)
    weak = sent(attacks.Decaying(attack, 0.5), seen)
    for link, row in weak.items():
        np.testing.assert_allclose(row - true[link], 2.0**-7 * (full[link] - true[link]), **close)
    on = {
        k: sent(attacks.Scheduled(attack, start=4, stop=11, every=3), dataclasses.replace(seen, k=k))
        for k in range(1, 14)
    }
    for k, messages in on.items():
        expected = full if k in (4, 7, 10) else true
        assert all(np.array_equal(row, expected[link]) for link, row in messages.items())
    both = sent(attacks.Scheduled(attacks.Decaying(attack, 0.5), start=8), seen)
    assert all(np.array_equal(row, true[link]) for link, row in both.items())


def test_dying_out_is_harmless_only_if_the_liar_believes_its_own_broadcast():
    """P1's Corollary 1 is about z = x + e in every agent's dual, the liar's own too; docs/theory.md, section 8.

    A broadcast that dies out leaves nothing. The same errors in messages that the liar's own duals know nothing of
    leave Σ η_ij ≠ 0 for ever, so the run ends where (8.2) says: Σ_i ∇f_i(x) = c Σ_arcs w Σ_k e^k.
    """
    topo = topologies.make("random_regular", 10, d=4, seed=1)
    rng = np.random.default_rng(2)
    costs = decon.costs.LeastSquares(rng.normal(size=(10, 6, 2)), rng.normal(size=(10, 6)))
    c, liars, ratio = 0.7, [2, 5], 0.9

    def ends(attack):
        return decon.solve(topo, costs, penalty=c, byzantine=liars, attack=attack, iterations=600)

    broadcast = ends(attacks.Decaying(attacks.Constant(1.0), ratio))
    told_apart = ends(attacks.Decaying(attacks.Equivocate(mean=1.0, std=0.0), ratio))
    target = decon.minimizer(costs)
    total = c * topo.degrees[liars].sum() * ratio / (1 - ratio)
    expected = target + np.linalg.solve(costs.H.sum(axis=0), np.full(2, total))
    # 600 iterations leave rounding; the minimizer is polished to rounding too
    np.testing.assert_allclose(broadcast.x, np.tile(target, (10, 1)), atol=1e-11)
    np.testing.assert_allclose(told_apart.x, np.tile(expected, (10, 1)), atol=1e-9)
    shift = np.linalg.norm(expected - target)
    assert 0.1 < shift <= np.sqrt(2) * total / (10 * costs.strong_convexity)


def test_a_schedule_must_end_after_it_starts():
    with pytest.raises(OptionError, match="stop=2"):
        attacks.Scheduled(attacks.NoAttack(), start=2, stop=2)


def test_runs_on_one_seed_meet_the_same_draws():
    topo = topologies.make("random_regular", 8, d=3, seed=0)
    rng = np.random.default_rng(0)
    costs = decon.costs.LeastSquares(rng.normal(size=(8, 4, 2)), rng.normal(size=(8, 4)), 0.5)
    first, again, other = (
        decon.solve(topo, costs, penalty=0.4, byzantine=[1, 4], attack=attacks.Gaussian(), iterations=20, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first.x.tobytes() == again.x.tobytes()
    assert not np.array_equal(first.error_norm, other.error_norm)
    slower = decon.solve(topo, costs, penalty=0.1, byzantine=[1, 4], attack=attacks.Gaussian(), iterations=20, seed=0)
    # z - x is the draw e only up to rounding of z = x + e
    np.testing.assert_allclose(first.error_norm, slower.error_norm, rtol=1e-12)


WORST = [
    ("complete", 6, {}, [0], 1),
    ("erdos_renyi", 9, {"p": 0.5}, [1, 4], 1),
    ("torus", 9, {}, [3], 2),
    ("star", 7, {}, [2], 1),
    ("path", 2, {}, [1], 1),
]


@pytest.mark.parametrize("family, n, options, liars, dim", WORST, ids=[case[0] for case in WORST])
def test_worst_case_attains_the_exact_radius_and_is_never_above(family, n, options, liars, dim):
    topo = topologies.make(family, n, seed=0, **options)
    rng = np.random.default_rng(7)
    factors = rng.normal(size=(n, dim, dim))
    hessians = factors @ factors.transpose(0, 2, 1) + 0.5 * np.eye(dim)
    costs = decon.costs.Quadratic(hessians, rng.normal(size=(n, dim)))
    penalty, size = 0.4, 0.3
    worst = exact_radius(topo, hessians, penalty, liars, size)
    length = len(worst.pattern) + 1
    attack = attacks.WorstCase.against(topo, hessians, penalty, liars, size, iterations=length)
    fixed = decon.minimizer(costs)
    start = np.tile(fixed, (n, 1))
    slope = -costs.gradient(start)
    result = decon.solve(
        topo, costs, penalty=penalty, byzantine=liars, attack=attack, iterations=length,
        x0=start, alpha0=slope - slope.mean(axis=0),
    )  # fmt: skip
    assert result.error_norm.max() <= size * (1 + 1e-12)  # rounding of z - x
    honest = [i for i in range(n) if i not in liars]
    hit = np.linalg.norm(result.x[honest] - fixed)
    assert hit >= 0.99 * worst.radius
    assert hit <= worst.upper * (1 + 1e-9)  # rounding along some thousand iterations
    rival = attacks.WorstCase(
        size * (bare := rng.choice([-1.0, 1.0], (length, len(liars), dim))) / np.linalg.norm(bare[0])
    )
    other = decon.solve(
        topo, costs, penalty=penalty, byzantine=liars, attack=rival, iterations=length,
        x0=start, alpha0=slope - slope.mean(axis=0),
    )  # fmt: skip
    assert np.linalg.norm(other.x[honest] - fixed) < hit


def test_worst_case_ends_and_refuses_other_shapes():
    errors = np.ones((2, 3, 4))
    attack = attacks.WorstCase(errors)
    errors[:] = 9.0  # copied
    np.testing.assert_allclose(attack(view(k=2), None), view().own + 1.0, **close)
    assert np.array_equal(attack(view(k=3), None), view().own)
    with pytest.raises(OptionError, match=r"\(3, 4\)"):
        attack(view(byzantine=(1,)), None)
    with pytest.raises(OptionError, match="shape"):
        attacks.WorstCase(np.ones(3))
