"""What every registered method, screening rule, attack and cost must do: one list of properties, each a function.

A property takes a :class:`Case` and asserts; ``tests/test_contracts.py`` runs all of them over all that is registered,
so that what is registered next is held to them without a line written. That a run over MPI is that of one process is
held by ``tests/decon/distributed``, over the same registry.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

import decon
from decon import attacks
from decon.costs import Costs, Quadratic, Ridge, WithHub
from decon.methods import Proposal
from decon.screens.protocol import Verdict
from decon.spec.registry import registry
from topologies import Topology

N, DIM, LIARS = 9, 3, (2, 6)
ITERATIONS = 24


class Place(NamedTuple):
    x: np.ndarray


@dataclass(frozen=True)
class Descent:
    """Plain decentralized gradient descent, Metropolis–Hastings weights: a method of the user's."""

    step: float = 0.02

    def begin(self, costs: Costs, links: Any, x0: np.ndarray) -> Place:
        return Place(x0)

    def propose(self, costs: Costs, links: Any, state: Place, k: int) -> Proposal:
        return Proposal(state.x, state.x)

    def absorb(self, costs: Costs, links: Any, state: Place, proposal: Proposal, heard: Any, k: int) -> Place:
        degrees = links.topo.degrees
        receivers, senders = links.agents[links.receivers], links.senders
        weights = 1.0 / (1.0 + np.maximum(degrees[receivers], degrees[senders]))
        mixed = links.arc_sum(weights[:, None] * heard.gaps())
        return Place(proposal.x + mixed - self.step * costs.gradient(proposal.x))


@dataclass(frozen=True)
class Cut:
    """Cuts all links of one agent from the first message on."""

    agent: int
    readmits = False

    def start(self, links: Any, dim: int, rate: float | None) -> None:
        return None

    def judge(self, links: Any, inbox: Any, state: None) -> Verdict:
        return Verdict((links.agents[links.receivers] != self.agent) & (links.senders != self.agent), None)


@dataclass(frozen=True)
class Case:
    """One combination."""

    method: Any = dataclasses.field(default_factory=lambda: decon.Admm(0.6))
    attack: Any = None
    screening: Any = None
    costs: Costs | None = None

    def __str__(self) -> str:
        parts = (self.method, self.attack, self.screening, self.costs)
        return " ".join(type(part).__name__ for part in parts if part is not None)

    def graph(self) -> Topology:
        """An irregular, weighted graph whose honest agents stay connected without the liars."""
        graph = nx.wheel_graph(N)
        graph.add_edges_from([(1, 4), (3, 7)])
        for number, (u, v) in enumerate(sorted(graph.edges)):
            graph.edges[u, v]["weight"] = 0.5 + 0.25 * (number % 5)
        return Topology(graph)

    def problem(self) -> Costs:
        return self.costs if self.costs is not None else quadratic()

    def run(self, **options: Any) -> decon.Result:
        given = {"method": self.method, "screening": self.screening, "iterations": ITERATIONS, "seed": 4}
        if self.attack is not None:
            given |= {"byzantine": LIARS, "attack": self.attack}
        given |= options
        return decon.solve(given.pop("topo", None) or self.graph(), given.pop("costs", None) or self.problem(), **given)


def picked(topo: Topology, order: np.ndarray) -> Topology:
    """Return the graph among the agents ``order``, numbered in that order."""
    graph = nx.from_scipy_sparse_array(topo.adjacency[order][:, order])
    return Topology(graph)


def quadratic(seed: int = 0) -> Quadratic:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(N, DIM, DIM))
    return Quadratic(factors @ factors.transpose(0, 2, 1) + np.eye(DIM), rng.normal(size=(N, DIM)))


def over_samples(kind: type[Costs]) -> Costs:
    """Return costs of a registered class over random samples, ragged."""
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(4 + agent % 3, DIM)) for agent in range(N)]
    if kind is decon.costs.SoftmaxRegression:
        return kind(X, [rng.integers(0, 3, size=len(x)) for x in X], classes=3, ridge=0.5)
    if kind is decon.costs.LogisticRegression:
        return kind(X, [rng.integers(0, 2, size=len(x)) for x in X], ridge=0.5)
    return kind(X, [rng.normal(size=len(x)) for x in X], ridge=0.5)


