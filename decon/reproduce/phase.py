"""Where detection breaks down: number of liars × strength × topology, and hits against false alarms of four rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import topologies
from decon.attacks import Attack, Gaussian
from decon.attacks.liars import draw_byzantine
from decon.costs import Costs
from decon.datasets import costs as local_costs
from decon.datasets import synthetic_regression
from decon.methods.penalty import choose_penalty
from decon.reproduce.links import wrong_links
from decon.runs.solve import solve
from decon.screens.profiling import Profiling, Road
from decon.screens.protocol import Screening
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COUNTS", "NETWORKS", "STRENGTHS", "TOLERANCE", "breakdown", "phase", "phase_runs", "roc_runs"]

N = 20
"""Agents of every network."""

NETWORKS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ring": ("ring", {}),
    "star": ("star", {}),
    "torus 4×5": ("torus", {}),
    "6-regular": ("random_regular", {"d": 6}),
    "Erdős–Rényi 0.4": ("erdos_renyi", {"p": 0.4}),
    "complete": ("complete", {}),
}
"""Family and options of each network."""

COUNTS = (1, 2, 3, 4, 6, 8, 9)
"""Numbers of falsifying agents."""

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""s of the falsification N(s, s²), in units of x; the true x is N(0, I)."""

ITERATIONS = 800
TOLERANCE = 1e-6
"""The distance to the honest agents' minimiser at which a run counts as recovered."""


def _problem(network: str, seed: int) -> tuple[Topology, Costs]:
    family, options = NETWORKS[network]
    topo = topologies.make(family, N, seed=seed, **options)
    return topo, local_costs(synthetic_regression(10 * N, 3, seed=seed), N, seed=seed)


def phase_runs(
    seeds: Sequence[int] = range(3),
    *,
    counts: Sequence[int] = COUNTS,
    strengths: Sequence[float] = STRENGTHS,
    networks: Sequence[str] = tuple(NETWORKS),
    screening: Screening | None = None,
    iterations: int = ITERATIONS,
    jobs: int = 1,
) -> pd.DataFrame:
    """Run the grid.

    Parameters
    ----------
    seeds : sequence of int
        Each draws network, data, liars and falsifications.
    counts, strengths, networks
        Of :data:`COUNTS`, :data:`STRENGTHS`, :data:`NETWORKS`.
    screening : Screening, optional
        The default rule unless given.
    iterations : int
    jobs : int
        Processes.

    Returns
    -------
    pandas.DataFrame
        One row a run: ``topology``, ``byzantine``, ``strength``, ``seed``; at the end ``detected`` (share of the liars'
        links that are severed), ``wronged`` (share of the honest links that are), ``final`` (mean distance to the
        honest agents' minimiser), ``status``.
    """
    import pandas as pd
    from joblib import Parallel, delayed

    rule = Profiling() if screening is None else screening
    tasks = [(network, seed) for network in networks for seed in seeds]
    parts = Parallel(n_jobs=jobs)(
        delayed(_network_runs)(network, seed, tuple(counts), tuple(strengths), rule, iterations)
        for network, seed in tasks
    )
    return pd.DataFrame([row for part in parts for row in part])


def _network_runs(
    network: str, seed: int, counts: Sequence[int], strengths: Sequence[float], rule: Screening, iterations: int
) -> list[dict[str, Any]]:
    topo, costs = _problem(network, seed)
    penalty, _ = choose_penalty(topo, costs, "certified")
    rows = []
    for count in counts:
        liars = draw_byzantine(topo, count, seed)
        for strength in strengths:
            attack = Gaussian(strength, strength)
            told = _run(topo, costs, penalty, liars, attack, rule, iterations, seed)
            rows.append({"topology": network, "byzantine": count, "strength": strength, "seed": seed, **told})
    return rows


def _run(
    topo: Topology,
    costs: Costs,
    penalty: float,
    liars: Any,
    attack: Attack,
    rule: Screening,
    iterations: int,
    seed: int,
) -> dict[str, Any]:
    result = solve(
        topo,
        costs,
        penalty=penalty,
        byzantine=liars,
        attack=attack,
        screening=rule,
        iterations=iterations,
        seed=seed,
    )
    missed, wronged = wrong_links(result)
    inside = np.isin(topo.edges, liars).sum(axis=1)
    final = float(result.distance[-1])
    return {
        "detected": 1 - missed[-1] / max(1, int((inside == 1).sum())),
        "wronged": wronged[-1] / max(1, int((inside == 0).sum())),
        "final": final if np.isfinite(final) else np.inf,
        "status": result.status,
    }


