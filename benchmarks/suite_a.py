"""Suites A, B and the clean suite of profiling: how often one default configuration finds every falsifying agent.

Run from the repository's root::

    python -m benchmarks.suite_a                  # suite A, 20 seeds
    python -m benchmarks.suite_a --seeds 5 --suite b
    python -m benchmarks.suite_a --seeds 5 --crowded   # all liars around one agent
    python -m benchmarks.suite_a --suite clean

A run of suites A and B is won if after 500 iterations every link between an honest and a falsifying agent is severed,
no other is, and every honest agent is within 1e-8 of the honest agents' minimiser. Suite B, which has no bar, also
gives the median over the seeds of the largest honest distance, without and with profiling. A run of the clean suite is
won if all agents are within 1e-8 of the minimiser in at most 1.2 times the iterations needed without screening, and no
link is severed at the end.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

import analysis
import decon
import topologies
from decon.attacks import (
    ALIE,
    Attack,
    Colluding,
    Constant,
    Dissensus,
    Equivocate,
    Gaussian,
    InnerProduct,
    NoAttack,
    NonFinite,
    Outlier,
    SameValue,
    Scheduled,
    SignFlip,
    Stealth,
    Zero,
)
from decon.costs import Costs, LeastSquares, LogisticRegression
from decon.runs.round import Moment, Setup
from decon.streams import stream
from tests.decon.problems import admm, iterate

__all__ = ["ATTACKS_A", "ATTACKS_B", "GRAPHS", "Outcome", "Problem", "clean", "play", "problem", "table"]

ITERATIONS, GOAL, RATIO, DIM = 500, 1e-8, 1.2, 3

GRAPHS: dict[str, tuple[Callable[[int], topologies.Topology], int]] = {
    "6-regular 20": (lambda seed: topologies.make("random_regular", 20, d=6, seed=seed), 3),
    "ER(20, .4)": (lambda seed: topologies.make("erdos_renyi", 20, p=0.4, seed=seed), 3),
    "complete 10": (lambda seed: topologies.make("complete", 10), 3),
    "torus 5x5": (lambda seed: topologies.make("torus", 25), 2),
}
"""Name, graph of a seed, number of falsifying agents."""

ATTACKS_A: dict[str, Attack] = {
    "Gaussian(1,1)": Gaussian(1.0, 1.0),
    "Gaussian(0,1)": Gaussian(0.0, 1.0),
    "Gaussian(.5,.5)": Gaussian(0.5, 0.5),
    "SignFlip(-3)": SignFlip(-3.0),
    "SignFlip(-8)": SignFlip(-8.0),
    "Outlier(1e6)": Outlier(1e6),
    "NaN": NonFinite(),
    "Inf": NonFinite(float("inf")),
    "Equivocate": Equivocate(),
    "from k=100": Scheduled(Gaussian(1.0, 1.0), start=100),
}

ATTACKS_B: dict[str, Attack] = {
    "SignFlip(-1)": SignFlip(-1.0),
    "SignFlip(-2)": SignFlip(-2.0),
    "every 5th": Scheduled(Gaussian(1.0, 1.0), start=1, every=5),
    "Gaussian(0,.1)": Gaussian(0.0, 0.1),
    "Gaussian(0,100)": Gaussian(0.0, 100.0, replace=True),
    "SameValue": SameValue(),
    "silence": Zero(),
    "Outlier(3)": Outlier(3.0),
    "Constant(1)": Constant(1.0),
    "ALIE()": ALIE(),
    "ALIE(3)": ALIE(3.0),
    "InnerProduct(1)": InnerProduct(1.0),
    "Dissensus(1.5)": Dissensus(1.5),
    "Stealth(.1)": Stealth(0.1),
    "Stealth(1,.95)": Stealth(1.0, 0.95),
    "Colluding(0,1)": Colluding(0.0, 1.0),
    "Colluding(1,0,axis 0)": Colluding(1.0, 0.0, 0),
}


@dataclass(frozen=True, eq=False)
class Problem:
    """A graph, its costs, who falsifies, c, ρ and the minimiser of the honest agents' sum."""

    topo: topologies.Topology
    costs: Costs
    byzantine: NDArray[np.int64]
    penalty: float
    rate: float | None
    target: NDArray[np.float64]

    def method(self, attack: Attack, screening: decon.Profiling | None, seed: int) -> Setup:
        """Return the run's options."""
        return admm(
            self.topo,
            self.costs,
            self.penalty,
            byzantine=self.byzantine,
            attack=attack,
            screening=screening,
            seed=seed,
            rate=self.rate,
        )

    def states(self, attack: Attack, screening: decon.Profiling | None, seed: int) -> Iterator[Moment]:
        """Return the states of a run from zero."""
        zero = np.zeros((self.topo.n, self.costs.dim))
        return iterate(self.method(attack, screening, seed), x0=zero, alpha0=zero)


