"""Pictures: functions that take data and axes, return the axes or figure, and compute nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from decon.runs.result import Result
    from decon.studies.verification import Picture
    from topologies import Topology

__all__ = ["COLORS", "comparison", "distance", "draw_topology", "penalty_tradeoff", "style", "verification"]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
"""Okabe and Ito's colours (yellow, too pale for lines, replaced by brown): told apart by colour-blind readers."""

_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.3)))


def style(index: int) -> dict[str, Any]:
    """Return colour and dash of the ``index``-th line: eight colours, then the same dashed, then dotted."""
    return {
        "color": COLORS[index % len(COLORS)],
        "linestyle": _DASHES[(index // len(COLORS)) % len(_DASHES)],
        "linewidth": 1.6,
    }


def draw_topology(topo: Topology, ax: Axes, *, color: str = COLORS[0], byzantine: Any = ()) -> Axes:
    """Draw a small graph; falsifying agents are hollow squares."""
    graph = nx.from_scipy_sparse_array(topo.adjacency)
    place = _layout(topo, graph)
    size = max(2.0, 60.0 / np.sqrt(topo.n))
    liars = {int(i) for i in byzantine}
    nx.draw_networkx_edges(graph, place, ax=ax, width=0.5, edge_color="0.6")
    nx.draw_networkx_nodes(
        graph, place, [i for i in graph if i not in liars], ax=ax, node_size=size, node_color=color, linewidths=0
    )
    if liars:
        nx.draw_networkx_nodes(
            graph,
            place,
            sorted(liars),
            ax=ax,
            node_size=1.5 * size,
            node_shape="s",
            node_color="white",
            edgecolors=color,
            linewidths=0.9,
        )
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    ax.set_axis_off()
    return ax


def _layout(topo: Topology, graph: nx.Graph[Any]) -> dict[int, Any]:
    """Place the agents in the square [-1, 1]²."""
    places = _raw_layout(topo, graph)
    points = np.array([places[i] for i in range(topo.n)])
    points -= (points.max(axis=0) + points.min(axis=0)) / 2
    return dict(enumerate(points / np.abs(points).max()))


def _raw_layout(topo: Topology, graph: nx.Graph[Any]) -> dict[int, Any]:
    if (topo.spectrum.is_regular and topo.spectrum.max_degree <= 2) or topo.n_edges == topo.n * (topo.n - 1) // 2:
        return dict(nx.circular_layout(graph))
    if topo.n <= 60:
        return dict(nx.kamada_kawai_layout(graph, weight=None))
    return dict(nx.spring_layout(graph, seed=0, weight=None))


def distance(result: Result, ax: Axes, *, label: str | None = None, **line: Any) -> Axes:
    """Plot the distance to the minimiser against iterations, on a logarithmic axis."""
    shown = np.where(result.distance > 0, result.distance, np.nan)
    ax.semilogy(result.recorded, shown, label=label, **line)
    ax.set_xlabel("iteration")
    ax.set_ylabel("mean distance of honest agents\nto the minimiser")
    ax.grid(visible=True, which="major", alpha=0.3)
    return ax


def comparison(table: pd.DataFrame) -> Figure:
    """Draw a comparison: distance against iterations, honest and attacked, each graph small beside its line.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`decon.compare`.
    """
    import matplotlib.pyplot as plt

    rows = table.attrs["runs"].rows
    attacked = any(run is not None for _, _, run in rows)
    columns = 2 if attacked else 1
    figure = plt.figure(figsize=(2.7 + 4.6 * columns, max(4.6, 0.62 * len(rows) + 0.8)), layout="constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=[2.7, 4.6 * columns])
    side, main = parts
    panels = main.subplots(1, columns, sharey=True, squeeze=False)[0]
    pictures = side.subplots(len(rows), 1, squeeze=False)[:, 0]
    for index, (name, (topo, honest, lied_to)) in enumerate(zip(table.index, rows, strict=True)):
        line = style(index)
        distance(honest, panels[0], **line)
        if lied_to is not None:
            distance(lied_to, panels[1], **line)
        liars = () if lied_to is None else lied_to.byzantine
        ax = draw_topology(topo, pictures[index], color=line["color"], byzantine=liars)
        ax.set_anchor("W")
        ax.annotate(
            f"{name}\nn = {topo.n}, rate {table['rate'].iloc[index]:.3f}",
            (1.08, 0.5),
            xycoords="axes fraction",
            va="center",
            fontsize=8,
        )
        ax.plot([1.08, 1.9], [0.0, 0.0], transform=ax.transAxes, clip_on=False, **line)
    panels[0].set_title("no attack\n", fontsize=10)
    if attacked:
        first = next(run for _, _, run in rows if run is not None)
        words = textwrap.shorten(str(first.manifest["attack"]), 56, placeholder=" …")
        heading = f"{len(first.byzantine)} Byzantine agents (squares)\n{words}"
        panels[1].set_title(heading, fontsize=10)
        panels[1].set_ylabel("")
    return figure


def verification(pictures: Sequence[Mapping[str, Picture]]) -> Figure:
    """Draw measured distances beside theory: a column a topology, without attack above, with attack below.

    Parameters
    ----------
    pictures : sequence of mappings
        ``table.attrs["pictures"]`` of each :func:`decon.verify`.
    """
    import matplotlib.pyplot as plt

    rows = [name for name in ("no attack", "attack") if all(name in entry for entry in pictures)]
    figure, axes = plt.subplots(
        len(rows),
        len(pictures),
        figsize=(2.6 * len(pictures) + 0.6, 2.7 * len(rows) + 0.6),
        sharex=True,
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for ax, (row, entry) in zip(axes.flat, ((row, entry) for row in rows for entry in pictures), strict=True):
        _envelopes(entry[row], ax)
        ax.set_title(f"{entry[row].topology}, {row}", fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("iteration")
    for ax in axes[:, 0]:
        ax.set_ylabel("distance to the minimiser")
    known = {label: line for ax in axes.flat for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=5, fontsize=9, frameon=False)
    return figure


def _envelopes(picture: Picture, ax: Axes) -> None:
    k = np.arange(len(picture.distance))
    ax.semilogy(k, picture.distance, color=COLORS[6], linewidth=1.4, label="measured")
    ax.semilogy(k, picture.envelope, color=COLORS[1], linestyle=_DASHES[1], linewidth=1.4, label="Theorem 3's envelope")
    if picture.certified_radius is None:
        start = picture.distance[0]
        lines = [("certified rate (slope)", picture.certified_rate, COLORS[0], _DASHES[0])]
        if picture.exact_rate is not None:
            lines.append(("exact rate (slope)", picture.exact_rate, COLORS[4], _DASHES[2]))
        for label, rate, color, dash in lines:
            ax.semilogy(k, start * rate**k, color=color, linestyle=dash, linewidth=1.8, label=label)
    else:
        ax.axhline(
            picture.certified_radius,
            color=COLORS[0],
            linewidth=1.4,
            linestyle=(0, (6, 1, 1, 1)),
            label="certified radius",
        )
    ax.set_ylim(bottom=max(1e-12, 0.3 * float(picture.distance.min())))
    ax.grid(visible=True, which="major", alpha=0.3)


def penalty_tradeoff(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the rate against the penalty, from :func:`decon.penalty_tradeoff`."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    shown = (
        ("theorem3", "Theorem 3 (any cost of the class)", {"color": COLORS[1], "linestyle": _DASHES[1]}),
        ("certified", "certified (any cost of the class)", {"color": COLORS[0], "linestyle": "-"}),
        ("exact", "exact (these costs)", {"color": COLORS[4], "linestyle": _DASHES[2], "linewidth": 2.2}),
        ("measured", "measured", {"color": COLORS[6], "linestyle": "none", "marker": "o", "markersize": 3.5}),
    )
    # 1 - rate on a logarithmic axis spreads what a plain rate axis squeezes against 1
    for name, label, line in shown:
        if table[name].notna().any():
            ax.loglog(table.index, 1 - table[name], label=label, **line)
    names = {"theorem3": ("Theorem 3's c*", COLORS[1]), "certified": ("certified c", COLORS[0])}
    for method, (label, color) in names.items():
        if table.index.min() <= table.attrs["best"][method] <= table.index.max():
            ax.axvline(table.attrs["best"][method], color=color, linewidth=0.8, alpha=0.7)
            ax.annotate(
                label,
                (table.attrs["best"][method], 0.98),
                xycoords=("data", "axes fraction"),
                rotation=90,
                va="top",
                ha="right",
                fontsize=8,
                color=color,
            )
    ax.set_xlabel("penalty c")
    ax.set_ylabel("1 - rate (higher is faster)")
    ax.grid(visible=True, which="major", alpha=0.3)
    ax.legend(frameon=False, fontsize=8, loc="lower center")
    return ax