_NEEDED: dict[str, dict[str, Any]] = {  # options that have no default
    "Road": {"threshold": 30.0},
    "Decaying": {"attack": attacks.Gaussian(1.0, 1.0), "ratio": 0.8},
    "Scheduled": {"attack": attacks.SignFlip(-2.0), "start": 5, "every": 2},
    "Scaled": {"attack": attacks.Outlier(3.0), "strength": 0.5},
    "WorstCase": {"errors": tuple(np.random.default_rng(0).normal(size=(ITERATIONS, len(LIARS), DIM)))},
    "Admm": {"penalty": 0.6},
}


def instances(what: str) -> list[Any]:
    """Return one of each registered kind; one that needs options has them in ``_NEEDED``."""
    return [kind(**_NEEDED.get(name, {})) for name, kind in registry(what).items() if name != "SquareRoot"]


METHODS = [*instances("method"), decon.Admm(0.6, dual_bound=2.0), decon.Admm(0.6, form="arc"), Descent()]
ATTACKS = instances("attack")
SCREENS = [None, *instances("screening"), decon.Profiling(threshold=1.0)]
COSTS = [*(over_samples(kind) for kind in registry("cost").values()), quadratic()]


def same(one: decon.Result, other: decon.Result, *, rtol: float = 0.0, order: Any = None) -> None:
    """Assert that two runs ended alike; to the bit unless a tolerance is given."""
    x, status = (other.x if order is None else other.x[order]), other.status
    assert one.status == status
    if rtol == 0.0:
        np.testing.assert_array_equal(one.x, x)
        np.testing.assert_array_equal(one.severed, other.severed)
    else:
        np.testing.assert_allclose(one.x, x, rtol=rtol, atol=rtol * max(1.0, np.abs(x).max()))


def the_same_seed_gives_the_same_bytes(case: Case, folder: Path) -> None:
    same(case.run(), case.run())


def a_checkpoint_ends_as_if_it_had_never_stopped(case: Case, folder: Path) -> None:
    whole = case.run()
    short = case.run(iterations=10, checkpoint=folder / "kept", checkpoint_every=7)
    if short.status == "completed":
        same(case.run(checkpoint=folder / "kept", checkpoint_every=7), whole)


def a_lie_of_no_size_is_none(case: Case, folder: Path) -> None:
    """Scaled by zero, every finite error is zero: sent = x + 0."""
    honest = dataclasses.replace(case, attack=attacks.NoAttack()).run()
    same(dataclasses.replace(case, attack=attacks.Scaled(case.attack, 0.0)).run(), honest, rtol=1e-12)


def renaming_agents_renames_the_outcome(case: Case, folder: Path) -> None:
    """Agent i of the renamed problem is agent order[i]: sums over neighbours come in another order, hence rounding."""
    order = np.random.default_rng(3).permutation(N)
    place = np.argsort(order)
    topo = case.graph()
    renamed = picked(topo, order)
    start = np.random.default_rng(5).normal(size=(N, case.problem().dim))
    options = {"x0": start[order], "costs": case.problem().subset(order), "topo": renamed}
    if case.attack is not None:
        options["byzantine"] = sorted(place[list(LIARS)].tolist())
    same(case.run(**options), case.run(x0=start), rtol=1e-8, order=order)


def an_agent_cut_from_the_start_leaves_the_method_on_the_rest(case: Case, folder: Path) -> None:
    """The others end where the method ends on the graph without it; only the first iterate has still counted on it."""
    rest = np.delete(np.arange(N), 2)
    topo = case.graph()
    smaller = picked(topo, rest)
    costs = case.problem()
    alone = case.run(topo=smaller, costs=costs.subset(rest), iterations=1500)
    cut = case.run(screening=Cut(2), byzantine=(2,), attack=attacks.Gaussian(1e6, 1.0), iterations=1500)
    np.testing.assert_allclose(cut.x[rest], alone.x, atol=1e-8)  # both have settled: the slowest rate is below 0.99


def nothing_in_a_run_is_changed_by_looking(case: Case, folder: Path) -> None:
    """Callbacks and records see copies or frozen states: what was seen at k stays so."""
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    watched = case.run(record=("x",), callback=lambda k, moment: seen.append((moment.x, moment.x.copy())) and None)
    for now, then in seen:
        np.testing.assert_array_equal(now, then)
    same(watched, case.run())


def a_run_reports_and_is_saved(case: Case, folder: Path) -> None:
    run = case.run()
    again = decon.Result.load(run.save(folder / "run"))
    same(again, run)
    assert str(again.detection) == str(run.detection)
    assert np.isfinite(run.x).all()


