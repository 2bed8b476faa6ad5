"""How tight the certificates are: 72 stated cases of graph × c × κ_f against the worst quadratic costs a search finds.

Run ``python -m benchmarks.certificate_suite`` (rates) or ``python -m benchmarks.certificate_suite radius``.
The worst rate is searched over Hessians in {ν, ℓ}^n (all corners up to 64 of them, flips from several starts above) and
then inside the box, agent by agent; scalar Hessians only, so what is found is a lower bound on the true worst case.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from analysis import certified_radius, certified_rate, exact_radius
from topologies import Topology

Array = NDArray[np.float64]


def _weighted(graph: nx.Graph, seed: int) -> nx.Graph:
    rng = np.random.default_rng(seed)
    for edge in graph.edges:
        graph.edges[edge]["weight"] = float(rng.uniform(0.3, 2))
    return graph


GRAPHS: dict[str, nx.Graph] = {
    "edge": nx.path_graph(2),
    "path 6": nx.path_graph(6),
    "star 7": nx.star_graph(6),
    "ring 8": nx.cycle_graph(8),
    "complete 6": nx.complete_graph(6),
    "4-regular 10": nx.random_regular_graph(4, 10, seed=0),
    "ER 10": nx.gnp_random_graph(10, 0.4, seed=3),
    "ER 14": nx.gnp_random_graph(14, 0.3, seed=2),
    "torus 3x4": nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 4, periodic=True)),
    "tree 9": nx.random_labeled_tree(9, seed=1),
    "weighted path 5": _weighted(nx.path_graph(5), 1),
    "weighted ER 8": _weighted(nx.gnp_random_graph(8, 0.5, seed=3), 2),
}
PENALTIES = (0.1, 0.7, 5.0)
CONDITIONS = (3.0, 30.0)


@dataclass(frozen=True)
class Case:
    graph: str
    penalty: float
    condition: float
    certified: float
    worst: float


def cases() -> Iterator[tuple[str, float, float]]:
    return product(GRAPHS, PENALTIES, CONDITIONS)


def step_matrix(topo: Topology, hessians: Array, c: float) -> Array:
    """(x, α) → (x⁺, α⁺) with α projected on zero agent-sum, where it stays; that adds one eigenvalue zero."""
    n = topo.n
    centred = np.eye(n) - 1 / n
    local = np.hstack([c * topo.L_plus.toarray(), -centred]) / (hessians + 2 * c * topo.degrees)[:, None]
    return np.vstack([local, np.hstack([np.zeros((n, n)), centred]) + c * topo.L_minus.toarray() @ local])


def worst_quadratic(value: Callable[[Array], float], n: int, ell: float) -> float:
    """Largest value over h in [1, ℓ]^n found by corner flips and a local search."""
    rng = np.random.default_rng(0)
    if 2**n <= 64:
        seeds = [np.array(h) for h in product((1.0, ell), repeat=n)]
    else:
        seeds = [np.ones(n), np.full(n, ell), *np.where(rng.random((4, n)) < 0.5, 1.0, ell)]
    best_value, best = -1.0, seeds[0]
    for start in seeds:
        h, here = start.copy(), value(start)
        improved = 2**n > 64
        while improved:
            improved = False
            for i in rng.permutation(n):
                flipped = h.copy()
                flipped[i] = 1 + ell - h[i]
                if (there := value(flipped)) > here * (1 + 1e-12):
                    h, here, improved = flipped, there, True
        if here > best_value:
            best_value, best = here, h
    for start in (best, np.full(n, (1 + ell) / 2), 1 + (ell - 1) * rng.random(n)):
        h, here = start.copy(), value(start)
        for width in (0.5, 0.2, 0.05):
            for i in rng.permutation(n):
                for sign in (-1, 1):
                    moved = h.copy()
                    moved[i] = np.clip(h[i] + sign * width * (ell - 1), 1.0, ell)
                    if (there := value(moved)) > here:
                        h, here = moved, there
        best_value = max(best_value, here)
    return best_value


def rate_case(name: str, c: float, ell: float) -> Case:
    topo = Topology(GRAPHS[name])

    def rate(h: Array) -> float:
        return float(np.abs(np.linalg.eigvals(step_matrix(topo, h, c))).max())

    certified = certified_rate(topo, strong_convexity=1.0, smoothness=ell, penalty=c)
    return Case(name, c, ell, certified, worst_quadratic(rate, topo.n, ell))


def radius_case(name: str, c: float, ell: float, method: str = "lmi") -> Case:
    topo = Topology(GRAPHS[name])
    byzantine = [0] if topo.n < 8 else [0, 3]

    def radius(h: Array) -> float:
        return exact_radius(topo, h, c, byzantine, 1.0).radius

    starts = [np.ones(topo.n), np.full(topo.n, ell)]
    for inner, outer in ((1.0, ell), (ell, 1.0)):
        mixed = np.full(topo.n, outer)
        mixed[byzantine] = inner
        starts.append(mixed)
    best = max(starts, key=radius)
    here = radius(best)
    for i in range(topo.n):
        flipped = best.copy()
        flipped[i] = 1 + ell - best[i]
        if (there := radius(flipped)) > here:
            best, here = flipped, there
    bound = certified_radius(
        topo, strong_convexity=1.0, smoothness=ell, penalty=c, byzantine=byzantine, error_bound=1.0, method=method
    )
    return Case(name, c, ell, bound, here)


def main(kind: str) -> None:
    judge = radius_case if kind == "radius" else rate_case
    done = []
    print(f"{'graph':<16}{'c':>6}{'κ_f':>6}{'certified':>13}{'worst found':>13}{'ratio - 1':>11}{'gap':>10}")
    for name, c, ell in cases():
        case = judge(name, c, ell)
        done.append(case)
        print(
            f"{name:<16}{c:>6}{ell:>6}{case.certified:>13.6f}{case.worst:>13.6f}"
            f"{case.certified / case.worst - 1:>11.2e}{case.certified - case.worst:>10.1e}",
            flush=True,
        )
    ratios = np.array([case.certified / case.worst for case in done])
    gaps = np.array([case.certified - case.worst for case in done])
    print(f"{len(done)} cases; certified / worst: quantiles 0, .1, .25, .5, .75, .9, 1:", end=" ")
    print(np.quantile(ratios, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]).round(5).tolist())
    print(f"within 1e-3: {np.mean(gaps <= 1e-3):.1%}; largest gap {gaps.max():.3g}; least {gaps.min():.2g}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "rate")