def breakdown(table: pd.DataFrame) -> pd.DataFrame:
    """Return, for each topology, the largest number of liars up to which every run recovered.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`phase_runs`.

    Returns
    -------
    pandas.DataFrame
        Index: topology. Columns: one a strength, and ``any_strength``: the least of them. 0 means that one liar is too
        many. The numbers are those tried, so each is a lower bound up to the next one.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = pd.DataFrame({"topology": "ring", "byzantine": [1, 2, 3], "strength": 1.0, "final": [0.0, 0.0, 1.0]})
    >>> breakdown(runs).to_dict("records")
    [{'strength 1': 2, 'any_strength': 2}]
    """
    worst = table.groupby(["topology", "strength", "byzantine"], sort=False)["final"].max() <= TOLERANCE

    def last(recovered: pd.Series[bool]) -> int:
        count = int(recovered.cumprod().sum())
        return int(recovered.index.get_level_values("byzantine")[count - 1]) if count else 0

    points = worst.groupby(["topology", "strength"], sort=False).apply(last).unstack("strength")
    points.columns = [f"strength {value:g}" for value in points.columns]
    points = points.loc[table["topology"].unique()]
    return points.assign(any_strength=points.min(axis=1))


_THRESHOLDS = tuple(float(value) for value in np.geomspace(1e-3, 1e2, 16))

RULES: Mapping[str, tuple[tuple[float, ...], Callable[[float], Screening]]] = {
    "P1, mean score": (_THRESHOLDS, lambda value: Profiling(warmup=20, threshold=value)),
    "median score": (_THRESHOLDS, lambda value: Profiling(warmup=20, threshold=value, score="median")),
    "accumulated": (tuple(10 * value for value in _THRESHOLDS), lambda value: Road(value)),
    "default": ((np.nan,), lambda value: Profiling()),
}
"""Each rule's thresholds, and how it is made from one; the default has none, so it is one point."""


def roc_runs(
    seeds: Sequence[int] = range(3), *, strengths: Sequence[float] = (0.1, 1.0), byzantine: int = 3
) -> pd.DataFrame:
    """Run the rules over their thresholds, on Erdős–Rényi networks.

    Returns
    -------
    pandas.DataFrame
        One row a rule, strength and threshold, mean over seeds: ``hits`` (share of the liars' links severed at the
        end), ``false_alarms`` (share of the honest links severed), ``recovered`` (share of runs at the minimiser). A
        run of a rule that never readmits ends when it cuts the honest agents apart, and counts as it then stands.
    """
    import pandas as pd

    rows = []
    for seed in seeds:
        topo, costs = _problem("Erdős–Rényi 0.4", seed)
        penalty, _ = choose_penalty(topo, costs, "certified")
        liars = draw_byzantine(topo, byzantine, seed)
        for strength in strengths:
            attack = Gaussian(strength, strength)
            for name, (thresholds, make) in RULES.items():
                for value in thresholds:
                    told = _run(topo, costs, penalty, liars, attack, make(value), 200, seed)
                    rows.append({"rule": name, "strength": strength, "threshold": value, **told})
    runs = pd.DataFrame(rows)
    runs["recovered"] = runs["final"] <= TOLERANCE
    mean = runs.groupby(["rule", "strength", "threshold"], sort=False, dropna=False)[
        ["detected", "wronged", "recovered"]
    ].mean()
    return mean.rename(columns={"detected": "hits", "wronged": "false_alarms"}).reset_index()


def phase(
    out: Path, seeds: Sequence[int] = range(3), *, quick: bool = False, jobs: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Run the study into ``out``: phase-runs.csv, phase-breakdown.csv, phase-roc.csv, phase.png and roc.png.

    Parameters
    ----------
    out : Path
        A folder; made if it does not exist.
    seeds : sequence of int
    quick : bool
        One seed and a coarse grid.
    jobs : int
        Processes.

    Returns
    -------
    runs, breakdown, roc : pandas.DataFrame
        See :func:`phase_runs`, :func:`breakdown` and :func:`roc_runs`.
    """
    import matplotlib.pyplot as plt

    from decon.reproduce import phase_figures

    chosen, every = (tuple(seeds)[:1], 2) if quick else (tuple(seeds), 1)
    runs = phase_runs(chosen, counts=COUNTS[every - 1 :: every], strengths=STRENGTHS[every - 1 :: every], jobs=jobs)
    points, roc = breakdown(runs), roc_runs(chosen)
    out.mkdir(parents=True, exist_ok=True)
    runs.to_csv(out / "phase-runs.csv", index=False)
    points.to_csv(out / "phase-breakdown.csv")
    roc.to_csv(out / "phase-roc.csv", index=False)
    for name, drawn in (("phase.png", phase_figures.heat_maps(runs)), ("roc.png", phase_figures.roc(roc))):
        drawn.savefig(out / name, dpi=150)
        plt.close(drawn)
    return runs, points, roc
