"""Seconds to make large graphs and their spectra: ``python -m benchmarks.bench_topologies`` prints the table."""

import time

import topologies

CASES = [
    ("ring", 1_000_000, {}),
    ("random_regular", 1_000_000, {"d": 6}),
    ("erdos_renyi", 1_000_000, {"p": 2e-5}),
    ("watts_strogatz", 1_000_000, {}),
    ("random_geometric", 100_000, {}),
    ("barabasi_albert", 100_000, {}),
]
SPECTRA = [
    ("ring", 100_000, {}),
    ("ring", 1_000_000, {}),
    ("random_regular", 100_000, {"d": 6}),
    ("grid", 100_000, {}),
    ("binary_tree", 100_000, {}),
]


def main() -> None:
    print(f"{'family':18}{'n':>9}{'edges':>10}{'make s':>8}")
    for name, n, params in CASES:
        start = time.perf_counter()
        topo = topologies.make(name, n, seed=0, **params)
        print(f"{name:18}{n:9}{topo.n_edges:10}{time.perf_counter() - start:8.2f}", flush=True)
    print(f"\n{'family':18}{'n':>9}{'spectrum s':>11} {'a':>11}{'Λ':>10} {'residual':>9} method")
    for name, n, params in SPECTRA:
        topo = topologies.make(name, n, seed=0, **params)
        start = time.perf_counter()
        s = topo.spectrum
        seconds = time.perf_counter() - start
        print(
            f"{name:18}{n:9}{seconds:11.2f} {s.algebraic_connectivity:11.4e}{s.signless_max:10.4f} {s.residual:9.1e} "
            f"{s.method}",
            flush=True,
        )


if __name__ == "__main__":
    main()
