"""What a study says: medians and quantile bands over its seeds, as a table and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from decon.spec.grammar import as_number
from decon.studies.study import AXES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["figure", "summarize"]

_SHOWN = ("worst_distance", "rate", "iterations_to_1e-6")


def summarize(rows: pd.DataFrame, *, band: tuple[float, float] = (0.1, 0.9)) -> pd.DataFrame:
    """Summarise over seeds.

    Parameters
    ----------
    rows : DataFrame
        As :meth:`decon.studies.Store.rows` gives them.
    band : (float, float)
        Lower and upper quantile.

    Returns
    -------
    DataFrame
        One row a cell of the grid without its seed. ``runs`` and ``failed`` count; of ``worst_distance`` (the largest
        over the last tenth of a run), ``rate`` and ``iterations_to_1e-6`` there are the median and the band. A run that
        diverged or lost its network counts with an infinite distance and no rate, one that never reaches 1e-6 with
        infinitely many iterations; a failed one counts in ``failed`` only.
    """
    axes = [axis for axis in AXES if axis != "seed"]
    if rows["who"].any():
        axes.insert(axes.index("byzantine") + 1, "who")
    failed, fine = rows["status"] == "error", rows["status"].isin(["completed", "converged"])
    used = rows.assign(
        failed=failed,
        **{
            "worst_distance": rows["worst_distance"].where(fine, float("inf")).mask(failed),
            "rate": rows["rate"].where(fine),
            "iterations_to_1e-6": rows["iterations_to_1e-6"].fillna(float("inf")).mask(failed),
        },
    )
    used["penalty"] = _in_order(used["penalty"])
    groups = used.groupby(axes, sort=True, observed=True)
    table: pd.DataFrame = groups["failed"].agg(["size", "sum"]).set_axis(["runs", "failed"], axis=1)
    for name in _SHOWN:
        for suffix, q in (("", 0.5), (" low", band[0]), (" high", band[1])):
            table[name + suffix] = groups[name].quantile(q, interpolation="nearest")  # no average with infinity
    return table


def _in_order(penalties: pd.Series) -> pd.Categorical:
    """Return penalties, kept as text, in the order of their numbers, names last."""
    import pandas as pd

    def place(text: str) -> tuple[bool, float, str]:
        number = as_number(text)
        return isinstance(number, str), 0.0 if isinstance(number, str) else number, text

    return pd.Categorical(penalties, sorted(penalties.dropna().unique(), key=place), ordered=True)


def figure(rows: pd.DataFrame, *, band: tuple[float, float] = (0.1, 0.9)) -> Figure:
    """Draw the distance against the axis with the most values, a panel for each attack and topology.

    Parameters
    ----------
    rows : DataFrame
        As :meth:`decon.studies.Store.rows` gives them.
    band : (float, float)
        Quantiles over seeds between which is shaded.

    Returns
    -------
    matplotlib.figure.Figure
        Lines are medians over seeds, one for every method and, with it, every value of the axes not shown otherwise.
        Cells without any falsifying agent appear in the panels of every attack, at strength and share 0.
    """
    import pandas as pd
    from matplotlib.figure import Figure

    table = summarize(rows, band=band).reset_index()
    penalties = pd.to_numeric(table["penalty"].astype(str), errors="coerce")
    table["penalty"] = table["penalty"].astype(str) if penalties.isna().any() else penalties
    attacked = table[table["byzantine"] > 0]
    counts = {axis: table[axis].nunique() for axis in ("byzantine", "n", "penalty")}
    counts["strength"] = attacked["strength"].nunique()
    along = max(counts, key=counts.__getitem__)
    table = _reach_zero(table, attacked, along)
    attacks = sorted(attacked["attack"].unique()) or sorted(table["attack"].unique())
    graphs = sorted(table["topology"].unique())
    lines = ["method", *(axis for axis in ("n", "penalty", "byzantine", "strength") if axis != along)]
    drawing = Figure(figsize=(3.2 * len(graphs) + 1.5, 2.6 * len(attacks) + 0.6), layout="constrained")
    panels = drawing.subplots(len(attacks), len(graphs), sharex=True, sharey=True, squeeze=False)
    for row, attack in enumerate(attacks):
        for column, graph in enumerate(graphs):
            here = table[(table["topology"] == graph) & table["attack"].isin([attack, "NoAttack"])]
            axes = panels[row, column]
            _lines(axes, here, along, lines, table)
            axes.set_title(f"{graph}, {attack}", fontsize="small")
            if row == len(attacks) - 1:
                axes.set_xlabel(along)
            if column == 0:
                axes.set_ylabel("distance to x*")
    handles, names = panels[0, 0].get_legend_handles_labels()
    if handles:
        drawing.legend(handles, names, loc="outside right upper", fontsize="small")
    return drawing


def _reach_zero(table: pd.DataFrame, attacked: pd.DataFrame, along: str) -> pd.DataFrame:
    """Let the cells without falsifying agents be the first point of every line over shares or strengths."""
    import pandas as pd

    other = {"byzantine": "strength", "strength": "byzantine"}.get(along)
    if other is None or attacked.empty:
        return table
    nobody = table[table["byzantine"] == 0]
    return pd.concat([attacked, *(nobody.assign(**{other: value}) for value in attacked[other].unique())])


def _lines(axes: Any, here: pd.DataFrame, along: str, lines: Sequence[str], table: pd.DataFrame) -> None:
    varied = [axis for axis in lines if axis == "method" or table[axis].nunique() > 1]
    for values, group in here.groupby(varied, sort=True):
        ordered = group.sort_values(along)
        label = ", ".join(
            str(value) if axis == "method" else f"{axis} {value}" for axis, value in zip(varied, values, strict=True)
        )
        (line,) = axes.plot(ordered[along], ordered["worst_distance"], marker=".", label=label)
        axes.fill_between(
            ordered[along],
            ordered["worst_distance low"],
            ordered["worst_distance high"],
            color=line.get_color(),
            alpha=0.2,
        )
    finite = here["worst_distance"][here["worst_distance"] < float("inf")]
    if finite.empty:
        axes.text(0.5, 0.5, "no run ended well", transform=axes.transAxes, ha="center", va="center")
    if (finite > 0).any():
        from matplotlib.ticker import LogFormatter

        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())  # in plain text: mathtext takes half of the drawing's time
        axes.yaxis.set_minor_formatter(LogFormatter())
