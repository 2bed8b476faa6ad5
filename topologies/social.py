"""The real social graphs that NetworkX ships, of fixed size."""

from __future__ import annotations

from typing import Any

import networkx as nx

from topologies.topology import Topology

__all__ = ["davis_women", "florentine", "karate_club", "les_miserables"]


def karate_club(n: int = 34, *, weighted: bool = True) -> Topology:
    """Zachary's karate club, 34 members; edge weights count shared activities (weighted=False: all 1)."""
    return _social(nx.karate_club_graph(), "karate_club", weighted)


def les_miserables(n: int = 77, *, weighted: bool = True) -> Topology:
    """Characters of Les Misérables, 77; edge weights count shared chapters (weighted=False: all 1)."""
    return _social(nx.les_miserables_graph(), "les_miserables", weighted)


def florentine(n: int = 15) -> Topology:
    """Marriages of 15 Florentine families."""
    return _social(nx.florentine_families_graph(), "florentine", weighted=False)


def davis_women(n: int = 32) -> Topology:
    """Davis's 18 southern women and the 14 events they attended; bipartite, 32 agents."""
    return _social(nx.davis_southern_women_graph(), "davis_women", weighted=False)


def _social(graph: nx.Graph[Any], name: str, weighted: bool) -> Topology:
    if not weighted:
        for _, _, data in graph.edges(data=True):
            data.pop("weight", None)
    return Topology(graph, name=name)