@dataclass(frozen=True)
class Outcome:
    """Missed and wrongly severed links at the end, the largest honest distance, and whether the run is won."""

    missed: int
    wrong: int
    distance: float

    @property
    def won(self) -> bool:
        """Whether the figures of suite A are met."""
        return self.missed == 0 and self.wrong == 0 and self.distance <= GOAL


def make_costs(kind: str, n: int, seed: int, spread: float) -> Costs:
    """Draw costs; ``spread`` is the standard deviation of the agents' own models around the common one."""
    rng = stream(seed, f"suite {kind}")
    model = rng.normal(size=DIM) * (1.0 if kind == "least squares" else 2.0)
    models = model + spread * rng.normal(size=(n, DIM))
    if kind == "least squares":
        rows = rng.normal(size=(n, 10, DIM))
        return LeastSquares(rows, np.einsum("imn,in->im", rows, models) + 0.1 * rng.normal(size=(n, 10)))
    rows = rng.normal(size=(n, 20, DIM))
    chance = 1.0 / (1.0 + np.exp(-np.einsum("imn,in->im", rows, models)))
    return LogisticRegression(rows, np.where(rng.random((n, 20)) < chance, 1.0, -1.0), ridge=0.1)


def draw(topo: topologies.Topology, count: int, seed: int, crowded: bool = False) -> NDArray[np.int64]:
    """Draw falsifying agents, of one agent's neighbours if ``crowded``, until the others are connected."""
    rng = stream(seed, "suite byzantine")
    everyone = np.arange(topo.n)
    while True:
        victim = rng.integers(topo.n) if crowded else None
        among = everyone if victim is None else topo.senders[topo.receivers == victim]
        if len(among) < count:
            continue
        who = np.sort(rng.choice(among, count, replace=False)).astype(np.int64)
        if topo.is_connected_among(np.setdiff1d(everyone, who)):
            return who


def problem(
    topo: topologies.Topology,
    count: int,
    kind: str,
    seed: int,
    spread: float = 0.0,
    crowded: bool = False,
    scaled: float | None = None,
) -> Problem:
    """Draw one problem; c is the certified penalty, or ``scaled`` times the mean √(νL)."""
    costs = make_costs(kind, topo.n, seed, spread)
    who = draw(topo, count, seed, crowded) if count else np.empty(0, dtype=np.int64)
    bounds = {"strong_convexity": costs.strong_convexity, "smoothness": costs.smoothness}
    if scaled is None:
        penalty = float(analysis.optimal_penalty(topo, method="certified", **bounds))
    else:
        penalty = scaled * curvature(costs)
    rate = float(analysis.certified_rate(topo, penalty=penalty, **bounds))
    honest = np.setdiff1d(np.arange(topo.n), who)
    return Problem(topo, costs, who, penalty, rate if rate < 1 else None, decon.minimizer(costs, honest))


def curvature(costs: Costs) -> float:
    """Return √(νL), the unit of c."""
    return (costs.strong_convexity * costs.smoothness) ** 0.5


_DEFAULT = decon.Profiling()


