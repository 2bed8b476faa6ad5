"""The network: a frozen, connected, undirected, weighted graph and its arcs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from topologies.errors import TopologyError
from topologies.frozen import Frozen, freeze
from topologies.magnitudes import LEAST, MOST

if TYPE_CHECKING:
    from topologies.spectrum import Spectrum

__all__ = ["Topology"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Topology(Frozen):
    """A connected undirected graph with positive edge weights, seen as 2|E| arcs.

    Agents are ``0 … n-1`` in the node order of the graph; the graph's own labels are kept in ``labels``. Everything
    that follows from the graph is computed once, on first use, and cannot change.

    Parameters
    ----------
    graph : networkx.Graph
        Connected, undirected, without self-loops or parallel edges, on at least two nodes. The edge attribute
        ``weight`` (positive, from 1e-30 to 1e30; 1 where absent) is w_ij.
    name : str, optional
        Used in tables and figures; the graph's own name otherwise.

    Raises
    ------
    TopologyError
        If the graph is directed, a multigraph, disconnected, has fewer than two nodes, a self-loop, or a weight
        out of range. The message names the node, edge or value.

    Examples
    --------
    >>> import networkx as nx
    >>> topo = Topology(nx.cycle_graph(["a", "b", "c"]))
    >>> topo.n, topo.edges.tolist(), topo.labels
    (3, [[0, 1], [0, 2], [1, 2]], ('a', 'b', 'c'))
    """

    n: int
    """Number of agents (P1 writes L)."""
    adjacency: sp.csr_array
    """(n, n) CSR, symmetric, the weights w_ij."""
    name: str

    def __init__(self, graph: nx.Graph[Any], *, name: str | None = None) -> None:
        if not isinstance(graph, nx.Graph):
            raise TopologyError(f"a topology is made from a networkx.Graph, not {type(graph).__name__}")
        if graph.is_directed() or graph.is_multigraph():
            raise TopologyError(f"the graph must be undirected and simple, not a {type(graph).__name__}")
        nodes = list(graph.nodes)
        index = dict(zip(nodes, range(len(nodes)), strict=True))
        rows = np.fromiter((index[u] for u, _ in graph.edges), dtype=np.int64, count=graph.number_of_edges())
        cols = np.fromiter((index[v] for _, v in graph.edges), dtype=np.int64, count=graph.number_of_edges())
        weights = _real([w for _, _, w in graph.edges(data="weight", default=1.0)])
        self._fill(len(nodes), np.stack([rows, cols], axis=1), weights, name or graph.name or "graph", nodes)

    @classmethod
    def from_edges(
        cls,
        n: int,
        edges: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        labels: Sequence[Hashable] | None = None,
        name: str = "graph",
    ) -> Topology:
        """Build from arrays, without a Python loop over edges; the way for large graphs.

        Parameters
        ----------
        n : int
            Number of nodes.
        edges : (E, 2) array_like of int
            Each edge once, in either direction.
        weights : (E,) array_like, optional
            Positive and finite; 1 unless given.
        labels : sequence, optional
            One label a node; 0 … n-1 unless given.
        name : str
            Used in tables and figures.

        Raises
        ------
        TopologyError
            As the constructor; also for an edge given twice or an index out of range.

        Examples
        --------
        >>> Topology.from_edges(3, [[0, 1], [1, 2]]).degrees
        array([1., 2., 1.])
        """
        pairs = np.asarray(edges)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.issubdtype(pairs.dtype, np.integer):
            raise TopologyError(f"edges must be an (E, 2) array of integers, not {pairs.dtype} {pairs.shape}")
        values = np.ones(len(pairs)) if weights is None else _real(weights)
        if values.shape != (len(pairs),):
            raise TopologyError(f"{len(pairs)} edges need {len(pairs)} weights, not shape {values.shape}")
        self = cls.__new__(cls)
        self._fill(n, pairs.astype(np.int64), values, name, labels)
        return self

    def _fill(
        self,
        n: int,
        edges: NDArray[np.int64],
        weights: NDArray[np.float64],
        name: str,
        labels: Sequence[Hashable] | None,
    ) -> None:
        if n < 2:
            raise TopologyError(f"a network needs at least two agents, not n = {n}")
        if edges.size and (edges.min() < 0 or edges.max() >= n):
            raise TopologyError(f"edge indices must lie in 0 … {n - 1}, found {edges.min()} … {edges.max()}")
        if labels is not None and len(labels) != n:
            raise TopologyError(f"{n} nodes need {n} labels, not {len(labels)}")

        def label(i: int) -> Hashable:
            return i if labels is None else labels[i]

        loops = np.flatnonzero(edges[:, 0] == edges[:, 1])
        if loops.size:
            raise TopologyError(f"self-loop at node {label(int(edges[loops[0], 0]))!r}")
        bad = np.flatnonzero(~((weights >= LEAST) & (weights <= MOST)))
        if bad.size:
            u, v = (label(int(i)) for i in edges[bad[0]])
            raise TopologyError(
                f"edge ({u!r}, {v!r}) has weight {weights[bad[0]]:g}; weights must be positive and finite, "
                f"from {LEAST:g} to {MOST:g}"
            )
        if n > 2 * len(edges):  # before anything of size n is made, which a mistyped n may not fit into memory
            raise TopologyError(f"the graph is disconnected: {len(edges)} edges cannot connect {n} nodes")
        rows, cols = np.concatenate([edges, edges[:, ::-1]]).T
        adjacency = sp.csr_array((np.concatenate([weights, weights]), (rows, cols)), shape=(n, n))
        adjacency.sum_duplicates()
        if adjacency.nnz != 2 * len(edges):
            raise TopologyError(f"{len(edges) - adjacency.nnz // 2} edges are given more than once")
        parts, part = connected_components(adjacency, directed=False)
        if parts > 1:
            apart = f"no path from {label(0)!r} to {label(int(np.argmax(part != part[0])))!r}"
            raise TopologyError(f"the graph is disconnected: {parts} components on {n} nodes, {apart}")
        object.__setattr__(self, "n", int(n))
        object.__setattr__(self, "adjacency", freeze(adjacency))
        object.__setattr__(self, "name", str(name))
        object.__setattr__(self, "_labels", None if labels is None else tuple(labels))

    def __repr__(self) -> str:
        return f"Topology({self.name!r}, n={self.n}, edges={self.n_edges})"

    @cached_property
    def labels(self) -> tuple[Hashable, ...]:
        """The graph's own node labels, in agent order."""
        given: tuple[Hashable, ...] | None = self.__dict__["_labels"]
        return tuple(range(self.n)) if given is None else given

    @cached_property
    def n_edges(self) -> int:
        """Number of edges |E|."""
        return int(self.adjacency.nnz // 2)

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """(E, 2) edges, each once, smaller agent first, in lexicographic order."""
        keep = self.receivers < self.senders
        return freeze(np.stack([self.receivers[keep], self.senders[keep]], axis=1))

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """(E,) weights w_ij in the order of ``edges``."""
        return freeze(self.arc_weights[self.receivers < self.senders])

    @cached_property
    def degrees(self) -> NDArray[np.float64]:
        """(n,) weighted degrees d_i = Σ_j w_ij."""
        return freeze(np.asarray(self.adjacency.sum(axis=1), dtype=float).ravel())

    @cached_property
    def receivers(self) -> NDArray[np.int64]:
        """(2E,) the agent that each arc reaches; arcs are sorted by receiver, then sender."""
        return freeze(np.repeat(np.arange(self.n, dtype=np.int64), np.diff(self.adjacency.indptr)))

    @cached_property
    def senders(self) -> NDArray[np.int64]:
        """(2E,) the agent that each arc starts from."""
        return freeze(self.adjacency.indices.astype(np.int64))

    @cached_property
    def reverse(self) -> NDArray[np.int64]:
        """(2E,) index of the opposite arc."""
        count = self.adjacency.nnz
        numbered = sp.csr_array(
            (np.arange(count), self.adjacency.indices, self.adjacency.indptr), shape=(self.n, self.n)
        )
        return freeze(numbered.T.tocsr().data.astype(np.int64))

    @cached_property
    def arc_weights(self) -> NDArray[np.float64]:
        """(2E,) weight of each arc's edge."""
        return np.asarray(self.adjacency.data, dtype=float)

    @cached_property
    def L_plus(self) -> sp.csr_array:
        """(n, n) CSR signless Laplacian D + A."""
        return freeze(sp.csr_array(sp.diags_array(self.degrees) + self.adjacency))

    @cached_property
    def L_minus(self) -> sp.csr_array:
        """(n, n) CSR signed Laplacian D - A."""
        return freeze(sp.csr_array(sp.diags_array(self.degrees) - self.adjacency))

    @cached_property
    def spectrum(self) -> Spectrum:
        """Extreme eigenvalues of the graph's matrices, see :class:`topologies.Spectrum`."""
        from topologies.spectrum import Spectrum

        return Spectrum.of(self)

    def to_networkx(self) -> nx.Graph[Any]:
        """Return a new :class:`networkx.Graph` with the original labels and ``weight`` attributes.

        Examples
        --------
        >>> Topology(nx.path_graph(["x", "y"])).to_networkx().edges(data=True)
        EdgeDataView([('x', 'y', {'weight': 1.0})])
        """
        graph: nx.Graph[Any] = nx.Graph(name=self.name)
        graph.add_nodes_from(self.labels)
        labels = self.labels
        graph.add_weighted_edges_from(
            (labels[u], labels[v], float(w)) for (u, v), w in zip(self.edges, self.weights, strict=True)
        )
        return graph

    def is_connected_among(self, agents: Iterable[int]) -> bool:
        """Whether the subgraph induced by ``agents`` is connected (true for a single agent).

        Examples
        --------
        >>> star = Topology(nx.star_graph(3))
        >>> star.is_connected_among([1, 2]), star.is_connected_among([0, 1, 2])
        (False, True)
        """
        keep = np.asarray(list(agents), dtype=np.int64)
        part = self.adjacency[keep][:, keep]
        return bool(connected_components(part, directed=False, return_labels=False) == 1)


def _real(weights: ArrayLike) -> NDArray[np.float64]:
    """Return weights as floats; what NumPy would drop in silence, an imaginary part or a mask, is refused."""
    try:
        found = np.asarray(weights)
        if found.dtype.kind in "cmMV" or np.ma.is_masked(weights):
            raise TypeError("complex or masked values, or dates")
        return found.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise TopologyError(f"edge weights must be real numbers: {error}") from None
