"""Beyond P2: the TV-penalised ADMM on graphs without a master, with and without screening."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import topologies
from decon.attacks import Gaussian, NoAttack, SameValue, SignFlip
from decon.attacks.liars import draw_byzantine
from decon.costs import SoftmaxRegression
from decon.costs.base import Array
from decon.datasets import Dataset, load, split
from decon.errors import OptionError
from decon.methods import Admm
from decon.methods.local_steps import SquareRoot, Stochastic
from decon.reproduce.star import BATCH, RIDGE, WORKERS, accuracy, hold_out
from decon.runs.round import Setup, iterate
from decon.screens.median_distance import MedianDistance
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["ATTACKS", "DEFENCES", "GRAPHS", "GraphsReport", "run"]

GRAPHS: dict[str, Callable[[int], Topology]] = {
    "ring": lambda seed: topologies.make("ring", WORKERS),
    "torus": lambda seed: topologies.make("torus", WORKERS),
    "random 6-regular": lambda seed: topologies.make("random_regular", WORKERS, d=6, seed=seed),
    "small world": lambda seed: topologies.make("watts_strogatz", WORKERS, k=6, p=0.3, seed=seed),
}
"""Twenty agents each; random graphs are drawn anew for each seed."""

ATTACKS = ("gaussian", "sign-flip", "same-value")
DEFENCES = ("nobody lies", "dual bound", "dual bound + screening", "alone")
"""Without an attack; under attack with λ alone, and behind MedianDistance too; and agents that talk to nobody."""

LIARS = 4

_BOUNDS, _BETA, _SCALES = (0.003, 0.01, 0.03, 0.1), 0.03, (0.03, 0.3)
"""8 candidates a graph, attack and defence, 250 iterations each on held-out training samples."""

Settings = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class GraphsReport:
    """What :func:`run` leaves.

    Attributes
    ----------
    rows : DataFrame
        graph, attack, defence, seed, average and worst accuracy over the honest agents, and the settings used.
    table : DataFrame
        Means over seeds: one row a graph and attack, average and worst for each defence.
    figure : Figure
    """

    rows: pd.DataFrame
    table: pd.DataFrame
    figure: Figure


def run(
    data: str | Dataset = "digits",
    *,
    seeds: int = 3,
    iterations: int = 1000,
    out: str | Path | None = None,
    quick: bool = False,
    progress: bool = False,
) -> GraphsReport:
    """Run the stochastic TV-ADMM on four graphs of 20 agents, 4 of which lie, under P2's attacks.

    Every agent holds samples, a twentieth of P2's ridge, and the liars are drawn so that the honest agents still form
    a network. Sign-flipping and Gaussian attacks go with iid data; the same-value attack with two agents a class.

    Parameters
    ----------
    data : str or Dataset
    seeds : int
        Of graph, liars, who holds what, minibatches and attack.
    iterations : int
    out : path, optional
        Folder for ``p2_graphs.csv``, ``p2_graphs_table.csv`` and ``p2_graphs.svg``.
    quick : bool
        One seed, 200 iterations, two graphs, and middling settings in the place of tuned ones.
    progress : bool
        Show a progress bar on stderr.

    Raises
    ------
    OptionError, DataError
        If a number is below 1, or there is no such data.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    if seeds < 1 or iterations < 1:
        raise OptionError(f"seeds = {seeds} and iterations = {iterations} must both be at least 1")
    dataset = load(data) if isinstance(data, str) else data
    names = ("ring", "random 6-regular") if quick else tuple(GRAPHS)
    if quick:
        seeds, iterations = 1, min(iterations, 200)
    rows: list[dict[str, Any]] = []
    cells = list(product(names, ATTACKS, DEFENCES))
    for name, attack, defence in tqdm(cells, disable=not progress, unit="cell"):
        settings = {"dual_bound": 0.01, "beta": 0.01, "scale": 0.03} if quick else _tune(dataset, name, attack, defence)
        for seed in range(seeds):
            scores = _scores(dataset, name, attack, defence, settings, seed, iterations)
            rows.append(
                {"graph": name, "attack": attack, "defence": defence, "seed": seed}
                | {"average": scores.mean(), "worst": scores.min(), **settings}
            )
        if out is not None:
            Path(out).mkdir(parents=True, exist_ok=True)
            pd.DataFrame(rows).to_csv(Path(out) / "p2_graphs.csv", index=False)
    frame = pd.DataFrame(rows)
    table = frame.pivot_table(
        index=["graph", "attack"], columns="defence", values=["average", "worst"], sort=False
    ).round(3)
    report = GraphsReport(frame, table, figure(frame))
    if out is not None:
        report.table.to_csv(Path(out) / "p2_graphs_table.csv")
        report.figure.savefig(Path(out) / "p2_graphs.svg")
    return report