def play(given: Problem, attack: Attack, seed: int, screening: decon.Profiling | None = _DEFAULT) -> Outcome:
    """Run 500 iterations and judge the end."""
    states = given.states(attack, screening, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a falsifying pair may overflow among itself
        try:
            end = next(islice(states, ITERATIONS, None))
        except decon.CostError:  # values so large that a local step fails: lost
            return Outcome(-1, -1, float("inf"))
    honest = np.ones(given.topo.n, dtype=bool)
    honest[given.byzantine] = False
    hears, speaks = honest[given.topo.receivers], honest[given.topo.senders]
    active = np.ones(len(hears), dtype=bool) if end.active is None else end.active
    gap = np.linalg.norm(end.x[honest] - given.target, axis=1).max()
    return Outcome(int((active & hears & ~speaks).sum()), int((~active & hears & speaks).sum()) // 2, float(gap))


def clean(given: Problem, seed: int, screening: decon.Profiling | None = None) -> tuple[int, int, int]:
    """Return iterations to 1e-8 without and with screening, and the links severed at the end.

    A screened run in which no link was ever severed is the run without screening, which is then not repeated.
    """
    screened, severed, ever = _taken(given, seed, screening or _DEFAULT)
    return _taken(given, seed, None)[0] if ever else screened, screened, severed


def _taken(given: Problem, seed: int, rule: decon.Profiling | None) -> tuple[int, int, bool]:
    """Return iterations to 1e-8, links severed then, and whether one ever was."""
    ever = False
    for state in islice(given.states(NoAttack(), rule, seed), 20_000):
        severed = 0 if state.active is None else int((~state.active).sum()) // 2
        ever |= severed > 0
        if np.linalg.norm(state.x - given.target, axis=1).max() <= GOAL:
            break
    return state.k, severed, ever


def table(attacks: dict[str, Attack], given: argparse.Namespace) -> None:
    """Print runs won, one row an attack, and each lost run on stderr; for suite B the distances, too."""
    seeds = range(given.first, given.first + given.seeds)
    kinds = ("least squares", "logistic")
    print("| attack | " + " | ".join(f"{kind}, {name}" for kind in kinds for name in GRAPHS) + " |")
    print("|---" * (len(kinds) * len(GRAPHS) + 1) + "|")
    problems = [
        [problem(make(seed), count, kind, seed, given.spread, given.crowded) for seed in seeds]
        for kind in kinds
        for make, count in GRAPHS.values()
    ]
    total = won = 0
    for label, attack in attacks.items():
        cells = []
        for row in problems:
            ends = [play(each, attack, seed) for each, seed in zip(row, seeds, strict=True)]
            total, won = total + len(ends), won + sum(end.won for end in ends)
            cells.append(f"{sum(end.won for end in ends)}/{len(ends)}")
            if given.suite == "b":
                plain = [play(each, attack, seed, None) for each, seed in zip(row, seeds, strict=True)]
                before, after = (np.median([end.distance for end in these]) for these in (plain, ends))
                cells[-1] += f" ({before:.0e} → {after:.0e})"
            else:
                for seed, end in zip(seeds, ends, strict=True):
                    if not end.won:
                        print(f"lost: {label}, column {len(cells)}, seed {seed}: {end}", file=sys.stderr, flush=True)
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{won} of {total} runs won ({won / total:.2%})")


def clean_table(seeds: range) -> None:
    """Print the worst ratio of iterations for each graph family, without falsifying agents.

    c is the certified penalty of the row's first seed, in units of √(νL): finding it takes longer than the runs.
    """
    print(
        "| family | cost | data | worst ratio | runs with a severed link | links severed |\n|---|---|---|---|---|---|"
    )
    total = won = 0
    for name in topologies.families():
        for kind in ("least squares", "logistic"):
            for label, spread in (("iid", 0.0), ("non-iid", 1.0)):
                first = problem(family(name, seeds[0]), 0, kind, seeds[0], spread)
                scaled = first.penalty / curvature(first.costs)
                ends = [
                    clean(problem(family(name, seed), 0, kind, seed, spread, scaled=scaled), seed) for seed in seeds
                ]
                ratios = [screened / max(plain, 1) for plain, screened, _ in ends]
                severed = [end[2] for end in ends]
                total += len(ends)
                won += sum(ratio <= RATIO and not cut for ratio, cut in zip(ratios, severed, strict=True))
                print(
                    f"| {name} | {kind} | {label} | {max(ratios):.2f} | {np.count_nonzero(severed)} | {sum(severed)} |",
                    flush=True,
                )
    print(f"\n{won} of {total} runs won ({won / total:.2%})")


def family(name: str, seed: int) -> topologies.Topology:
    """Make a member of the family with about 16 agents."""
    try:
        return topologies.make(name, seed=seed)
    except topologies.TopologyError:
        return topologies.make(name, 16, seed=seed)


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=("a", "b", "clean"), default="a")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--spread", type=float, default=0.0, help="standard deviation of the agents' own models")
    parser.add_argument("--crowded", action="store_true", help="all falsifying agents are neighbours of one agent")
    given = parser.parse_args()
    if given.suite == "clean":
        clean_table(range(given.first, given.first + given.seeds))
    else:
        table(ATTACKS_A if given.suite == "a" else ATTACKS_B, given)


if __name__ == "__main__":
    main()
