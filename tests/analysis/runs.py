"""Random instances for the theory's tests: graphs, quadratic costs, errors, and the node form of P1 (7) in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np

from analysis import Trajectory
from decon.costs import Costs
from topologies import Topology

FAMILIES = ("path", "ring", "star", "complete", "complete_bipartite", "tree", "grid", "gnp", "regular", "wheel")


def graph(name: str, n: int, rng: np.random.Generator, *, weighted: bool = False) -> Topology:
    """Return a connected graph of one of FAMILIES on about n nodes, with weights over two decades if asked."""
    seed = int(rng.integers(2**31))
    if name == "gnp":
        drawn = nx.gnp_random_graph(n, min(1.0, 2.5 * np.log(n + 1) / n), seed=seed)
        made = nx.compose(drawn, nx.path_graph(n))
    elif name == "regular":
        n = max(n, 4)
        made = nx.random_regular_graph(3, n + n % 2, seed=seed)
        made = made if nx.is_connected(made) else nx.cycle_graph(n)
    elif name == "tree":
        made = nx.random_labeled_tree(n, seed=seed)
    elif name == "grid":
        made = nx.grid_2d_graph(2, max(1, n // 2))
    elif name == "complete_bipartite":
        made = nx.complete_bipartite_graph(max(1, n // 3), max(1, n - n // 3))
    else:
        builders = {"path": nx.path_graph, "complete": nx.complete_graph, "wheel": lambda k: nx.wheel_graph(max(k, 4))}
        builders |= {"ring": lambda k: nx.cycle_graph(max(k, 3)), "star": lambda k: nx.star_graph(k - 1)}
        made = builders[name](n)
    if weighted:
        for _, _, data in made.edges(data=True):
            data["weight"] = float(10 ** rng.uniform(-1, 1))
    return Topology(made, name=name)


def hessians(n: int, dim: int, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    """Return (n, N, N) random symmetric Hessians with spectrum in [low, high], both ends attained."""
    values = np.exp(rng.uniform(np.log(low), np.log(high), (n, dim)))
    if rng.random() < 0.5:
        values = rng.choice([low, high], (n, dim))
    values.flat[0], values.flat[-1] = low, high
    basis = np.linalg.qr(rng.standard_normal((n, dim, dim)))[0]
    return np.einsum("nij,nj,nkj->nik", basis, values, basis)


@dataclass(frozen=True)
class Quadratics:
    """f_i(x) = ½(x - t_i)ᵀH_i(x - t_i); gradients are formed from differences, so they stay exact near x*."""

    hessians: np.ndarray
    targets: np.ndarray

    @property
    def minimizer(self) -> np.ndarray:
        return np.linalg.solve(self.hessians.sum(0), np.einsum("nij,nj->i", self.hessians, self.targets))

    def prox(self, linear: np.ndarray, weight: np.ndarray) -> np.ndarray:
        system = self.hessians + weight[:, None, None] * np.eye(linear.shape[1])
        right = linear + np.einsum("nij,nj->ni", self.hessians, self.targets)
        return np.linalg.solve(system, right[..., None])[..., 0]

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return np.einsum("nij,...nj->...ni", self.hessians, x - self.targets)


def iterate(
    topo: Topology,
    costs: Quadratics | Costs,
    penalty: float,
    errors: np.ndarray,
    x0: np.ndarray | None = None,
    alpha0: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run K iterations of P1 (7) with e⁰ … e^K = ``errors`` (K+1, n, N); return x, z, alpha."""
    shape = errors.shape[1:]
    x = [np.zeros(shape) if x0 is None else x0]
    alpha = [np.zeros(shape) if alpha0 is None else alpha0]
    z = [x[0] + errors[0]]
    for error in errors[1:]:
        x.append(costs.prox(penalty * (topo.L_plus @ z[-1]) - alpha[-1], 2 * penalty * topo.degrees))
        z.append(x[-1] + error)
        alpha.append(alpha[-1] + penalty * (topo.L_minus @ z[-1]))
    return np.array(x), np.array(z), np.array(alpha)


def run(
    topo: Topology,
    costs: Quadratics,
    penalty: float,
    errors: np.ndarray,
    x0: np.ndarray | None = None,
    alpha0: np.ndarray | None = None,
) -> Trajectory:
    """Run as ``iterate`` does, and return what the theory looks at."""
    x, z, alpha = iterate(topo, costs, penalty, errors, x0, alpha0)
    minimizer = costs.minimizer
    at = costs.gradient(np.broadcast_to(minimizer, x.shape[1:]))
    return Trajectory(topo, penalty, x, z, alpha, costs.gradient(x), minimizer, at)


def attack(kind: str, iterations: int, n: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Return (K+1, n, N) errors of one of the kinds below on a random third of the agents (all of them for "all")."""
    errors = np.zeros((iterations + 1, n, dim))
    liars = rng.permutation(n)[: max(1, n // 3)] if kind != "all" else np.arange(n)
    noise = rng.standard_normal((iterations + 1, len(liars), dim))
    if kind == "none":
        return errors
    shapes = {
        "all": noise,
        "gaussian": 1 + noise,
        "constant": np.broadcast_to(noise[:1], noise.shape),
        "spike": noise * 1e3 * (np.arange(iterations + 1) == iterations // 2)[:, None, None],
        "alternating": noise[:1] * ((-1.0) ** np.arange(iterations + 1))[:, None, None],
        "decaying": noise * (0.9 ** np.arange(iterations + 1))[:, None, None],
        "tiny": 1e-6 * noise,
    }
    errors[:, liars] = shapes[kind]
    return errors


ATTACKS = ("none", "all", "gaussian", "constant", "spike", "alternating", "decaying", "tiny")
