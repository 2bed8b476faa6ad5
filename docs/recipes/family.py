"""A topology family: a function from a number of agents to a graph.

decon compare --use docs/recipes/family.py --topology ladder --topology ring --agents 12
"""

import networkx as nx

import topologies


@topologies.register
def ladder(n: int, *, rungs: int = 1) -> topologies.Topology:
    """Two paths of n/2 agents each, joined at every ``rungs``-th place."""
    half = n // 2
    if n % 2 or rungs < 1:
        raise topologies.TopologyError(f"a ladder needs an even n and rungs >= 1, not n = {n} and rungs = {rungs}")
    graph = nx.disjoint_union(nx.path_graph(half), nx.path_graph(half))
    graph.add_edges_from((i, half + i) for i in range(0, half, rungs))
    return topologies.Topology(graph, name="ladder")