def applies(check: Callable[[Case, Path], None], case: Case) -> bool:
    """Whether a property is about a case: each names what it leaves out, and why."""
    if getattr(case.screening, "public", False) and not getattr(case.method, "reveals", False):
        return False  # refused in one line: nothing that could be judged is said
    if check is a_lie_of_no_size_is_none:  # 0 · infinity is no zero
        return case.attack is not None and not isinstance(case.attack, attacks.NonFinite)
    if check is renaming_agents_renames_the_outcome:  # draws, and choices of a victim, go by number
        return case.attack is None or isinstance(case.attack, (attacks.Zero, attacks.SignFlip, attacks.NoAttack))
    if check is an_agent_cut_from_the_start_leaves_the_method_on_the_rest:  # Descent's weights know the whole graph
        return case.attack is None and case.screening is None and not isinstance(case.method, Descent)
    return True


RUNS: tuple[Callable[[Case, Path], None], ...] = (
    the_same_seed_gives_the_same_bytes,
    a_checkpoint_ends_as_if_it_had_never_stopped,
    a_lie_of_no_size_is_none,
    renaming_agents_renames_the_outcome,
    an_agent_cut_from_the_start_leaves_the_method_on_the_rest,
    nothing_in_a_run_is_changed_by_looking,
    a_run_reports_and_is_saved,
)


def the_gradient_is_the_slope_of_the_value(costs: Costs) -> None:
    """Central differences: off by h² f'''/6 and by rounding/h, some 1e-9 of the gradient with h = 1e-5."""
    rng = np.random.default_rng(2)
    x, along, h = rng.normal(size=(costs.n, costs.dim)), rng.normal(size=(costs.n, costs.dim)), 1e-5
    slope = (costs.value(x + h * along) - costs.value(x - h * along)) / (2 * h)
    exact = np.einsum("ij,ij->i", costs.gradient(x), along)
    np.testing.assert_allclose(slope, exact, rtol=1e-6, atol=1e-6 * np.abs(exact).max())


def the_prox_is_where_its_slope_vanishes(costs: Costs) -> None:
    rng = np.random.default_rng(2)
    linear, weight = rng.normal(size=(costs.n, costs.dim)), rng.uniform(0.5, 2.0, size=costs.n)
    x = costs.prox(linear, weight, np.zeros((costs.n, costs.dim)))
    rest = costs.gradient(x) + weight[:, None] * x - linear
    scale = 1.0 + np.abs(linear).max() + np.abs(costs.gradient(x)).max()
    assert np.abs(rest).max() < 1e-8 * scale  # Newton's tolerance; a factorisation's rounding is far below


def curvature_bounds_the_change_of_the_gradient(costs: Costs) -> None:
    """ν‖x - y‖² ≤ ⟨∇f(x) - ∇f(y), x - y⟩ ≤ ℓ‖x - y‖²."""
    rng = np.random.default_rng(2)
    for scale in (1e-3, 1.0, 1e3):
        step = scale * rng.normal(size=(costs.n, costs.dim))
        x = rng.normal(size=step.shape)
        product = np.einsum("ij,ij->i", costs.gradient(x + step) - costs.gradient(x), step)
        square = np.einsum("ij,ij->i", step, step)
        assert (product >= costs.strong_convexity * square * (1 - 1e-6) - 1e-9).all()
        assert (product <= costs.smoothness * square * (1 + 1e-6) + 1e-9).all()


def a_share_of_the_agents_has_the_same_costs(costs: Costs) -> None:
    chosen = np.array([7, 0, 3])
    x = np.random.default_rng(2).normal(size=(costs.n, costs.dim))
    part = costs.subset(chosen)
    np.testing.assert_allclose(part.value(x[chosen]), costs.value(x)[chosen], rtol=1e-12)
    np.testing.assert_allclose(part.gradient(x[chosen]), costs.gradient(x)[chosen], rtol=1e-12, atol=1e-12)


def the_hub_of_a_star_may_be_one_more(costs: Costs) -> None:
    whole = WithHub(Ridge(costs.dim, 0.5), costs)
    x = np.random.default_rng(2).normal(size=(costs.n + 1, costs.dim))
    np.testing.assert_allclose(whole.gradient(x)[0], 0.5 * x[0], rtol=1e-14)
    np.testing.assert_allclose(whole.gradient(x)[1:], costs.gradient(x[1:]), rtol=1e-12, atol=1e-12)


ABOUT_COSTS: tuple[Callable[[Costs], None], ...] = (
    the_gradient_is_the_slope_of_the_value,
    the_prox_is_where_its_slope_vanishes,
    curvature_bounds_the_change_of_the_gradient,
    a_share_of_the_agents_has_the_same_costs,
    the_hub_of_a_star_may_be_one_more,
)