def _tune(dataset: Dataset, graph: str, attack: str, defence: str) -> dict[str, float]:
    held = hold_out(dataset, folds=5)
    candidates = [
        {"dual_bound": bound, "beta": _BETA, "scale": scale}
        for bound, scale in product(_BOUNDS[:1] if defence == "alone" else _BOUNDS, _SCALES)
    ]
    found = [_scores(held, graph, attack, defence, settings, 0, 250).mean() for settings in candidates]
    return candidates[int(np.argmax(found))]


def _scores(
    dataset: Dataset, graph: str, attack: str, defence: str, settings: Settings, seed: int, iterations: int
) -> Array:
    """Return the honest agents' test accuracies after ``iterations``."""
    topo = GRAPHS[graph](seed)
    how: Literal["label", "iid"] = "label" if attack == "same-value" else "iid"
    parts = split(dataset, topo.n, how, seed=seed)
    costs = SoftmaxRegression(
        [dataset.X[part] for part in parts],
        [dataset.y[part] for part in parts],
        len(dataset.classes),
        ridge=RIDGE / topo.n,
    )
    liars = draw_byzantine(topo, LIARS, seed)
    honest = np.setdiff1d(np.arange(topo.n), liars)
    lies = {
        "gaussian": Gaussian(std=100.0, replace=True),
        "sign-flip": SignFlip(-3.0),
        "same-value": SameValue(),
    }
    method = Admm(
        # a bound this small is no link at all: duals of 1e-12 against gradients of order 1
        1e-12 if defence == "alone" else settings["beta"] / 2,
        dual_bound=1e-12 if defence == "alone" else settings["dual_bound"],
        local_step=Stochastic(SquareRoot(settings["scale"]), BATCH),
    )
    setup = Setup(
        topo=topo,
        costs=costs,
        method=method,
        byzantine=liars,
        attack=lies[attack] if defence.startswith("dual bound") else NoAttack(),
        screening=MedianDistance() if defence.endswith("screening") else None,
        seed=seed,
    )
    last = next(islice(iterate(setup, x0=np.zeros((costs.n, costs.dim))), iterations, None))
    return np.array([accuracy(x, dataset) for x in last.x[honest]])


def figure(rows: pd.DataFrame) -> Figure:
    """Draw average (bar) and worst (mark) honest accuracy, one panel an attack."""
    from matplotlib.figure import Figure as Canvas

    from decon.report.figures import COLORS

    canvas = Canvas(figsize=(11, 8.5), layout="constrained")
    graphs, attacks = list(dict.fromkeys(rows["graph"])), list(dict.fromkeys(rows["attack"]))
    axes = canvas.subplots(len(attacks), 1, sharex=True, squeeze=False)[:, 0]
    for ax, attack in zip(axes, attacks, strict=True):
        for place, defence in enumerate(DEFENCES):
            part = rows[(rows["attack"] == attack) & (rows["defence"] == defence)]
            by = part.groupby("graph", sort=False)[["average", "worst"]].mean().reindex(graphs)
            x = np.arange(len(graphs)) + 0.2 * (place - 1.5)
            ax.bar(x, by["average"], width=0.18, color=COLORS[place], label=f"{defence}, average")
            ax.plot(x, by["worst"], "k_", ms=11, mew=1.8, label="worst honest agent" if place == 3 else None)
        ax.set(title=f"{attack}, {LIARS} of {WORKERS} agents lie", ylabel="test accuracy", ylim=(0, 1.02))
        ax.set_xticks(np.arange(len(graphs)), graphs)
        ax.grid(axis="y", alpha=0.25)
    canvas.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize=9, frameon=False)
    return canvas
