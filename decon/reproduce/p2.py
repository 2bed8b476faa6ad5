"""P2's figures 1-3 run again on real data, and its claims held against what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decon.datasets import Dataset, load
from decon.errors import OptionError
from decon.reproduce.claims import claims
from decon.reproduce.star import METHODS, SCENARIOS, Scenario, Star
from decon.reproduce.tuning import tuned

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["PRINTED", "Report", "curves", "figure", "finals", "run"]

PRINTED = {
    "gaussian": {"dual_bound": 0.5, "beta": 0.1, "scale": 50.0},
    "sign-flip": {"dual_bound": 0.5, "beta": 0.3, "scale": 100.0},
    "same-value": {"dual_bound": 0.5, "beta": 5.0, "scale": 500_000.0},
}
"""λ, β and s of σ^k = s√k as P2 prints them; the scale of P2's features is not known."""

_QUICK = ("ideal SGD", "SGD", "geometric median", "median", "RSA", "ADMM")
"""P2's own methods."""


@dataclass(frozen=True, eq=False)
class Report:
    """What :func:`run` leaves.

    Attributes
    ----------
    curves : DataFrame
        scenario, method, seed, iteration, accuracy.
    finals : DataFrame
        Mean accuracy at the last iteration, one row a method, one column a scenario; a last row with the best there is.
    claims : DataFrame
        figure, claim, holds, numbers.
    figure : Figure
    """

    curves: pd.DataFrame
    finals: pd.DataFrame
    claims: pd.DataFrame
    figure: Figure


def run(
    data: str | Dataset = "digits",
    *,
    seeds: int = 5,
    iterations: int = 1000,
    out: str | Path | None = None,
    settings: str | Path | None = None,
    quick: bool = False,
    progress: bool = False,
) -> Report:
    """Run all methods in all six panels of P2's figures and judge P2's claims.

    The hub has f_0 = 0.005‖x‖², 20 workers hold the training samples, minibatches are 32; seeds decide who holds
    what, the minibatches and the attack, alike for all methods. Settings were tuned on held-out training samples of
    the digits, 12 candidates a method and panel, see :mod:`decon.reproduce.tuning`; they are used for other data too
    unless a table of their own is given.

    Parameters
    ----------
    data : str or Dataset
        A name for :func:`decon.datasets.load`, or a classification.
    seeds : int
        Number of runs a panel and method.
    iterations : int
    out : path, optional
        Folder for ``p2_curves.csv``, ``p2_finals.csv``, ``p2_claims.csv``, ``p2.svg``, and ``p2_runs.jsonl``, to
        which each finished run is added: after a kill the same call goes on from there.
    settings : path, optional
        A table that :func:`decon.reproduce.tuning.tune_all` wrote.
    quick : bool
        P2's own six methods, 2 seeds and 300 iterations at most.
    progress : bool
        Show a progress bar on stderr.

    Raises
    ------
    OptionError, DataError
        If a number is below 1, or there is no such data or table.
    """
    if seeds < 1 or iterations < 1:
        raise OptionError(f"seeds = {seeds} and iterations = {iterations} must both be at least 1")
    dataset = load(data) if isinstance(data, str) else data
    table = tuned(None if settings is None else Path(settings))
    methods = _QUICK if quick else METHODS
    if quick:
        seeds, iterations = min(seeds, 2), min(iterations, 300)
    folder = None if out is None else Path(out)
    rows = curves(dataset, table, methods=methods, seeds=seeds, iterations=iterations, out=folder, progress=progress)
    best = {scenario.name: Star(dataset, scenario, 0).kept_share for scenario in SCENARIOS}
    last = finals(rows, best)
    report = Report(rows, last, claims(rows, best), figure(rows, best, dataset.name))
    if folder is not None:
        rows.to_csv(folder / "p2_curves.csv", index=False)
        last.to_csv(folder / "p2_finals.csv")
        report.claims.to_csv(folder / "p2_claims.csv", index=False)
        report.figure.savefig(folder / "p2.svg")
    return report


