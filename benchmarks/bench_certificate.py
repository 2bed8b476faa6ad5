"""Seconds for certified rates and penalties: ``python -m pytest -q -m benchmark benchmarks/bench_certificate.py``."""

import time

import networkx as nx
import pytest

import topologies
from analysis import certified_rate, optimal_penalty

pytestmark = pytest.mark.benchmark
CLASS = {"strong_convexity": 1.0, "smoothness": 10.0}


def _seconds(topo: object, penalty: float) -> float:
    start = time.perf_counter()
    rate = certified_rate(topo, **CLASS, penalty=penalty)  # type: ignore[arg-type]
    seconds = time.perf_counter() - start
    print(f"n = {topo.n}, c = {penalty}: rate {rate:.9f} in {seconds:.2f} s")
    assert rate < 1
    return seconds


def test_regular_graph_of_100_000_agents_from_its_spectrum() -> None:
    spectrum = topologies.make("ring", 100_000).spectrum
    assert spectrum.adjacency is not None
    assert max(_seconds(spectrum, c) for c in (0.1, 2.0, 1000.0)) < 1


def test_irregular_graph_of_200_agents() -> None:
    topo = topologies.Topology(nx.gnp_random_graph(200, 0.05, seed=3))
    assert max(_seconds(topo, c) for c in (0.05, 0.5, 5.0)) < 60


def test_irregular_graph_of_1000_agents() -> None:
    topo = topologies.Topology(nx.gnp_random_graph(1000, 0.01, seed=1))
    assert max(_seconds(topo, c) for c in (0.05, 1.0)) < 600


def test_penalty_of_an_irregular_graph_of_200_agents() -> None:
    topo = topologies.Topology(nx.gnp_random_graph(200, 0.05, seed=3))
    start = time.perf_counter()
    c = optimal_penalty(topo, **CLASS)
    print(f"n = 200: c = {c:.6f} in {time.perf_counter() - start:.2f} s")
    assert c > 0
