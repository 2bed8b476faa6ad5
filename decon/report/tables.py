"""Tables as text and files, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from decon.spec.grammar import as_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from decon.costs import Costs
    from decon.runs.result import Result
    from decon.spec.experiment import Experiment
    from topologies import Topology

__all__ = [
    "brief",
    "describe",
    "text_table",
    "verify_all",
    "write_comparison",
    "write_distance",
    "write_tradeoffs",
    "write_verification",
]

_WELL = ("completed", "converged", None)
_LINKS = 20
"""Severed links that are printed; ``result.detection.table()`` has all of them."""
_FIXED = ("rate", "penalty", "connectivity", "signless", "condition", "seconds", "tightness")


def text_table(table: pd.DataFrame) -> str:
    """Return a table with headings broken over lines and numbers of four digits.

    Examples
    --------
    >>> import pandas as pd
    >>> print(text_table(pd.DataFrame({"final_error": [1e-15], "n": [20]}, index=pd.Index(["ring"], name="topology"))))
               final
    topology   error    n
    ─────────────────────
    ring       1e-15   20
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = table.reset_index()
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in shown.columns:
        number = np.issubdtype(np.asarray(shown[name]).dtype, np.number)
        grid.add_column(_heading(str(name)), justify="right" if number else "left", no_wrap=True)
    for _, row in shown.iterrows():
        grid.add_row(*(_cell(str(name), row[name]) for name in shown.columns))
    console = Console(width=1000, color_system=None, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


_BRIEF = (
    "n",
    "edges",
    "graph_condition",
    "penalty",
    "rate",
    "certified_rate",
    "theorem3_rate",
    "iterations_to_1e-6",
    "final_error",
    "attacked_error",
    "certified_radius",
)


def brief(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a comparison that fit a terminal; the table's file has all of them.

    How the runs ended is among them where one did not end well.
    """
    ended = [name for name in ("status", "attacked_status") if name in table and not table[name].isin(_WELL).all()]
    return table[[name for name in _BRIEF if name in table.columns] + ended]


def _heading(name: str) -> str:
    """Break a heading into lines of about ten letters."""
    return textwrap.fill(name.replace("_", " "), width=10, break_long_words=False, break_on_hyphens=False)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return str(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if np.isnan(number):
            return "–"
        if number.is_integer() and abs(number) < 1e6:
            return str(int(number))
        if "error" not in name and any(word in name for word in _FIXED) and 1e-3 <= abs(number) < 1e4:
            return f"{number:.4f}" if abs(number) < 10 else f"{number:.1f}"
        return f"{number:.3g}"
    return str(value)


def describe(result: Result) -> str:
    """Return a run in words."""
    fit, penalty = result.rate(), result.manifest.get("penalty", {})
    lines = [
        f"status           {result.status}: {result.message}",
        f"penalty c        {result.penalty:.6g} ({penalty.get('source', 'given')})",
        f"distance         {result.distance[-1]:.3g}  (mean over honest agents to the minimiser of their sum)",
        f"consensus error  {result.consensus_error[-1]:.3g}",
        f"rate             {fit.rate:.6f} ± {fit.error:.1g}  (fitted on iterations {result.recorded[fit.first]}"
        f" … {result.recorded[fit.last]})",
        f"seconds          {result.seconds:.3f} for {result.iterations} iterations",
    ]
    if result.byzantine.size:
        liars = ", ".join(map(str, result.byzantine))
        lines.insert(1, f"Byzantine        agents {liars}; largest ‖e‖ {np.max(result.error_norm):.3g}")
    if result.manifest.get("screening") is not None:
        lines += ["", str(result.detection)]
        links = result.detection.table()
        if len(links):
            lines += ["", text_table(links.head(_LINKS).set_index("i"))]
        if len(links) > _LINKS:
            lines += [f"… and {len(links) - _LINKS} more links (result.detection.table() has all)"]
    return "\n".join(lines)


def write_distance(result: Result, path: Path) -> Path:
    """Draw a run's distance to the minimiser into ``path``."""
    import matplotlib.pyplot as plt

    from decon import plots

    figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    plots.distance(result, ax, color=plots.COLORS[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def write_comparison(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write a comparison's table (CSV) and figure (PNG) into ``folder``; return the paths."""
    from decon import plots

    return _write(table, plots.comparison(table), folder)


def verify_all(experiment: Experiment, seeds: int, *, progress: bool = False) -> pd.DataFrame:
    """Verify each topology of an experiment; one table, its figure's data in ``attrs["pictures"]``."""
    import pandas as pd
    from tqdm import tqdm

    from decon.studies.verification import verify

    tables = []
    for name, topo in tqdm(experiment.build_topologies().items(), disable=not progress, unit="topology", leave=False):
        table = verify(
            topo,
            experiment.build_costs(topo),
            penalty=as_number(experiment.penalty),
            byzantine=experiment.byzantine,
            attack=None if experiment.byzantine in (0, ()) else experiment.build_attack(),
            iterations=experiment.iterations,
            seeds=range(experiment.seed, experiment.seed + seeds),
        )
        table.insert(0, "topology", name)
        tables.append(table)
    pictures = [table.attrs.pop("pictures") for table in tables]
    whole = pd.concat(tables, ignore_index=True).set_index("topology")
    whole.attrs["pictures"] = pictures
    return whole


def write_tradeoffs(table: pd.DataFrame, costs: Callable[[Topology], Costs], folder: Path) -> list[Path]:
    """Draw the rate against the penalty for each topology of a comparison into ``folder``; return the path."""
    import matplotlib.pyplot as plt

    from decon import plots
    from decon.studies.tradeoff import penalty_tradeoff

    rows = table.attrs["runs"].rows
    columns = min(4, len(rows))
    figure, axes = plt.subplots(
        -(-len(rows) // columns),
        columns,
        figsize=(3.6 * columns, 2.9 * -(-len(rows) // columns)),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat[len(rows) :]:
        ax.set_visible(False)
    for ax, name, (topo, _, _) in zip(axes.flat, table.index, rows, strict=False):
        plots.penalty_tradeoff(penalty_tradeoff(topo, costs(topo)), ax)
        ax.set_title(name, fontsize=9)
        ax.get_legend().remove()
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(folder / "penalties.png", dpi=150)
    plt.close(figure)
    return [folder / "penalties.png"]


def write_verification(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write a verification's table (CSV) and figure (PNG) into ``folder``; return the paths."""
    from decon import plots

    return _write(table, plots.verification(table.attrs["pictures"]), folder)


def _write(table: pd.DataFrame, figure: Figure, folder: Path) -> list[Path]:
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "table.csv")
    figure.savefig(folder / "figure.png", dpi=150)
    plt.close(figure)
    return [folder / "table.csv", folder / "figure.png"]