def curves(
    dataset: Dataset,
    table: Mapping[str, Mapping[str, Mapping[str, float]]],
    *,
    methods: Iterable[str] = METHODS,
    scenarios: Iterable[Scenario] = SCENARIOS,
    seeds: int = 5,
    iterations: int = 1000,
    out: Path | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Return the accuracy curves of every method, scenario and seed, and of the ADMM with P2's printed parameters."""
    import pandas as pd
    from tqdm.auto import tqdm

    jobs = [
        (scenario, method, settings, seed)
        for scenario in scenarios
        for seed in range(seeds)
        for method, settings in (
            *((method, table[scenario.name][method]) for method in methods),
            ("ADMM as printed", PRINTED[scenario.attack]),
        )
    ]
    store = None if out is None else out / "p2_runs.jsonl"
    known = _read(store)
    star: Star | None = None
    parts = []
    for scenario, method, settings, seed in tqdm(jobs, disable=not progress, unit="run"):
        key = json.dumps([dataset.name, len(dataset.y), scenario.name, method, dict(settings), seed, iterations])
        found = known.get(key)
        if found is None:
            if star is None or (star.scenario, star.seed) != (scenario, seed):
                star = Star(dataset, scenario, seed)
            curve = star.run(
                method.removesuffix(" as printed"),
                settings,
                iterations=iterations,
                record_every=max(1, iterations // 100),
            )
            found = [curve.iterations.tolist(), curve.accuracy.tolist()]
            if store is not None:
                _append(store, key, found)
        parts.append(
            pd.DataFrame({"iteration": found[0], "accuracy": found[1]}).assign(
                scenario=scenario.name, method=method, seed=seed
            )
        )
    return pd.concat(parts, ignore_index=True)[["scenario", "method", "seed", "iteration", "accuracy"]]


def _read(store: Path | None) -> dict[str, Any]:
    """Return the runs that are on disk; a line cut off by a kill is skipped."""
    known: dict[str, Any] = {}
    if store is None or not store.exists():
        return known
    for line in store.read_text().splitlines():
        try:
            key, found = json.loads(line)
        except ValueError:
            continue
        known[key] = found
    return known


def _append(store: Path, key: str, found: Any) -> None:
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.open("a") as file:
        file.write(json.dumps([key, found]) + "\n")


def finals(rows: pd.DataFrame, best: Mapping[str, float]) -> pd.DataFrame:
    """Return mean accuracies at the last iteration, methods by scenarios, and the share of classes that are left."""
    last = rows[rows["iteration"] == rows["iteration"].max()]
    table: pd.DataFrame = last.pivot_table(
        index="method", columns="scenario", values="accuracy", aggfunc="mean", sort=False
    )
    table.loc["classes left"] = [best[str(name)] for name in table.columns]
    rounded: pd.DataFrame = table.round(3)
    return rounded


def figure(rows: pd.DataFrame, best: Mapping[str, float], data: str) -> Figure:
    """Draw P2's figures 1-3: top-1 test accuracy of x_0 against iterations, mean and range over the seeds."""
    from matplotlib.figure import Figure as Canvas

    from decon.report.figures import style

    attacks, counts = ("gaussian", "sign-flip", "same-value"), (4, 8)
    canvas = Canvas(figsize=(11, 10), layout="constrained")
    axes = canvas.subplots(3, 2, sharex=True, squeeze=False)
    methods = ["ADMM", *(m for m in dict.fromkeys(rows["method"]) if m != "ADMM")]
    handles: dict[str, Any] = {}
    for i, attack in enumerate(attacks):
        for j, q in enumerate(counts):
            ax, name = axes[i][j], Scenario(attack, q).name  # type: ignore[arg-type]
            for place, method in enumerate(methods):
                part = rows[(rows["scenario"] == name) & (rows["method"] == method)]
                if part.empty:
                    continue
                by = part.groupby("iteration")["accuracy"]
                look = style(place) | ({"linewidth": 2.6, "zorder": 5} if method == "ADMM" else {})
                x, mean = by.mean().index.to_numpy(), by.mean().to_numpy()
                handles[method] = ax.plot(x, mean, **look)[0]
                ax.fill_between(x, by.min().to_numpy(), by.max().to_numpy(), color=look["color"], alpha=0.12, lw=0)
            if best[name] < 1:
                ax.axhline(best[name], color="0.4", lw=0.8, ls=":")
                ax.annotate("classes left", (0.99, best[name]), xycoords=("axes fraction", "data"), ha="right",
                            va="bottom", fontsize=8, color="0.3")  # fmt: skip
            ax.set(title=f"Fig. {i + 1}: {attack}, q = {q}", ylim=(0, 1.02))
            ax.grid(alpha=0.25)
    for ax in axes[-1]:
        ax.set_xlabel("iteration")
    for row in axes:
        row[0].set_ylabel("top-1 test accuracy of x₀")
    canvas.suptitle(f"P2's experiments on {data}: 20 workers, q of them Byzantine; mean and range over seeds")
    canvas.legend(list(handles.values()), list(handles), loc="outside right upper", fontsize=9, frameon=False)
    return canvas
